//! Links between dialogues and deals, projects and tasks; a contractor's go by its clients.

use colloquy_entity::*;
use sea_orm::sea_query::{DynIden, Expr, ExprTrait, Func, IntoIden, JoinType, LockType, OnConflict, Order, Query};
use sea_orm::sea_query::{SelectStatement, SimpleExpr};
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, QueryTrait};
use uuid::Uuid;

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::{Entry, Kind};
use crate::policy::{self, Act};
use crate::ranked;
use crate::viewer::Viewer;

use super::cards::{self, Given, Place};
use super::dialogues;

/// A kind of card that has a table of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linked {
    /// The latest linked is the dialogue's current one.
    Deal,
    /// Projects.
    Project,
    /// Tasks.
    Task,
}

// All three tables of links have these.
const DIALOGUE: &str = "dialogue_id";
const LINKED_AT: &str = "linked_at";

impl Linked {
    fn what(self) -> &'static str {
        match self {
            Self::Deal => "deal",
            Self::Project => "project",
            Self::Task => "task",
        }
    }

    fn cards(self) -> DynIden {
        match self {
            Self::Deal => deal::Entity.into_iden(),
            Self::Project => project::Entity.into_iden(),
            Self::Task => task::Entity.into_iden(),
        }
    }

    fn links(self) -> DynIden {
        match self {
            Self::Deal => dialogue_deal::Entity.into_iden(),
            Self::Project => dialogue_project::Entity.into_iden(),
            Self::Task => dialogue_task::Entity.into_iden(),
        }
    }

    /// The cards' column of what they are called.
    fn name(self) -> &'static str {
        match self {
            Self::Deal | Self::Task => "title",
            Self::Project => "name",
        }
    }

    fn card_column(self) -> DynIden {
        match self {
            Self::Deal => dialogue_deal::Column::DealId.into_iden(),
            Self::Project => dialogue_project::Column::ProjectId.into_iden(),
            Self::Task => dialogue_task::Column::TaskId.into_iden(),
        }
    }

    /// A column of the links, by its table: these names stand elsewhere, too.
    fn link(self, column: impl IntoIden) -> SimpleExpr {
        Expr::col((self.links(), column.into_iden()))
    }

    /// The cards that are linked to dialogues that the viewer may see.
    pub(super) fn seen_by(self, viewer: &Viewer) -> SelectStatement {
        let seen = Query::select()
            .column(dialogue::Column::Id)
            .from(dialogue::Entity)
            .cond_where(policy::visible(viewer))
            .take();
        Query::select()
            .column(self.card_column())
            .from(self.links())
            .and_where(Expr::col(DIALOGUE).in_subquery(seen))
            .take()
    }

    /// Whether the viewer may do this to a card: NOT_FOUND where they may not even see it, else FORBIDDEN.
    pub(super) async fn require(self, tx: &Tx<'_>, viewer: &Viewer, card: Uuid, act: Act) -> Result<()> {
        let linked = Query::select()
            .column(DIALOGUE)
            .from(self.links())
            .and_where(Expr::col(self.card_column()).eq(card))
            .take();
        cards::require(&**tx, viewer, self.what(), act, linked).await
    }

    /// Locks a card against other changes; NOT_FOUND where there is none.
    async fn lock(self, tx: &Tx<'_>, card: Uuid) -> Result<()> {
        let lock = Query::select()
            .column("id")
            .from(self.cards())
            .and_where(Expr::col("id").eq(card))
            .lock(LockType::NoKeyUpdate)
            .take();
        tx.query_one(&lock).await?.map(|_| ()).ok_or(Error::NotFound(self.what()))
    }

    /// The dialogues to which a locked card is linked, the latest linked first.
    async fn places(self, tx: &Tx<'_>, card: Uuid) -> Result<Vec<Place>> {
        let dialogue_id = (dialogue::Entity, dialogue::Column::Id);
        let places = Query::select()
            .expr_as(Expr::col(dialogue_id), DIALOGUE)
            .column((dialogue::Entity, dialogue::Column::ChannelId))
            .from(self.links())
            .inner_join(dialogue::Entity, self.link(DIALOGUE).equals(dialogue_id))
            .and_where(self.link(self.card_column()).eq(card))
            .order_by_expr(self.link(LINKED_AT), Order::Desc)
            .order_by(dialogue_id, Order::Desc)
            .take();
        let rows = tx.query_all(&places).await?;
        rows.iter().map(|row| Ok(Place::from_query_result(row, "")?)).collect()
    }

    /// Something that happened to a locked card, told in all its dialogues; of a deal, to its contractor's feed, too.
    pub(super) async fn tell(self, tx: &Tx<'_>, kind: Kind, viewer: &Viewer, card: Uuid) -> Result<Entry> {
        let entry = cards::tell(kind, viewer.actor(), card, &self.places(tx, card).await?);
        self.with_contractor(tx, entry, card).await
    }

    async fn with_contractor(self, tx: &Tx<'_>, entry: Entry, card: Uuid) -> Result<Entry> {
        if self != Self::Deal {
            return Ok(entry);
        }
        let deal = deal::Entity::find_by_id(DealId(card)).one(&**tx).await?;
        Ok(deal.and_then(|deal| deal.contractor_id).map(|id| id.0).into_iter().fold(entry, Entry::about))
    }

    /// Links a locked card to a locked dialogue; false where it is linked already.
    pub(super) async fn put(self, tx: &Tx<'_>, dialogue: DialogueId, card: Uuid) -> Result<bool> {
        let either = Expr::col(DIALOGUE).eq(dialogue).or(Expr::col(self.card_column()).eq(card));
        let latest = Query::select()
            .expr_as(Func::max(Expr::col(LINKED_AT)), "latest")
            .from(self.links())
            .and_where(either)
            .take();
        let latest: Option<i64> = match tx.query_one(&latest).await? {
            Some(row) => row.try_get("", "latest")?,
            None => None,
        };
        // Later than all before it, whatever the clocks say: the latest linked is the current one.
        let at = latest.map_or(tx.now(), |latest| Ord::max(tx.now(), Time(latest).plus(1)));
        let link = Query::insert()
            .into_table(self.links())
            .columns([DIALOGUE.into_iden(), self.card_column(), LINKED_AT.into_iden()])
            .values([dialogue.into(), card.into(), at.into()])
            .map_err(Error::internal)?
            .on_conflict(OnConflict::columns([DIALOGUE.into_iden(), self.card_column()]).do_nothing().to_owned())
            .take();
        Ok(tx.execute(&link).await?.rows_affected() > 0)
    }

    /// Links a locked card to a locked dialogue, and tells of it. Nothing where it is linked.
    pub(super) async fn put_and_tell(
        self,
        tx: &mut Tx<'_>,
        viewer: &Viewer,
        dialogue: DialogueId,
        card: Uuid,
    ) -> Result<()> {
        if self.put(tx, dialogue, card).await? {
            let told = match self {
                Self::Deal => Kind::DealLinked,
                Self::Project => Kind::ProjectLinked,
                Self::Task => Kind::TaskLinked,
            };
            let entry = self.tell(tx, told, viewer, card).await?;
            tx.emit(entry);
        }
        Ok(())
    }

    async fn remove(self, tx: &Tx<'_>, dialogue: DialogueId, card: Uuid) -> Result<bool> {
        let unlink = Query::delete()
            .from_table(self.links())
            .and_where(Expr::col(DIALOGUE).eq(dialogue))
            .and_where(Expr::col(self.card_column()).eq(card))
            .take();
        Ok(tx.execute(&unlink).await?.rows_affected() > 0)
    }

    /// The latest cards of dialogues, by `cards` and whose: the latest linked first. For who sees the dialogues.
    pub(super) async fn of_dialogues<E: EntityTrait>(
        self,
        db: &impl ConnectionTrait,
        dialogues: &[DialogueId],
    ) -> Result<Vec<(DialogueId, E::Model)>> {
        let mut query = E::find();
        QueryTrait::query(&mut query)
            .join(
                JoinType::InnerJoin,
                self.links(),
                self.link(self.card_column()).equals((self.cards(), "id".into_iden())),
            )
            .and_where(self.link(DIALOGUE).is_in(dialogues.iter().copied()));
        let order = [(self.link(LINKED_AT), Order::Desc), (self.link(self.card_column()), Order::Desc)];
        let rows = ranked::each(db, query, (self.links(), DIALOGUE.into_iden()), order, ranked::LATEST).await?;
        Ok(rows.into_iter().map(|(owner, card)| (DialogueId(owner), card)).collect())
    }
}

