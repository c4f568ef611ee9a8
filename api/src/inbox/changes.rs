//! Changing and removing what the company wrote: here at once, and at the messenger in the order of sending.
//!
//! What was not tried yet is changed where it waits. What a messenger may have is told to it by a change of its own, which
//! the sender takes after the messages that stood before it.

use colloquy_entity::*;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::Kind;
use crate::messenger;
use crate::policy::Act;
use crate::viewer::Viewer;

use super::messages::{self, delivery_changed, lock_message, store, tell};
use super::{files, receipts, search};

/// Telegram removes messages within 48 hours only: core.telegram.org/bots/api#deletemessage.
const REMOVABLE: i64 = 48 * 60 * 60 * 1000;

/// Changes the text of a message of the company's, at the messenger too. The same text again changes nothing.
pub async fn edit(app: &App, viewer: &Viewer, id: MessageId, text: &str) -> Result<message::Model> {
    let (tx, dialogue, mut message) = lock_message(app, viewer, id, Act::Reply).await?;
    let mut tx = tx;
    let channel = changeable(&tx, &message).await?;
    if message.deleted_at.is_some() {
        return Err(Error::conflict("The message was deleted"));
    }
    let has_files = !files::of(&*tx, &[id]).await?.is_empty();
    messages::check_text("text", text, channel.kind, has_files)?;
    if message.text == text {
        return Ok(message);
    }
    if is_out(&message) {
        queue(&tx, &dialogue, &message, Some(text)).await?;
    }
    text.clone_into(&mut message.text);
    message.edited_at = Some(tx.now());
    store(&tx, &message).await?;
    search::message(&tx, &message).await?;
    tx.emit(tell(Kind::MessageEdited, viewer.actor(), &dialogue, id));
    tx.commit().await?;
    Ok(message)
}

/// Removes a message of the company's, at the messenger too; its place stays. Nothing where it is so.
pub async fn delete(app: &App, viewer: &Viewer, id: MessageId) -> Result<message::Model> {
    let (tx, dialogue, mut message) = lock_message(app, viewer, id, Act::Reply).await?;
    let mut tx = tx;
    let channel = changeable(&tx, &message).await?;
    if message.deleted_at.is_some() {
        return Ok(message);
    }
    if channel.kind == ChannelKind::Telegram && is_out(&message) && message.created_at.plus(REMOVABLE) < tx.now() {
        return Err(Error::bad("messageId", "Telegram lets a message be removed within 48 hours only"));
    }
    if is_out(&message) {
        queue(&tx, &dialogue, &message, None).await?;
    } else {
        files::let_go(&tx, id).await?;
    }
    message.text.clear();
    message.deleted_at = Some(tx.now());
    tx.emit(tell(Kind::MessageDeleted, viewer.actor(), &dialogue, id));
    if message.delivery_status == Some(DeliveryStatus::Queued) {
        receipts::forward(&mut tx, &dialogue, &mut message, DeliveryStatus::Failed, Some(UNSENT.into()));
    }
    store(&tx, &message).await?;
    search::message(&tx, &message).await?;
    tx.commit().await?;
    Ok(message)
}

/// Why a message that was deleted in the queue has not arrived.
const UNSENT: &str = "It was deleted before it was sent";

/// The channel of a message that can be changed.
async fn changeable(tx: &Tx<'_>, message: &message::Model) -> Result<channel::Model> {
    if message.origin == MessageOrigin::Client {
        return Err(Error::bad("messageId", "Only what the company wrote can be changed"));
    }
    let channel = channel::Entity::find_by_id(message.channel_id).one(&**tx).await?;
    let channel = channel.ok_or_else(|| Error::internal("a message without its channel"))?;
    if !messenger::can_change(channel.kind) {
        let words = "Viber lets nobody change or remove a message that was sent";
        return Err(Error::bad("messageId", words));
    }
    if channel.state == ChannelState::Disconnected {
        return Err(Error::conflict("The channel is disconnected"));
    }
    Ok(channel)
}

/// Whether the messenger may have it.
fn is_out(message: &message::Model) -> bool {
    match message.delivery_status {
        Some(DeliveryStatus::Queued) => message.attempts > 0,
        Some(DeliveryStatus::Failed) => message.external_id.is_some(),
        _ => true,
    }
}

/// Has the messenger told, after all that stands in the dialogue now.
async fn queue(tx: &Tx<'_>, dialogue: &dialogue::Model, message: &message::Model, text: Option<&str>) -> Result<()> {
    let change = message_change::Model {
        id: MessageChangeId::new(),
        message_id: message.id,
        dialogue_id: dialogue.id,
        channel_id: dialogue.channel_id,
        after_ordinal: dialogue.message_count,
        text: text.map(str::to_owned),
        former_text: message.text.clone(),
        former_edited_at: message.edited_at,
        attempts: 0,
        next_attempt_at: tx.now(),
        created_at: tx.now(),
    };
    message_change::Entity::insert(change.into_active_model().reset_all()).exec_without_returning(&**tx).await?;
    Ok(())
}

/// Whether a change of a message is still to be told to the messenger.
pub(super) async fn waits(tx: &Tx<'_>, message: MessageId) -> Result<bool> {
    let waiting = message_change::Entity::find().filter(message_change::Column::MessageId.eq(message));
    Ok(waiting.one(&**tx).await?.is_some())
}

/// The messenger has been told, or was told in vain: then the message is again what the client sees, with words.
pub(super) async fn settle(
    tx: &mut Tx<'_>,
    dialogue: &dialogue::Model,
    change: &message_change::Model,
    refused: Option<&str>,
) -> Result<()> {
    let done = message_change::Entity::delete_by_id(change.id).exec(&**tx).await?;
    let Some(mut message) = message::Entity::find_by_id(change.message_id).one(&**tx).await? else { return Ok(()) };
    if done.rows_affected == 0 {
        return Ok(());
    }
    let Some(words) = refused else {
        if change.text.is_none() {
            files::let_go(tx, message.id).await?;
        }
        if message.failure.take().is_some() {
            store(tx, &message).await?;
            tx.emit(delivery_changed(None, dialogue, &message));
        }
        return Ok(());
    };
    // A later change of it stands, and is told next.
    let stands = match &change.text {
        Some(text) => message.deleted_at.is_none() && message.text == *text,
        None => message.deleted_at.is_some(),
    };
    if stands {
        message.text.clone_from(&change.former_text);
        message.edited_at = change.former_edited_at;
        message.deleted_at = None;
        tx.emit(tell(Kind::MessageEdited, None, dialogue, message.id));
    }
    let change = if change.text.is_some() { "change" } else { "removal" };
    message.failure = Some(format!("The {change} did not reach the client: {words}"));
    store(tx, &message).await?;
    search::message(tx, &message).await?;
    tx.emit(delivery_changed(None, dialogue, &message));
    Ok(())
}
