//! Receipts: what messengers tell of how far our messages came. They come late, twice, out of order and before the answer
//! to the sending; a status only moves forward, so that all end in the same state.

use colloquy_entity::*;
use sea_orm::sea_query::{ExprTrait, LockType, OnConflict};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use crate::app::App;
use crate::db::Tx;
use crate::error::Result;
use crate::messenger::{self, Receipt, Received};

use super::receive::Outcome;
use super::{dialogues, messages};

/// Receipts that nothing was found for are kept so long, in milliseconds.
const KEPT: i64 = 24 * 60 * 60 * 1000;
/// A receipt for a further message of several is looked for among so many of the latest.
const LATEST: u64 = 100;

/// Moves a message forward, and tells of it. The caller stores it.
pub(super) fn forward(
    tx: &mut Tx<'_>,
    dialogue: &dialogue::Model,
    message: &mut message::Model,
    status: DeliveryStatus,
    failure: Option<String>,
) {
    if message.delivery_status.is_none_or(|had| had >= status) {
        return;
    }
    message.delivery_status = Some(status);
    message.delivery_at = Some(tx.now());
    message.next_attempt_at = None;
    message.failure = failure.filter(|_| status == DeliveryStatus::Failed);
    tx.emit(messages::delivery_changed(None, dialogue, message));
}

/// Takes in what a messenger tells of a message of ours.
pub(super) async fn receive(app: &App, channel: &channel::Model, receipt: &Receipt) -> Result<Outcome> {
    let (status, failure) = match &receipt.what {
        Received::Delivered => (DeliveryStatus::Delivered, None),
        Received::Read => (DeliveryStatus::Read, None),
        Received::Failed(words) => (DeliveryStatus::Failed, Some(words.clone())),
    };
    let mut tx = app.begin().await?;
    let Some(mut dialogue) = of_person(&tx, channel, &receipt.person.external_id).await? else {
        return Ok(Outcome::Ignored);
    };
    let number = messenger::number(channel.kind, &receipt.external_id).filter(|_| status == DeliveryStatus::Read);
    let last = match number {
        Some(number) => {
            dialogue.read_number = Ord::max(dialogue.read_number, Some(number));
            None
        }
        None => match find(&tx, channel.id, &dialogue, &receipt.external_id).await? {
            // Of the client's own messages some messengers tell as well.
            Some(message) if message.delivery_status.is_none() => return Ok(Outcome::Ignored),
            Some(message) => Some(message),
            None => {
                keep(&tx, channel.id, &receipt.external_id, status, failure).await?;
                tx.commit().await?;
                return Ok(Outcome::Stored);
            }
        },
    };
    if status == DeliveryStatus::Read {
        for mut message in unread(&tx, &dialogue, last.as_ref()).await? {
            let is_read = match number {
                None => true,
                Some(number) => is_up_to(channel.kind, &message, number),
            };
            if is_read {
                forward(&mut tx, &dialogue, &mut message, DeliveryStatus::Read, None);
                messages::store(&tx, &message).await?;
            }
        }
    } else if let Some(mut message) = last {
        forward(&mut tx, &dialogue, &mut message, status, failure);
        messages::store(&tx, &message).await?;
    }
    let is_new = !tx.is_quiet();
    dialogues::store(&tx, &dialogue).await?;
    tx.commit().await?;
    Ok(if is_new { Outcome::Stored } else { Outcome::Repeated })
}

/// What receipts told of a message before its sending was answered; they are done with then.
pub(super) async fn early(
    tx: &Tx<'_>,
    kind: ChannelKind,
    dialogue: &dialogue::Model,
    message: &message::Model,
    external_ids: &[String],
) -> Result<Option<(DeliveryStatus, Option<String>)>> {
    let of_message = || {
        early_receipt::Column::ChannelId
            .eq(dialogue.channel_id)
            .and(early_receipt::Column::ExternalId.is_in(external_ids.iter().cloned()))
    };
    let early = early_receipt::Entity::find().filter(of_message()).all(&**tx).await?;
    if !early.is_empty() {
        early_receipt::Entity::delete_many().filter(of_message()).exec(&**tx).await?;
    }
    let told = early.into_iter().map(|receipt| (receipt.status, receipt.failure)).max_by_key(|(status, _)| *status);
    let is_read = dialogue.read_number.is_some_and(|number| is_up_to(kind, message, number));
    Ok(if is_read { Some((DeliveryStatus::Read, None)) } else { told })
}

