//! Messages, dialogue by dialogue, in each from old to new.

use std::collections::{HashMap, VecDeque};

use colloquy_entity::*;
use sea_orm::sea_query::Order;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QueryTrait};
use serde_json::{Value, json};

use crate::error::Result;
use crate::inbox::files;
use crate::paging::{self, Key};

use super::names::{self, Names};
use super::write::{Cell, Lines, record};
use super::{Source, dialogues};

/// Where a message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    dialogue: dialogues::Place,
    ordinal: i64,
}

const LETTER: u8 = b'm';

impl Key for Place {
    fn encode(&self) -> String {
        paging::pack(&[&[LETTER][..], &self.dialogue.bytes(), &self.ordinal.to_be_bytes()].concat())
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes: [u8; 33] = paging::unpack(text)?;
        let (dialogue, ordinal) = bytes.strip_prefix(&[LETTER])?.split_at(24);
        let dialogue = dialogues::Place::of(dialogue)?;
        Some(Self { dialogue, ordinal: i64::from_be_bytes(ordinal.try_into().ok()?) })
    }
}

/// How far it is. Dialogues are read ahead, since they know how many messages they have: short ones are read together, and
/// a long one in parts.
pub(super) struct Walk {
    /// Where it begins.
    begin: Option<Place>,
    /// Up to here dialogues are read.
    after: Option<dialogues::Place>,
    is_last: bool,
    waiting: VecDeque<dialogue::Model>,
    /// Up to this ordinal the first of them is done.
    done: i64,
}

impl Walk {
    pub(super) fn behind(after: Option<&str>) -> Result<Self> {
        let begin = dialogues::place(after)?;
        Ok(Self { begin, after: None, is_last: false, waiting: VecDeque::new(), done: 0 })
    }

    pub(super) async fn next(&mut self, from: &Source<'_>, lines: &mut Lines) -> Result<bool> {
        if self.waiting.is_empty() {
            self.read_on(from).await?;
        }
        let most = i64::from(from.rows);
        let (read, rows) = match self.waiting.front() {
            None => return Ok(false),
            Some(first) if self.done > 0 || first.message_count > most => self.part(from, first.clone()).await?,
            Some(_) => self.together(from, most).await?,
        };
        let around = Around::of(from, &read, &rows).await?;
        for row in &rows {
            lines.line(COLUMNS, &cells(row, &around))?;
        }
        Ok(!(self.is_last && self.waiting.is_empty()))
    }

    /// The next dialogues.
    async fn read_on(&mut self, from: &Source<'_>) -> Result<()> {
        let begin = self.begin.take();
        let page = match begin {
            Some(place) => dialogues::page(from, Some(place.dialogue), true).await?,
            None => dialogues::page(from, self.after, false).await?,
        };
        self.is_last = page.len() < from.rows as usize;
        self.after = page.last().map(dialogues::Place::from).or(self.after);
        let goes_on = begin.filter(|place| page.first().is_some_and(|first| first.id == place.dialogue.id));
        self.done = goes_on.map_or(0, |place| place.ordinal);
        self.waiting = page.into();
        Ok(())
    }

    /// More of the first dialogue.
    async fn part(
        &mut self,
        from: &Source<'_>,
        first: dialogue::Model,
    ) -> Result<(Vec<dialogue::Model>, Vec<message::Model>)> {
        let query = message::Entity::find()
            .filter(message::Column::DialogueId.eq(first.id))
            .filter(message::Column::Ordinal.gt(self.done))
            .order_by(message::Column::Ordinal, Order::Asc);
        let mut statement = query.build(from.db.get_database_backend());
        statement.sql.push_str(&format!(" LIMIT {}", from.rows));
        let rows = message::Entity::find().from_raw_sql(statement).all(from.db).await?;
        match rows.last() {
            Some(last) if rows.len() >= from.rows as usize => self.done = last.ordinal,
            _ => {
                self.done = 0;
                self.waiting.pop_front();
            }
        }
        Ok((vec![first], rows))
    }

    /// All of the first dialogues, as many as make a chunk.
    async fn together(&mut self, from: &Source<'_>, most: i64) -> Result<(Vec<dialogue::Model>, Vec<message::Model>)> {
        let (mut count, mut read) = (0, Vec::new());
        while let Some(next) = self.waiting.pop_front_if(|next| count + next.message_count <= most) {
            count += next.message_count;
            read.push(next);
        }
        let ids = read.iter().map(|dialogue| dialogue.id);
        let mut rows = message::Entity::find().filter(message::Column::DialogueId.is_in(ids)).all(from.db).await?;
        let order: HashMap<_, _> = read.iter().zip(0..).map(|(dialogue, place)| (dialogue.id, place)).collect();
        rows.sort_by_key(|row| (order.get(&row.dialogue_id).copied().unwrap_or(usize::MAX), row.ordinal));
        Ok((read, rows))
    }
}