/// Links a card to a dialogue. Nothing where it is linked.
pub async fn link(
    app: &App,
    viewer: &Viewer,
    kind: Linked,
    dialogue: DialogueId,
    card: Given<Uuid>,
) -> Result<dialogue::Model> {
    let mut tx = app.begin().await?;
    let dialogue = dialogues::lock_for(&tx, viewer, dialogue, Act::Arrange).await?;
    let card = card.ok_or(Error::NotFound(kind.what()))?;
    kind.require(&tx, viewer, card, Act::See).await?;
    kind.lock(&tx, card).await?;
    kind.put_and_tell(&mut tx, viewer, dialogue.id, card).await?;
    if !tx.is_quiet() {
        tx.commit().await?;
    }
    Ok(dialogue)
}

/// Unlinks a card from a dialogue. Nothing where it is not linked.
pub async fn unlink(
    app: &App,
    viewer: &Viewer,
    kind: Linked,
    dialogue: DialogueId,
    card: Given<Uuid>,
) -> Result<dialogue::Model> {
    let mut tx = app.begin().await?;
    let dialogue = dialogues::lock_for(&tx, viewer, dialogue, Act::Arrange).await?;
    let card = card.ok_or(Error::NotFound(kind.what()))?;
    kind.require(&tx, viewer, card, Act::See).await?;
    kind.lock(&tx, card).await?;
    if !kind.remove(&tx, dialogue.id, card).await? {
        return Ok(dialogue);
    }
    let told = match kind {
        Linked::Deal => Kind::DealUnlinked,
        Linked::Project => Kind::ProjectUnlinked,
        Linked::Task => Kind::TaskUnlinked,
    };
    let mut places = kind.places(&tx, card).await?;
    places.insert(0, Place { dialogue_id: dialogue.id, channel_id: dialogue.channel_id });
    let entry = cards::tell(told, viewer.actor(), card, &places);
    let entry = kind.with_contractor(&tx, entry, card).await?;
    tx.emit(entry);
    tx.commit().await?;
    Ok(dialogue)
}

