//! Deals: sales in work.

use std::collections::HashSet;

use colloquy_entity::*;
use rust_decimal::Decimal;
use sea_orm::sea_query::{Condition, Expr, LockType, Order};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QuerySelect,
};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::{Entry, Kind};
use crate::paging::{Page, PageArgs, Window};
use crate::policy::{self, Act, Power};
use crate::ranked;
use crate::viewer::Viewer;

use super::cards::{self, Given};
use super::links::Linked;
use super::{contractors, funnels, money, text};

/// A deal in the channel's funnel, first stage, linked to the new dialogue and its contractor; none without a funnel.
pub(super) async fn for_dialogue(
    tx: &mut Tx<'_>,
    channel: &channel::Model,
    client: &client::Model,
    dialogue: &dialogue::Model,
) -> Result<()> {
    let Some(funnel) = channel.funnel_id else { return Ok(()) };
    let Some(first) = funnels::first_stage(tx, funnel).await? else { return Ok(()) };
    let title: String = format!("{} — {}", client.name, channel.name).chars().take(text::LONGEST_NAME).collect();
    let deal = deal::Model {
        id: DealId::new(),
        lookup: text::lookup([&title]),
        title,
        funnel_id: funnel,
        stage_id: first,
        amount: None,
        currency: None,
        contractor_id: client.contractor_id,
        responsible_id: None,
        created_at: tx.now(),
    };
    deal::Entity::insert(deal.clone().into_active_model().reset_all()).exec_without_returning(&**tx).await?;
    let link =
        dialogue_deal::ActiveModel { dialogue_id: Set(dialogue.id), deal_id: Set(deal.id), linked_at: Set(tx.now()) };
    dialogue_deal::Entity::insert(link).exec_without_returning(&**tx).await?;
    let created = Entry::of(Kind::DealCreated, None, dialogue).about(deal.id.0);
    let created = deal.contractor_id.map(|id| id.0).into_iter().fold(created, Entry::about);
    tx.emit(created.with(|detail| detail.card = Some(deal.id.0)));
    Ok(())
}

/// A new deal.
#[derive(Clone, Debug)]
pub struct NewDeal {
    /// What it is about.
    pub title: String,
    /// In which funnel.
    pub funnel: Given<FunnelId>,
    /// The funnel's first when absent.
    pub stage: Option<Given<StageId>>,
    /// Exact.
    pub amount: Option<Decimal>,
    /// ISO 4217.
    pub currency: Option<String>,
    /// With whom.
    pub contractor: Option<Given<ContractorId>>,
    /// Who answers for it.
    pub responsible: Option<Given<UserId>>,
    /// Linked to it.
    pub dialogue: Option<Given<DialogueId>>,
}

/// Makes a deal, on its own or in a dialogue.
pub async fn create(app: &App, viewer: &Viewer, new: NewDeal) -> Result<deal::Model> {
    cards::require_making(viewer, new.dialogue.is_some())?;
    let title = text::name("input.title", &new.title)?;
    let amount = new.amount.map(|amount| money::amount("input.amount", amount)).transpose()?;
    let currency = new.currency.map(|code| money::currency("input.currency", &code)).transpose()?;
    money::check(amount.as_deref(), currency.as_deref())?;
    let mut tx = app.begin().await?;
    let dialogue = cards::lock_place(&tx, viewer, new.dialogue).await?;
    let no_funnel = || Error::NotFound("funnel");
    let funnel = new.funnel.ok_or_else(no_funnel)?;
    let first = funnels::first_stage(&tx, funnel).await?.ok_or_else(no_funnel)?;
    let stage = match new.stage {
        Some(given) => funnels::stage_in(&tx, funnel, given).await?,
        None => first,
    };
    let contractor = match new.contractor {
        Some(given) => Some(contractors::hold(&tx, viewer, given).await?),
        None => None,
    };
    let responsible = match new.responsible {
        Some(given) => Some(cards::responsible(&tx, given).await?),
        None => None,
    };
    let deal = deal::Model {
        id: DealId::new(),
        lookup: text::lookup([&title]),
        title,
        funnel_id: funnel,
        stage_id: stage,
        amount,
        currency,
        contractor_id: contractor,
        responsible_id: responsible,
        created_at: tx.now(),
    };
    deal::Entity::insert(deal.clone().into_active_model().reset_all()).exec_without_returning(&*tx).await?;
    if let Some(dialogue) = dialogue {
        Linked::Deal.put(&tx, dialogue.id, deal.id.0).await?;
    }
    let created = Linked::Deal.tell(&tx, Kind::DealCreated, viewer, deal.id.0).await?;
    tx.emit(created);
    tx.commit().await?;
    Ok(deal)
}