/// What stands around a chunk's messages.
struct Around {
    dialogues: HashMap<DialogueId, dialogue::Model>,
    channels: Names<ChannelId>,
    clients: Names<ClientId>,
    users: Names<UserId>,
    attachments: HashMap<MessageId, Vec<Value>>,
}

impl Around {
    async fn of(from: &Source<'_>, read: &[dialogue::Model], rows: &[message::Model]) -> Result<Self> {
        let stays: Vec<_> = rows.iter().filter(|row| row.deleted_at.is_none()).map(|row| row.id).collect();
        let mut attachments: HashMap<_, Vec<_>> = HashMap::new();
        for row in files::of(from.db, &stays).await? {
            if let Some(message) = row.message_id {
                attachments.entry(message).or_default().push(attachment(from, &row));
            }
        }
        Ok(Self {
            channels: names::channels(from, read.iter().map(|row| row.channel_id).collect()).await?,
            clients: names::clients(from, read.iter().map(|row| row.client_id).collect()).await?,
            users: names::users(from, rows.iter().filter_map(|row| row.author_id).collect()).await?,
            dialogues: read.iter().map(|row| (row.id, row.clone())).collect(),
            attachments,
        })
    }

    fn client(&self, row: &message::Model) -> Option<ClientId> {
        self.dialogues.get(&row.dialogue_id).map(|dialogue| dialogue.client_id)
    }

    fn client_name(&self, row: &message::Model) -> Option<Cell<'_>> {
        self.client(row).and_then(|id| self.clients.get(&id)).map(|name| Cell::written(name))
    }
}

/// As the API's `Attachment`.
fn attachment(from: &Source<'_>, row: &attachment::Model) -> Value {
    match row.kind {
        AttachmentKind::File => json!({
            "__typename": "File",
            "id": row.id.to_string(),
            "kind": files::file_kind(row).as_str(),
            "name": row.name,
            "contentType": files::content_type(row),
            "size": files::size(row),
            "state": row.state.unwrap_or(FileState::Pending).as_str(),
            "url": files::url(from.app, row),
            "width": row.width,
            "height": row.height,
            "duration": row.duration,
        }),
        AttachmentKind::Location => json!({
            "__typename": "Location",
            "latitude": row.latitude.unwrap_or_default(),
            "longitude": row.longitude.unwrap_or_default(),
            "title": Some(&row.name).filter(|name| !name.is_empty()),
        }),
        AttachmentKind::Contact => json!({
            "__typename": "SharedContact",
            "name": row.name,
            "phone": row.phone.as_deref().unwrap_or_default(),
        }),
    }
}

record! {
    /// Named as the fields of `Message` and of its `Delivery`.
    fn cells(row: message::Model, around: Around) {
        "id" => Cell::plain(row.id),
        "dialogueId" => Cell::plain(row.dialogue_id),
        "channelId" => Cell::plain(row.channel_id),
        "channelName" => around.channels.get(&row.channel_id).map(|name| Cell::written(name)),
        "clientId" => around.client(row).map(Cell::plain),
        "clientName" => around.client_name(row),
        "origin" => Cell::plain(row.origin.as_str()),
        "authorId" => match (row.author_id, row.origin) {
            (Some(user), _) => Some(Cell::plain(user)),
            (None, MessageOrigin::Client) => around.client(row).map(Cell::plain),
            (None, _) => None,
        },
        "authorName" => match (row.author_id, row.origin) {
            (Some(user), _) => around.users.get(&user).map(|name| Cell::written(name)),
            (None, MessageOrigin::Client) => around.client_name(row),
            (None, _) => None,
        },
        "text" => Cell::written(&row.text),
        "attachments" => Cell::Value(around.attachments.get(&row.id).cloned().unwrap_or_default().into()),
        "replyToId" => row.reply_to_id.map(Cell::plain),
        "createdAt" => Cell::time(row.created_at),
        "sentAt" => Cell::time(row.sent_at),
        "albumId" => row.album_id.as_deref().map(Cell::written),
        "forwardedFrom" => row.forwarded_from.as_deref().map(Cell::written),
        "editedAt" => row.edited_at.map(Cell::time),
        "deletedAt" => row.deleted_at.map(Cell::time),
        "deliveryStatus" => row.delivery_status.map(|status| Cell::plain(status.as_str())),
        "deliveryAt" => row.delivery_status.map(|_| Cell::time(row.delivery_at.unwrap_or(row.created_at))),
        "failure" => row.delivery_status.and(row.failure.as_deref()).map(Cell::written),
        "attempts" => row.delivery_status.map(|_| Cell::Number(row.attempts.into())),
        "cursor" => around.dialogues.get(&row.dialogue_id).map(|dialogue| {
            Cell::Plain(Place { dialogue: dialogue.into(), ordinal: row.ordinal }.encode())
        }),
    }
}