fn is_up_to(kind: ChannelKind, message: &message::Model, number: i64) -> bool {
    let of_message = message.external_id.as_deref().and_then(|id| messenger::number(kind, id));
    of_message.is_some_and(|of_message| of_message <= number)
}

/// The dialogue of a person in a channel, locked.
async fn of_person(tx: &Tx<'_>, channel: &channel::Model, person: &str) -> Result<Option<dialogue::Model>> {
    let client = client::Entity::find()
        .filter(client::Column::Kind.eq(channel.kind))
        .filter(client::Column::ExternalId.eq(person))
        .one(&**tx)
        .await?;
    let Some(client) = client else { return Ok(None) };
    let dialogue = dialogue::Entity::find()
        .filter(dialogue::Column::ChannelId.eq(channel.id))
        .filter(dialogue::Column::ClientId.eq(client.id))
        .lock(LockType::NoKeyUpdate)
        .one(&**tx)
        .await?;
    if let Some(dialogue) = &dialogue {
        tx.goes_on_after(dialogue.last_activity_at);
    }
    Ok(dialogue)
}

/// The message that has this id at the messenger, as its first or a further one.
async fn find(
    tx: &Tx<'_>,
    channel: ChannelId,
    dialogue: &dialogue::Model,
    external_id: &str,
) -> Result<Option<message::Model>> {
    let first = message::Entity::find()
        .filter(message::Column::ChannelId.eq(channel))
        .filter(message::Column::ExternalId.eq(external_id))
        .one(&**tx)
        .await?;
    if first.is_some() {
        return Ok(first.filter(|message| message.dialogue_id == dialogue.id));
    }
    let several = message::Entity::find()
        .filter(message::Column::DialogueId.eq(dialogue.id))
        .filter(message::Column::MoreExternalIds.is_not_null())
        .order_by_desc(message::Column::Ordinal)
        .limit(LATEST)
        .all(&**tx)
        .await?;
    let has = |message: &message::Model| {
        let more = message.more_external_ids.as_ref().and_then(|more| more.as_array());
        more.is_some_and(|more| more.iter().any(|id| id == external_id))
    };
    Ok(several.into_iter().find(has))
}

/// What the client was sent and has not read, up to a message.
async fn unread(
    tx: &Tx<'_>,
    dialogue: &dialogue::Model,
    last: Option<&message::Model>,
) -> Result<Vec<message::Model>> {
    let mut sent = message::Entity::find()
        .filter(message::Column::DialogueId.eq(dialogue.id))
        .filter(message::Column::DeliveryStatus.is_in([DeliveryStatus::Sent, DeliveryStatus::Delivered]));
    if let Some(last) = last {
        sent = sent.filter(message::Column::Ordinal.lt(last.ordinal));
    }
    let mut unread = sent.order_by_asc(message::Column::Ordinal).all(&**tx).await?;
    // Whatever became of it: it was seen.
    unread.extend(last.cloned());
    Ok(unread)
}

/// Keeps a receipt until its message is known.
async fn keep(
    tx: &Tx<'_>,
    channel: ChannelId,
    external_id: &str,
    status: DeliveryStatus,
    failure: Option<String>,
) -> Result<()> {
    let before = early_receipt::Entity::find_by_id((channel, external_id.to_owned())).one(&**tx).await?;
    if before.is_some_and(|before| before.status >= status) {
        return Ok(());
    }
    early_receipt::Entity::delete_many()
        .filter(early_receipt::Column::ChannelId.eq(channel))
        .filter(early_receipt::Column::At.lt(tx.now().plus(-KEPT)))
        .exec(&**tx)
        .await?;
    let row = early_receipt::ActiveModel {
        channel_id: Set(channel),
        external_id: Set(external_id.to_owned()),
        status: Set(status),
        failure: Set(failure),
        at: Set(tx.now()),
    };
    let again = OnConflict::columns([early_receipt::Column::ChannelId, early_receipt::Column::ExternalId])
        .update_columns([early_receipt::Column::Status, early_receipt::Column::Failure])
        .to_owned();
    early_receipt::Entity::insert(row).on_conflict(again).exec_without_returning(&**tx).await?;
    Ok(())
}