/// What is to change; what is absent stays, and `Some(None)` clears.
#[derive(Clone, Debug, Default)]
pub struct DealChange {
    /// What it is about.
    pub title: Option<String>,
    /// One of the deal's funnel.
    pub stage: Option<Given<StageId>>,
    /// Exact; its currency goes with it.
    pub amount: Option<Option<Decimal>>,
    /// ISO 4217.
    pub currency: Option<Option<String>>,
    /// With whom.
    pub contractor: Option<Option<Given<ContractorId>>>,
    /// Who answers for it.
    pub responsible: Option<Option<Given<UserId>>>,
}

/// Changes a deal. Nothing new, no event.
pub async fn update(app: &App, viewer: &Viewer, id: Given<DealId>, change: DealChange) -> Result<deal::Model> {
    let missing = || Error::NotFound("deal");
    let mut tx = app.begin().await?;
    let id = id.ok_or_else(missing)?;
    Linked::Deal.require(&tx, viewer, id.0, Act::Arrange).await?;
    let contractor = match change.contractor {
        Some(Some(given)) => Some(Some(contractors::hold(&tx, viewer, given).await?)),
        Some(None) => Some(None),
        None => None,
    };
    let found = deal::Entity::find_by_id(id).lock(LockType::NoKeyUpdate).one(&*tx).await?;
    let before = found.ok_or_else(missing)?;
    let mut after = before.clone();
    if let Some(title) = &change.title {
        after.title = text::name("input.title", title)?;
        after.lookup = text::lookup([&after.title]);
    }
    if let Some(given) = change.stage {
        after.stage_id = funnels::stage_in(&tx, before.funnel_id, given).await?;
    }
    value(&mut after, change.amount, change.currency)?;
    after.contractor_id = contractor.unwrap_or(after.contractor_id);
    after.responsible_id = cards::change_responsible(&tx, before.responsible_id, change.responsible).await?;
    let changes = cards::changes(fields(&before), fields(&after));
    if changes.is_empty() {
        return Ok(before);
    }
    after.clone().into_active_model().reset_all().update_without_returning(&*tx).await?;
    let entry = Linked::Deal.tell(&tx, Kind::DealChanged, viewer, id.0).await?;
    // The feed of the contractor that it leaves tells of it, too.
    let entry = before.contractor_id.map(|id| id.0).into_iter().fold(entry, Entry::about);
    tx.emit(entry.with(|detail| detail.changes = changes));
    tx.commit().await?;
    Ok(after)
}

/// The amount and its currency, which goes with an amount that is cleared.
fn value(deal: &mut deal::Model, amount: Option<Option<Decimal>>, currency: Option<Option<String>>) -> Result<()> {
    if let Some(amount) = amount {
        deal.amount = amount.map(|amount| money::amount("input.amount", amount)).transpose()?;
        if deal.amount.is_none() {
            deal.currency = None;
        }
    }
    if let Some(code) = currency {
        deal.currency = code.map(|code| money::currency("input.currency", &code)).transpose()?;
    }
    money::check(deal.amount.as_deref(), deal.currency.as_deref())
}