/// The latest dialogues of cards that the viewer may see, the latest linked first.
pub async fn dialogues(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    kind: Linked,
    cards: &[Uuid],
) -> Result<Vec<(Uuid, dialogue::Model)>> {
    let mut query = dialogue::Entity::find().filter(policy::visible(viewer));
    let dialogue_id = (dialogue::Entity, dialogue::Column::Id);
    QueryTrait::query(&mut query)
        .join(JoinType::InnerJoin, kind.links(), kind.link(DIALOGUE).equals(dialogue_id))
        .and_where(kind.link(kind.card_column()).is_in(cards.iter().copied()));
    let order = [(kind.link(LINKED_AT), Order::Desc), (Expr::col(dialogue_id), Order::Desc)];
    ranked::each(db, query, (kind.links(), kind.card_column()), order, ranked::LATEST).await
}

/// The cards of dialogues with their names, all of them, the latest linked first.
pub(super) async fn names(
    db: &impl ConnectionTrait,
    kind: Linked,
    dialogues: &[DialogueId],
) -> Result<Vec<(DialogueId, Uuid, String)>> {
    let id = (kind.cards(), "id".into_iden());
    let names = Query::select()
        .expr_as(kind.link(DIALOGUE), DIALOGUE)
        .expr_as(Expr::col(id.clone()), "card_id")
        .expr_as(Expr::col((kind.cards(), kind.name())), "card_name")
        .from(kind.links())
        .inner_join(kind.cards(), kind.link(kind.card_column()).equals(id))
        .and_where(kind.link(DIALOGUE).is_in(dialogues.iter().copied()))
        .order_by_expr(kind.link(LINKED_AT), Order::Desc)
        .order_by_expr(kind.link(kind.card_column()), Order::Desc)
        .take();
    let rows = db.query_all(&names).await?;
    let read = |row: &sea_orm::QueryResult| {
        Ok((row.try_get("", DIALOGUE)?, row.try_get("", "card_id")?, row.try_get("", "card_name")?))
    };
    rows.iter().map(read).collect()
}
