//! What comes from a messenger: one transaction, all of it or nothing (rules.md, "A message from a client").

use colloquy_entity::*;
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};

use crate::app::App;
use crate::db::{self, Tx};
use crate::error::{Error, Result};
use crate::log::{Actor, Entry, Kind};
use crate::messenger::{Incoming, IncomingMessage};

use super::messages::{self, Draft};
use super::{changes, chat, contractors, deals, dialogues, files, participants, receipts, routing, search};
use people::{client, refresh};

mod echo;
mod people;

pub(super) use people::changed;

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored.
    Stored,
    /// It was stored before; nothing changed.
    Repeated,
    /// It is from a client whom we refuse.
    Dropped,
    /// It is nothing that the inbox keeps.
    Ignored,
}

impl Outcome {
    /// For the metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Repeated => "repeated",
            Self::Dropped => "dropped",
            Self::Ignored => "ignored",
        }
    }
}

/// How often a transaction is tried again that the database ended to resolve a deadlock.
const TRIES: u32 = 5;

/// Takes in what a messenger told of a channel, and returns once it is committed. Not for employees: the door has
/// checked that it is the messenger who speaks.
pub async fn receive(app: &App, channel: &channel::Model, incoming: Incoming) -> Result<Outcome> {
    let mut tries = 1;
    loop {
        let result = match &incoming {
            Incoming::Message(message) => self::message(app, channel, message).await,
            Incoming::Edited(message) => edited(app, channel, message).await,
            Incoming::Echo(echo) => echo::receive(app, channel, echo).await,
            Incoming::Receipt(receipt) => receipts::receive(app, channel, receipt).await,
            Incoming::Reachable { person, reachable } => people::reachable(app, channel, person, *reachable).await,
            Incoming::Button { .. }
            | Incoming::Typing { .. }
            | Incoming::Ignored { .. }
            | Incoming::Unknown { .. }
            | Incoming::Unreadable { .. } => Ok(Outcome::Ignored),
        };
        match result {
            Err(error) if tries < TRIES && db::is_transient(&error) => tries += 1,
            other => return other,
        }
    }
}

async fn message(app: &App, channel: &channel::Model, incoming: &IncomingMessage) -> Result<Outcome> {
    let mut tx = app.begin().await?;
    let (mut client, is_known) = client(&tx, channel.kind, &incoming.person).await?;
    if client.is_blocked {
        return Ok(Outcome::Dropped);
    }
    let (mut dialogue, is_new) = dialogue(&tx, channel.id, client.id).await?;
    if is_new && is_known {
        // As it is now: the new dialogue keeps it, until this commits, from being moved to another contractor.
        let now = client::Entity::find_by_id(client.id).one(&*tx).await?;
        client = now.ok_or_else(|| Error::internal("a client went away"))?;
    }
    if stored(&tx, channel.id, &incoming.external_id).await?.is_some() {
        return Ok(Outcome::Repeated);
    }
    let by_client = Some(Actor::Client(client.id));
    let was_away = !dialogue.is_reachable;
    dialogue.is_reachable = true;
    if !is_new {
        refresh(&mut tx, &mut client, &incoming.person, &dialogue, was_away).await?;
    }
    // The channel as it is now: its settings may have changed while the update was on its way.
    let channel = channel::Entity::find_by_id(channel.id).one(&*tx).await?;
    let channel = channel.ok_or_else(|| Error::internal("the channel is gone"))?;
    let is_start = is_new || dialogue.state == DialogueState::Closed;
    if is_new {
        let opened = Entry::of(Kind::DialogueOpened, by_client, &dialogue).about(client.id.0);
        let card = client.contractor_id.map(|id| id.0);
        tx.emit(card.into_iter().chain(chat::feed(&client)).fold(opened, Entry::about));
        if is_known {
            // A dialogue's first event is that it was opened.
            refresh(&mut tx, &mut client, &incoming.person, &dialogue, false).await?;
        }
        contractors::for_client(&mut tx, &mut client, &dialogue, incoming.person.phone.clone()).await?;
        deals::for_dialogue(&mut tx, &channel, &client, &dialogue).await?;
    } else {
        dialogues::reopen_locked(&mut tx, &mut dialogue, by_client).await?;
    }
    if is_start {
        assign(&mut tx, channel.id, &mut dialogue).await?;
    }
    let is_first = dialogue.client_message_count == 0;
    add(&mut tx, &mut dialogue, incoming, MessageOrigin::Client, by_client).await?;
    greet(&mut tx, &channel, &mut dialogue, is_first, is_start).await?;
    dialogues::store(&tx, &dialogue).await?;
    tx.commit().await?;
    Ok(Outcome::Stored)
}