fn fields(deal: &deal::Model) -> [(&'static str, Option<String>); 6] {
    [
        ("title", Some(deal.title.clone())),
        ("stage", Some(deal.stage_id.to_string())),
        ("amount", deal.amount.clone()),
        ("currency", deal.currency.clone()),
        ("contractor", deal.contractor_id.map(|id| id.to_string())),
        ("responsible", deal.responsible_id.map(|id| id.to_string())),
    ]
}

/// The deals that the viewer may see: an observer those of the dialogues that they may see.
fn visible(viewer: &Viewer) -> Condition {
    if policy::has(viewer.role, Power::SeeAllCards) {
        return Condition::all();
    }
    Condition::all().add(deal::Column::Id.in_subquery(Linked::Deal.seen_by(viewer)))
}

/// Those of the deals that the viewer may see.
pub async fn by_ids(db: &impl ConnectionTrait, viewer: &Viewer, ids: &[DealId]) -> Result<Vec<deal::Model>> {
    let query = deal::Entity::find().filter(deal::Column::Id.is_in(ids.iter().copied()));
    Ok(query.filter(visible(viewer)).all(db).await?)
}

/// The deals that events name, for who may see the event. Of one that they may not see any more, no more than its title
/// and stage.
pub async fn named(db: &impl ConnectionTrait, viewer: &Viewer, ids: &[DealId]) -> Result<Vec<deal::Model>> {
    let mut rows = deal::Entity::find().filter(deal::Column::Id.is_in(ids.iter().copied())).all(db).await?;
    if !policy::has(viewer.role, Power::SeeAllCards) {
        let seen: HashSet<_> = by_ids(db, viewer, ids).await?.into_iter().map(|row| row.id).collect();
        for row in rows.iter_mut().filter(|row| !seen.contains(&row.id)) {
            (row.amount, row.currency, row.contractor_id, row.responsible_id) = (None, None, None, None);
        }
    }
    Ok(rows)
}

/// Which deals are wanted. Ids of nothing that there is match nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DealFilter {
    /// In the title.
    pub text: Option<String>,
    /// In this funnel.
    pub funnel: Option<Given<FunnelId>>,
    /// At this stage.
    pub stage: Option<Given<StageId>>,
    /// For which this user answers.
    pub responsible: Option<Given<UserId>>,
}

impl DealFilter {
    fn query(&self, viewer: &Viewer) -> sea_orm::Select<deal::Entity> {
        let words = self.text.as_deref().filter(|words| !words.trim().is_empty());
        let all = visible(viewer)
            .add_option(words.map(|words| text::contains(deal::Column::Lookup, words)))
            .add_option(self.funnel.map(|id| deal::Column::FunnelId.is_in(id)))
            .add_option(self.stage.map(|id| deal::Column::StageId.is_in(id)))
            .add_option(self.responsible.map(|id| deal::Column::ResponsibleId.is_in(id)));
        deal::Entity::find().filter(all)
    }
}

/// Deals in the order in which they were made.
pub async fn page(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    filter: &DealFilter,
    args: &PageArgs,
) -> Result<Page<deal::Model>> {
    let window: Window<DealId> = args.window()?;
    ranked::page(db, filter.query(viewer), deal::Column::Id, &window).await
}

/// How many there are.
pub async fn count(db: &impl ConnectionTrait, viewer: &Viewer, filter: &DealFilter) -> Result<u64> {
    Ok(filter.query(viewer).count(db).await?)
}

/// The latest deals of contractors that the viewer may see.
pub async fn of_contractors(
    db: &impl ConnectionTrait,
    viewer: &Viewer,
    ids: &[ContractorId],
) -> Result<Vec<(ContractorId, deal::Model)>> {
    let query =
        deal::Entity::find().filter(visible(viewer)).filter(deal::Column::ContractorId.is_in(ids.iter().copied()));
    let id = Expr::col((deal::Entity, deal::Column::Id));
    let owner = (deal::Entity, deal::Column::ContractorId);
    let rows = ranked::each(db, query, owner, [(id, Order::Desc)], ranked::LATEST).await?;
    Ok(rows.into_iter().map(|(owner, row)| (ContractorId(owner), row)).collect())
}

/// The latest deals of dialogues, the latest linked first: the first is the current one. For who sees the dialogues.
pub async fn of_dialogues(db: &impl ConnectionTrait, ids: &[DialogueId]) -> Result<Vec<(DialogueId, deal::Model)>> {
    Linked::Deal.of_dialogues::<deal::Entity>(db, ids).await
}
