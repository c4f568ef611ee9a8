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
///
/// A message with files may be several at the messenger. Where one of them fails and another arrives, the message is what
/// came furthest, and its failure stays beside that: nobody is to think that all of it arrived.
pub(super) fn forward(
    tx: &mut Tx<'_>,
    dialogue: &dialogue::Model,
    message: &mut message::Model,
    status: DeliveryStatus,
    failure: Option<String>,
) {
    let Some(had) = message.delivery_status else { return };
    let failure = failure.filter(|_| status == DeliveryStatus::Failed);
    let is_several = message.more_external_ids.is_some();
    if had >= status {
        let is_lost = is_several && had > DeliveryStatus::Failed && message.failure.is_none();
        let Some(words) = failure.filter(|_| is_lost) else { return };
        message.failure = Some(words);
    } else {
        message.delivery_status = Some(status);
        message.delivery_at = Some(tx.now());
        message.next_attempt_at = None;
        message.failure = failure.or_else(|| message.failure.take().filter(|_| is_several));
    }
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
            // Where the rest of it is still to be sent, this must not end that: it is for later, as of one not known yet.
            Some(message) if message.delivery_status != Some(DeliveryStatus::Queued) => Some(message),
            _ => {
                keep(&tx, channel.id, &receipt.external_id, status, failure).await?;
                tx.commit().await?;
                return Ok(Outcome::Stored);
            }
        },
    };
    if status == DeliveryStatus::Read {
        read_before(&mut tx, channel.kind, &dialogue, last.as_ref(), number).await?;
    }
    if let Some(mut message) = last {
        // A read one too, whatever became of it: it was seen.
        forward(&mut tx, &dialogue, &mut message, status, failure);
        messages::store(&tx, &message).await?;
    }
    let is_new = !tx.is_quiet();
    dialogues::store(&tx, &dialogue).await?;
    tx.commit().await?;
    Ok(if is_new { Outcome::Stored } else { Outcome::Repeated })
}

/// Takes in what receipts told of a message before its sending ended; they are done with then. The caller stores it.
pub(super) async fn take_early(
    tx: &mut Tx<'_>,
    kind: ChannelKind,
    dialogue: &dialogue::Model,
    message: &mut message::Model,
    external_ids: &[String],
) -> Result<()> {
    let of_message = || {
        early_receipt::Column::ChannelId
            .eq(dialogue.channel_id)
            .and(early_receipt::Column::ExternalId.is_in(external_ids.iter().cloned()))
    };
    let mut early = early_receipt::Entity::find().filter(of_message()).all(&**tx).await?;
    if !early.is_empty() {
        early_receipt::Entity::delete_many().filter(of_message()).exec(&**tx).await?;
    }
    early.sort_by_key(|receipt| receipt.status);
    for receipt in early {
        if receipt.failure.is_some() {
            forward(tx, dialogue, message, DeliveryStatus::Failed, receipt.failure);
        }
        forward(tx, dialogue, message, receipt.status, None);
        if receipt.status == DeliveryStatus::Read {
            read_before(tx, kind, dialogue, Some(message), None).await?;
        }
    }
    if dialogue.read_number.is_some_and(|number| is_up_to(kind, message, number)) {
        forward(tx, dialogue, message, DeliveryStatus::Read, None);
    }
    Ok(())
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

/// Who has seen a message has seen what they were sent before it; or, where the messenger counts, all up to a number. What the
/// messenger said to have failed too: had it said so later, that would have undone nothing, and all orders end alike.
async fn read_before(
    tx: &mut Tx<'_>,
    kind: ChannelKind,
    dialogue: &dialogue::Model,
    last: Option<&message::Model>,
    number: Option<i64>,
) -> Result<()> {
    let mut sent = message::Entity::find()
        .filter(message::Column::DialogueId.eq(dialogue.id))
        .filter(message::Column::DeliveryStatus.is_in([
            DeliveryStatus::Sent,
            DeliveryStatus::Failed,
            DeliveryStatus::Delivered,
        ]))
        // What never was at the messenger nobody has seen.
        .filter(message::Column::ExternalId.is_not_null());
    if let Some(last) = last {
        sent = sent.filter(message::Column::Ordinal.lt(last.ordinal));
    }
    for mut message in sent.order_by_asc(message::Column::Ordinal).all(&**tx).await? {
        if number.is_none_or(|number| is_up_to(kind, &message, number)) {
            forward(tx, dialogue, &mut message, DeliveryStatus::Read, None);
            messages::store(tx, &message).await?;
        }
    }
    Ok(())
}

/// Keeps a receipt until the sending of its message has ended: the furthest that was told, and why it failed if it did.
async fn keep(
    tx: &Tx<'_>,
    channel: ChannelId,
    external_id: &str,
    status: DeliveryStatus,
    failure: Option<String>,
) -> Result<()> {
    let before = early_receipt::Entity::find_by_id((channel, external_id.to_owned())).one(&**tx).await?;
    let (mut status, mut failure) = (status, failure);
    if let Some(before) = before {
        let had = (before.status, before.failure.clone());
        (status, failure) = (Ord::max(before.status, status), before.failure.or(failure));
        if had == (status, failure.clone()) {
            return Ok(());
        }
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
