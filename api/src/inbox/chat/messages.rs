//! What a visitor reads: the messages of their own dialogue, with nothing in them that is the company's alone.

use std::collections::HashMap;

use colloquy_entity::*;
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};

use crate::app::App;
use crate::error::Result;
use crate::inbox::{files, messages};
use crate::log::{self, Cursor};
use crate::paging::{Page, PageArgs};

use super::Visitor;

/// A visitor's conversation.
pub struct Chat {
    /// The channel's name.
    pub name: String,
    /// What is read after this is at least as new.
    pub cursor: Cursor,
    visitor: Visitor,
    dialogue: Option<dialogue::Model>,
}

/// A message, as the visitor has it.
#[derive(Clone, Debug)]
pub struct Message {
    /// The message itself.
    pub row: message::Model,
    /// Its files, in their order; none once it was deleted.
    pub files: Vec<attachment::Model>,
    /// The name of the employee who wrote it.
    pub author: Option<String>,
    /// Of the visitor's own, the key that it was sent with.
    pub key: Option<String>,
    /// Whether the other side has read it.
    pub is_read: bool,
}

impl Message {
    /// Whether the visitor wrote it.
    pub fn is_own(&self) -> bool {
        self.row.origin == MessageOrigin::Client
    }
}

impl Chat {
    /// As it is now.
    pub async fn of(app: &App, visitor: &Visitor) -> Result<Self> {
        // Before anything else is read.
        let cursor = log::head(app.db.read()).await?;
        let channel = super::channel(app, visitor).await?;
        let dialogue = super::dialogue(app, visitor).await?;
        Ok(Self { name: channel.name, cursor, visitor: *visitor, dialogue })
    }

    /// A page of its messages, from old to new.
    pub async fn messages(&self, app: &App, args: &PageArgs) -> Result<Page<Message>> {
        // What was asked for is checked in any case.
        args.window::<i64>()?;
        let Some(dialogue) = &self.dialogue else { return Ok(Page::empty(args)) };
        let mut pages = messages::pages(app.db.read(), &[dialogue.id], args).await?;
        let Some(page) = pages.remove(&dialogue.id.0) else { return Ok(Page::empty(args)) };
        let Page { items, has_next, has_previous } = page;
        let items = dress(app, &self.visitor, dialogue.id, items).await?;
        Ok(Page { items, has_next, has_previous })
    }

    /// How many messages of the company the visitor has not read.
    pub async fn unread(&self, app: &App) -> Result<u64> {
        let Some(dialogue) = &self.dialogue else { return Ok(0) };
        let on_its_way = [DeliveryStatus::Queued, DeliveryStatus::Sent, DeliveryStatus::Delivered];
        let unread = message::Entity::find()
            .filter(message::Column::DialogueId.eq(dialogue.id))
            .filter(message::Column::DeliveryStatus.is_in(on_its_way))
            .filter(message::Column::DeletedAt.is_null());
        Ok(unread.count(app.db.read()).await?)
    }
}

/// One message of a visitor's dialogue, as they have it.
pub(super) async fn one(app: &App, visitor: &Visitor, id: MessageId) -> Result<Option<Message>> {
    let Some(row) = message::Entity::find_by_id(id).one(app.db.read()).await? else { return Ok(None) };
    let dialogue = row.dialogue_id;
    Ok(dress(app, visitor, dialogue, vec![row]).await?.pop())
}

/// Messages of a visitor's dialogue, as they have them.
pub(super) async fn dress(
    app: &App,
    visitor: &Visitor,
    dialogue: DialogueId,
    rows: Vec<message::Model>,
) -> Result<Vec<Message>> {
    let db = app.db.read();
    let ids: Vec<MessageId> = rows.iter().filter(|row| row.deleted_at.is_none()).map(|row| row.id).collect();
    let mut with: HashMap<MessageId, Vec<attachment::Model>> = HashMap::new();
    for file in files::of(db, &ids).await? {
        if let (Some(message), AttachmentKind::File) = (file.message_id, file.kind) {
            with.entry(message).or_default().push(file);
        }
    }
    let mut authors: Vec<UserId> = rows.iter().filter_map(|row| row.author_id).collect();
    authors.sort_unstable();
    authors.dedup();
    let names = names(app, authors).await?;
    let has_own = rows.iter().any(|row| row.origin == MessageOrigin::Client);
    let read = if has_own { read_count(app, dialogue).await? } else { 0 };
    let prefix = key_prefix(visitor);
    let dressed = rows.into_iter().map(|row| Message {
        files: with.remove(&row.id).unwrap_or_default(),
        author: row.author_id.and_then(|id| names.get(&id).cloned()),
        key: row.external_id.as_deref().and_then(|id| id.strip_prefix(&prefix)).map(str::to_owned),
        is_read: match row.origin {
            MessageOrigin::Client => row.client_ordinal <= read,
            _ => row.delivery_status == Some(DeliveryStatus::Read),
        },
        row,
    });
    Ok(dressed.collect())
}

/// The names of employees, and nothing else of them.
pub(super) async fn names(app: &App, ids: Vec<UserId>) -> Result<HashMap<UserId, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let names: Vec<(UserId, String)> = user::Entity::find()
        .select_only()
        .column(user::Column::Id)
        .column(user::Column::Name)
        .filter(user::Column::Id.is_in(ids))
        .into_tuple()
        .all(app.db.read())
        .await?;
    Ok(names.into_iter().collect())
}

/// How many of the visitor's messages some employee has read.
pub(super) async fn read_count(app: &App, dialogue: DialogueId) -> Result<i64> {
    let most: Option<Option<i64>> = read_mark::Entity::find()
        .select_only()
        .column_as(read_mark::Column::ReadCount.max(), "most")
        .filter(read_mark::Column::DialogueId.eq(dialogue))
        .into_tuple()
        .one(app.db.read())
        .await?;
    Ok(most.flatten().unwrap_or_default())
}

/// A visitor's message with so many of theirs up to it and with it.
pub(super) async fn numbered(app: &App, dialogue: DialogueId, number: i64) -> Result<Option<MessageId>> {
    let found = message::Entity::find()
        .filter(message::Column::DialogueId.eq(dialogue))
        .filter(message::Column::Origin.eq(MessageOrigin::Client))
        .filter(message::Column::ClientOrdinal.eq(number))
        .one(app.db.read())
        .await?;
    Ok(found.map(|message| message.id))
}

/// In front of a key, in the external id of the message that was sent with it: keys of two visitors are never the same.
pub(super) fn key_prefix(visitor: &Visitor) -> String {
    format!("{}:", visitor.external_id())
}
