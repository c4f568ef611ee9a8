//! A file, location or contact of a message; an uploaded file before it is sent.

use sea_orm::entity::prelude::*;

use crate::{AttachmentId, AttachmentKind, FileKind, FileState, MessageId, Time, UserId};

/// A file, location or contact of a message; an uploaded file before it is sent.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "attachments")]
pub struct Model {
    /// Which one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AttachmentId,
    /// Of which message; none until it is sent.
    pub message_id: Option<MessageId>,
    /// Whose it is until it is sent.
    pub uploader_id: Option<UserId>,
    /// The same where it is a visitor of a website's chat: their client's external id.
    #[sea_orm(column_type = "Text", nullable)]
    pub visitor: Option<String>,
    /// Its place in the message.
    pub ordinal: i32,
    /// Which of the columns below count.
    pub kind: AttachmentKind,
    /// What kind of file.
    pub file_kind: Option<FileKind>,
    /// The file's, the place's or the person's name.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// The file's media type.
    #[sea_orm(column_type = "Text", nullable)]
    pub content_type: Option<String>,
    /// The file's bytes, once known.
    pub size: Option<i64>,
    /// Whether the file can be had.
    pub state: Option<FileState>,
    /// How the messenger knows the file.
    #[sea_orm(column_type = "Text", nullable)]
    pub reference: Option<String>,
    /// Its path in the store.
    #[sea_orm(column_type = "Text", nullable)]
    pub stored_as: Option<String>,
    /// The path of its preview in the store, where there is one.
    #[sea_orm(column_type = "Text", nullable)]
    pub preview_as: Option<String>,
    /// Pixels.
    pub width: Option<i32>,
    /// Pixels.
    pub height: Option<i32>,
    /// Seconds.
    pub duration: Option<i32>,
    /// Degrees.
    pub latitude: Option<f64>,
    /// Degrees.
    pub longitude: Option<f64>,
    /// The contact's.
    #[sea_orm(column_type = "Text", nullable)]
    pub phone: Option<String>,
    /// How often fetching was tried.
    pub attempts: i32,
    /// Not to be fetched before; set while it is pending.
    pub next_attempt_at: Option<Time>,
    /// When it was stored or uploaded.
    pub created_at: Time,
}

/// None: rows are joined where they are read.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