/// Gives a starting dialogue that nobody answers for to the next of the queue.
async fn assign(tx: &mut Tx<'_>, channel: ChannelId, dialogue: &mut dialogue::Model) -> Result<()> {
    if dialogue.is_assigned {
        return Ok(());
    }
    if let Some(manager) = routing::next(tx, channel).await? {
        participants::put(tx, dialogue, manager, ParticipantRole::Responsible, None).await?;
    }
    Ok(())
}

async fn add(
    tx: &mut Tx<'_>,
    dialogue: &mut dialogue::Model,
    incoming: &IncomingMessage,
    origin: MessageOrigin,
    actor: Option<Actor>,
) -> Result<message::Model> {
    let reply_to = match &incoming.reply_to {
        Some(external) => stored(tx, dialogue.channel_id, external).await?.map(|message| message.id),
        None => None,
    };
    let draft = Draft {
        actor,
        external_id: Some(incoming.external_id.clone()),
        reply_to,
        sent_at: incoming.sent_at,
        album_id: incoming.album_id.clone(),
        forwarded_from: incoming.forwarded_from.clone(),
        edited_at: incoming.edited_at,
        edit_key: incoming.edit_key,
        ..Draft::outgoing(origin, incoming.text.clone(), tx.now())
    };
    let message = messages::add(tx, dialogue, draft).await?;
    if !incoming.parts.is_empty() {
        files::receive(tx, message.id, &incoming.parts).await?;
        search::message(tx, &message).await?;
    }
    Ok(message)
}

/// The automatic texts: the welcome after the very first message, the auto-reply whenever the dialogue starts.
async fn greet(
    tx: &mut Tx<'_>,
    channel: &channel::Model,
    dialogue: &mut dialogue::Model,
    is_first: bool,
    is_start: bool,
) -> Result<()> {
    let welcome = channel.welcome_text.clone().filter(|_| is_first);
    let reply = channel.auto_reply_text.clone().filter(|_| is_start && channel.auto_reply_enabled);
    for (origin, text) in [(MessageOrigin::Welcome, welcome), (MessageOrigin::AutoReply, reply)] {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            let draft = Draft::outgoing(origin, text, tx.now());
            messages::add(tx, dialogue, draft).await?;
        }
    }
    Ok(())
}

/// The edit of a message; where it never came, the message itself.
async fn edited(app: &App, channel: &channel::Model, incoming: &IncomingMessage) -> Result<Outcome> {
    if let Some(outcome) = edit(app, channel, incoming, true).await? {
        return Ok(outcome);
    }
    match message(app, channel, incoming).await? {
        // The original or another edit of it has come first meanwhile.
        Outcome::Repeated => {
            edit(app, channel, incoming, true).await?.ok_or_else(|| Error::internal("a message went away"))
        }
        outcome => Ok(outcome),
    }
}

