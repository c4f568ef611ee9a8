//! What the company writes in the messenger's own app, and the echoes of what we send.

use colloquy_entity::*;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::app::App;
use crate::db::Tx;
use crate::error::Result;
use crate::log::{Entry, Kind};
use crate::messenger::Echo;

use super::people::{client, refresh};
use super::{Outcome, add, dialogue, edit, stored};
use crate::inbox::{contractors, delivery, dialogues, messages, receipts};

/// Of our own messages, an echo is looked for among so many of the latest.
const LATEST: u64 = 200;

/// Takes in a message of the company: one of ours is known by its key or its id; any other is as an employee's, without
/// queue, deal or automatic texts.
pub(super) async fn receive(app: &App, channel: &channel::Model, echo: &Echo) -> Result<Outcome> {
    if echo.is_edit
        && let Some(outcome) = edit(app, channel, &echo.message, false).await?
    {
        return Ok(outcome);
    }
    let incoming = &echo.message;
    let mut tx = app.begin().await?;
    let (mut client, is_known) = client(&tx, channel.kind, &incoming.person).await?;
    let (mut dialogue, is_new) = dialogue(&tx, channel.id, client.id).await?;
    if stored(&tx, channel.id, &incoming.external_id).await?.is_some() {
        return Ok(Outcome::Repeated);
    }
    // The client may have read it before this came: that is told of its id.
    let ids = [incoming.external_id.clone()];
    if let Some(key) = echo.repeat_key
        && let Some(mut ours) = of_key(&tx, &dialogue, key).await?
    {
        // The answer to the sending is still on its way, or was lost.
        ours.external_id = Some(incoming.external_id.clone());
        receipts::forward(&mut tx, &dialogue, &mut ours, DeliveryStatus::Sent, None);
        receipts::take_early(&mut tx, channel.kind, &dialogue, &mut ours, &ids).await?;
        messages::store(&tx, &ours).await?;
        tx.commit().await?;
        return Ok(Outcome::Repeated);
    }
    if is_new {
        let opened = Entry::of(Kind::DialogueOpened, None, &dialogue).about(client.id.0);
        let card = client.contractor_id.map(|id| id.0);
        tx.emit(card.into_iter().fold(opened, Entry::about));
        contractors::for_client(&mut tx, &mut client, &dialogue, None).await?;
    }
    if !is_new || is_known {
        refresh(&mut tx, &mut client, &incoming.person, &dialogue, false).await?;
    }
    dialogues::reopen_locked(&mut tx, &mut dialogue, None).await?;
    let mut theirs = add(&mut tx, &mut dialogue, incoming, MessageOrigin::Messenger, None).await?;
    receipts::take_early(&mut tx, channel.kind, &dialogue, &mut theirs, &ids).await?;
    messages::store(&tx, &theirs).await?;
    dialogues::store(&tx, &dialogue).await?;
    tx.commit().await?;
    Ok(Outcome::Stored)
}

/// The message of ours that was sent with this key and has no id of the messenger yet.
async fn of_key(tx: &Tx<'_>, dialogue: &dialogue::Model, key: i32) -> Result<Option<message::Model>> {
    let latest = message::Entity::find()
        .filter(message::Column::DialogueId.eq(dialogue.id))
        .filter(message::Column::Origin.ne(MessageOrigin::Client))
        .filter(message::Column::ExternalId.is_null())
        .order_by_desc(message::Column::Ordinal)
        .limit(LATEST)
        .all(&**tx)
        .await?;
    Ok(latest.into_iter().find(|message| delivery::repeat_key(message.id) == key))
}
