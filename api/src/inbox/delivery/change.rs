//! Changes of messages to the messenger, each in its place among the messages of its dialogue.

use std::time::Instant;

use colloquy_entity::*;
use sea_orm::sea_query::{Expr, ExprTrait, Query, SelectStatement};
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use tokio_util::sync::CancellationToken;

use super::{Sender, TRIES, lock, taken};
use crate::app::App;
use crate::error::Result;
use crate::inbox::{changes, dialogues};
use crate::messenger::{Fault, Sent};

/// Changes that come before a message: it waits for them.
pub(super) fn before_message() -> SelectStatement {
    Query::select()
        .expr(Expr::cust("1"))
        .from(message_change::Entity)
        .and_where(
            Expr::col((message_change::Entity, message_change::Column::DialogueId))
                .equals((message::Entity, message::Column::DialogueId)),
        )
        .and_where(
            Expr::col((message_change::Entity, message_change::Column::AfterOrdinal))
                .lt(Expr::col((message::Entity, message::Column::Ordinal))),
        )
        .take()
}

/// The text that a message had before the changes that wait.
pub(super) async fn former_text(app: &App, message: MessageId) -> Result<Option<String>> {
    let first = message_change::Entity::find()
        .filter(message_change::Column::MessageId.eq(message))
        .order_by_asc(message_change::Column::AfterOrdinal)
        .order_by_asc(message_change::Column::CreatedAt)
        .order_by_asc(message_change::Column::Id)
        .one(app.db.read())
        .await?;
    Ok(first.map(|change| change.former_text))
}

impl Sender {
    /// The first change of each dialogue, where it is due and no message is to be sent before it.
    pub(super) async fn due_changes(&self, busy: Vec<DialogueId>, most: u64) -> Result<Vec<message_change::Model>> {
        let column = |column: message_change::Column| Expr::col((message_change::Entity, column));
        let before = Query::select()
            .expr(Expr::cust("1"))
            .from(message::Entity)
            .and_where(
                Expr::col((message::Entity, message::Column::DialogueId))
                    .equals((message_change::Entity, message_change::Column::DialogueId)),
            )
            // Literal, as in the partial index.
            .and_where(Expr::col((message::Entity, message::Column::DeliveryStatus)).eq(Expr::cust("'QUEUED'")))
            .and_where(
                Expr::col((message::Entity, message::Column::Ordinal))
                    .lte(column(message_change::Column::AfterOrdinal)),
            )
            .take();
        // Few at any time: they are gone when they have been told.
        let mut waiting = message_change::Entity::find()
            .filter(message_change::Column::ChannelId.eq(self.channel))
            .filter(message_change::Column::DialogueId.is_not_in(busy))
            .filter(Expr::exists(before).not())
            .order_by_asc(message_change::Column::AfterOrdinal)
            .order_by_asc(message_change::Column::CreatedAt)
            .order_by_asc(message_change::Column::Id)
            .limit(most * 16)
            .all(self.app.db.read())
            .await?;
        let mut seen = std::collections::HashSet::new();
        // The first of each dialogue alone, and that only when its time has come.
        waiting.retain(|change| seen.insert(change.dialogue_id));
        let now = Time::now();
        waiting.retain(|change| change.next_attempt_at <= now);
        Ok(waiting)
    }

    /// Tells the messenger of a change, and records what became of it.
    pub(super) async fn tell(&self, change: message_change::Model, stop: &CancellationToken) -> Result<()> {
        let Some(message) = message::Entity::find_by_id(change.message_id).one(self.app.db.read()).await? else {
            return Ok(());
        };
        let wait = lock(&self.pace).reserve_chat(change.dialogue_id, Instant::now());
        if stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
            return Ok(());
        }
        if stop.run_until_cancelled(self.turn()).await.is_none() {
            return Ok(());
        }
        let mut outgoing = self.outgoing(&message).await?;
        let sent = Sent { external_ids: taken(&message)? };
        let never_arrived = sent.external_ids.is_empty() && !self.is_ours();
        let outcome = match &change.text {
            _ if never_arrived => Ok(()),
            Some(text) => {
                outgoing.text.clone_from(text);
                self.messenger.edit(&outgoing, &sent).await
            }
            None => self.messenger.delete(&outgoing, &sent).await,
        };
        if !never_arrived {
            // Only what the messenger was asked tells of the channel.
            self.note_health(&outcome).await?;
        }
        let mut tx = self.app.begin().await?;
        let Some(dialogue) = dialogues::lock(&tx, change.dialogue_id).await? else { return Ok(()) };
        let attempts = change.attempts + 1;
        match outcome {
            Ok(()) => changes::settle(&mut tx, &dialogue, &change, None).await?,
            Err(fault) if attempts >= TRIES || matches!(fault, Fault::Final { .. }) => {
                changes::settle(&mut tx, &dialogue, &change, Some(fault.words())).await?;
            }
            Err(fault) => {
                let row = message_change::ActiveModel {
                    id: Set(change.id),
                    attempts: Set(attempts),
                    next_attempt_at: Set(self.again_later(change.message_id, attempts, &fault, tx.now())),
                    ..Default::default()
                };
                row.update_without_returning(&*tx).await?;
            }
        }
        tx.commit().await
    }

    /// Whether the messenger is our own, where messages have no other id.
    fn is_ours(&self) -> bool {
        self.messenger.kind() == ChannelKind::Website
    }
}