/// The edit of a message that is stored; nothing where it is not.
async fn edit(
    app: &App,
    channel: &channel::Model,
    incoming: &IncomingMessage,
    by_client: bool,
) -> Result<Option<Outcome>> {
    let mut tx = app.begin().await?;
    let Some(before) = stored(&tx, channel.id, &incoming.external_id).await? else { return Ok(None) };
    let dialogue = dialogues::lock(&tx, before.dialogue_id).await?;
    let dialogue = dialogue.ok_or_else(|| Error::internal("a message without its dialogue"))?;
    let client = client::Entity::find_by_id(dialogue.client_id).one(&*tx).await?;
    if by_client && client.is_some_and(|client| client.is_blocked) {
        return Ok(Some(Outcome::Dropped));
    }
    // Read again under the lock.
    let message = stored(&tx, channel.id, &incoming.external_id).await?;
    let mut message = message.ok_or_else(|| Error::internal("a message went away"))?;
    let is_late = message.edit_key.zip(incoming.edit_key).is_some_and(|(had, came)| came <= had);
    if is_late || message.deleted_at.is_some() {
        return Ok(Some(Outcome::Repeated));
    }
    if !by_client && changes::waits(&tx, message.id).await? {
        // It is the echo of a change of ours, after which there is another.
        return Ok(Some(Outcome::Repeated));
    }
    // The files of what was sent from here are here: the messenger's copies do not take their place.
    let is_ours = !by_client && message.origin != MessageOrigin::Messenger;
    let new_parts = !is_ours && files::replace(&tx, message.id, &incoming.parts).await?;
    let is_new = message.text != incoming.text || new_parts;
    // Kept even where it changes nothing: an earlier edit that comes later changes nothing, either.
    message.edit_key = incoming.edit_key;
    if is_new {
        message.text.clone_from(&incoming.text);
        message.edited_at = incoming.edited_at.or(message.edited_at);
        let actor = by_client.then_some(Actor::Client(dialogue.client_id));
        tx.emit(messages::tell(Kind::MessageEdited, actor, &dialogue, message.id));
    }
    messages::store(&tx, &message).await?;
    if is_new {
        search::message(&tx, &message).await?;
    }
    tx.commit().await?;
    Ok(Some(if is_new { Outcome::Stored } else { Outcome::Repeated }))
}

/// The dialogue, found and locked or made; and whether it was made.
async fn dialogue(tx: &Tx<'_>, channel: ChannelId, client: ClientId) -> Result<(dialogue::Model, bool)> {
    let find = || {
        dialogue::Entity::find()
            .filter(dialogue::Column::ChannelId.eq(channel))
            .filter(dialogue::Column::ClientId.eq(client))
            .lock(LockType::NoKeyUpdate)
    };
    if let Some(dialogue) = find().one(&**tx).await? {
        tx.goes_on_after(dialogue.last_activity_at);
        return Ok((dialogue, false));
    }
    let new = dialogue::Model {
        id: DialogueId::new(),
        channel_id: channel,
        client_id: client,
        state: DialogueState::Open,
        is_reachable: true,
        created_at: tx.now(),
        opened_at: tx.now(),
        closed_at: None,
        last_activity_at: tx.now(),
        last_message_id: None,
        message_count: 0,
        client_message_count: 0,
        read_number: None,
        last_client_message_at: None,
        closed_order: Time(0),
        is_assigned: false,
    };
    let once = OnConflict::columns([dialogue::Column::ChannelId, dialogue::Column::ClientId]).do_nothing().to_owned();
    let made = dialogue::Entity::insert(new.clone().into_active_model().reset_all())
        .on_conflict(once)
        .exec_without_returning(&**tx)
        .await?;
    if made > 0 {
        return Ok((new, true));
    }
    let dialogue = find().one(&**tx).await?.ok_or_else(|| Error::internal("a dialogue went away"))?;
    tx.goes_on_after(dialogue.last_activity_at);
    Ok((dialogue, false))
}

/// The message with the messenger's own id for it.
async fn stored(tx: &Tx<'_>, channel: ChannelId, external_id: &str) -> Result<Option<message::Model>> {
    let query = message::Entity::find().filter(message::Column::ChannelId.eq(channel));
    Ok(query.filter(message::Column::ExternalId.eq(external_id)).one(&**tx).await?)
}
