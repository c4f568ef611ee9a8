//! What the log holds: ids, who did it, and what changed then. Answers show things as they are now.

use colloquy_entity::*;
use sea_orm::{FromJsonQueryResult, FromQueryResult};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::Error;

macro_rules! kinds {
    ($($variant:ident = $text:literal,)*) => {
        /// What happened. The words are those of the API's `EventKind`, and three that it does not show.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "the schema describes each")]
        pub enum Kind { $(#[serde(rename = $text)] $variant,)* }

        impl Kind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// As stored.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// As stored, read.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

kinds! {
    DialogueOpened = "DIALOGUE_OPENED",
    DialogueClosed = "DIALOGUE_CLOSED",
    DialogueReopened = "DIALOGUE_REOPENED",
    DialogueRead = "DIALOGUE_READ",
    MessageAdded = "MESSAGE_ADDED",
    MessageEdited = "MESSAGE_EDITED",
    MessageDeleted = "MESSAGE_DELETED",
    MessageDeliveryChanged = "MESSAGE_DELIVERY_CHANGED",
    MessageFileChanged = "MESSAGE_FILE_CHANGED",
    ParticipantAdded = "PARTICIPANT_ADDED",
    ParticipantRemoved = "PARTICIPANT_REMOVED",
    TagAdded = "TAG_ADDED",
    TagRemoved = "TAG_REMOVED",
    CommentAdded = "COMMENT_ADDED",
    CommentEdited = "COMMENT_EDITED",
    CommentDeleted = "COMMENT_DELETED",
    ClientChanged = "CLIENT_CHANGED",
    ChannelChanged = "CHANNEL_CHANGED",
    ContractorCreated = "CONTRACTOR_CREATED",
    ContractorLinked = "CONTRACTOR_LINKED",
    ContractorChanged = "CONTRACTOR_CHANGED",
    ContractorMerged = "CONTRACTOR_MERGED",
    DealCreated = "DEAL_CREATED",
    DealLinked = "DEAL_LINKED",
    DealUnlinked = "DEAL_UNLINKED",
    DealChanged = "DEAL_CHANGED",
    ProjectCreated = "PROJECT_CREATED",
    ProjectLinked = "PROJECT_LINKED",
    ProjectUnlinked = "PROJECT_UNLINKED",
    ProjectChanged = "PROJECT_CHANGED",
    TaskCreated = "TASK_CREATED",
    TaskLinked = "TASK_LINKED",
    TaskUnlinked = "TASK_UNLINKED",
    TaskChanged = "TASK_CHANGED",
    AccessGranted = "ACCESS_GRANTED",
    AccessRevoked = "ACCESS_REVOKED",
    // Hidden: they carry word of what closes connections, and of roles, to every process.
    UserChanged = "USER_CHANGED",
    SessionEnded = "SESSION_ENDED",
    TokenRevoked = "TOKEN_REVOKED",
}

impl Kind {
    /// Whether the API never shows it.
    pub fn is_hidden(self) -> bool {
        matches!(self, Self::UserChanged | Self::SessionEnded | Self::TokenRevoked)
    }

    /// Whether it tells one user that what they may see has changed.
    pub fn is_access(self) -> bool {
        matches!(self, Self::AccessGranted | Self::AccessRevoked)
    }

    /// Whether it is about a comment.
    pub fn is_comment(self) -> bool {
        matches!(self, Self::CommentAdded | Self::CommentEdited | Self::CommentDeleted)
    }
}

/// Who did it; nobody where the system did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// An employee.
    User(UserId),
    /// A client.
    Client(ClientId),
}

/// One field that changed, as texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Named as in the schema.
    pub field: String,
    /// Before.
    pub from: Option<String>,
    /// After.
    pub to: Option<String>,
}

/// What changed then. Only what the kind calls for is there.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(default)]
pub struct Detail {
    /// Everything that it is about (dialogues, cards, clients, mentioned users): the feeds in which it stands.
    pub subjects: Vec<Uuid>,
    /// Further dialogues that let their viewers see it: of a card or client that has several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dialogues: Vec<DialogueId>,
    /// The message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageId>,
    /// What its delivery became then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryStatus>,
    /// The participant, or the user whose role or state changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// What the participant was or became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub participant: Option<ParticipantRole>,
    /// The user's role from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Whether the user is active from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// How many of the client's messages whoever read the dialogue had read before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_before: Option<i64>,
    /// The tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<TagId>,
    /// The comment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<CommentId>,
    /// Whom the comment mentions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// The client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// The contractor, deal, project or task, as the kind says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<Uuid>,
    /// The contractor that was merged into `card`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged: Option<ContractorId>,
    /// The fields of the card that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// The session or API token that was ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credential: Option<Uuid>,
}

/// An event before it is in the log.
#[derive(Clone, Debug)]
pub struct Entry {
    /// What happened.
    pub kind: Kind,
    /// Who did it.
    pub actor: Option<Actor>,
    /// In which dialogue.
    pub dialogue: Option<DialogueId>,
    /// In which channel.
    pub channel: Option<ChannelId>,
    /// For whom alone it is.
    pub addressee: Option<UserId>,
    /// What changed then.
    pub detail: Detail,
}

impl Entry {
    /// Something that happened to nothing in particular yet.
    pub fn new(kind: Kind, actor: Option<Actor>) -> Self {
        Self { kind, actor, dialogue: None, channel: None, addressee: None, detail: Detail::default() }
    }

    /// Something that happened in a dialogue.
    pub fn of(kind: Kind, actor: Option<Actor>, dialogue: &dialogue::Model) -> Self {
        let mut entry = Self::new(kind, actor).about(dialogue.id.0);
        entry.dialogue = Some(dialogue.id);
        entry.channel = Some(dialogue.channel_id);
        entry
    }

    /// It is about this, too: it stands in its feed.
    #[must_use]
    pub fn about(mut self, subject: Uuid) -> Self {
        if !self.detail.subjects.contains(&subject) {
            self.detail.subjects.push(subject);
        }
        self
    }

    /// Those who may see one of these dialogues may see it.
    #[must_use]
    pub fn seen_in(mut self, dialogues: impl IntoIterator<Item = DialogueId>) -> Self {
        for dialogue in dialogues {
            if Some(dialogue) != self.dialogue && !self.detail.dialogues.contains(&dialogue) {
                self.detail.dialogues.push(dialogue);
            }
            self = self.about(dialogue.0);
        }
        self
    }

    /// Only this user ever sees it.
    #[must_use]
    pub fn for_user(mut self, user: UserId) -> Self {
        self.addressee = Some(user);
        self
    }

    /// With what changed.
    #[must_use]
    pub fn with(mut self, fill: impl FnOnce(&mut Detail)) -> Self {
        fill(&mut self.detail);
        self
    }
}

/// An event in the log.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its place, from 1 without gaps.
    pub position: i64,
    /// See [`crate::log::Cursor`].
    pub mark: i32,
    /// The same for all events of one transaction.
    pub batch: i64,
    /// When it happened.
    pub at: Time,
    /// What, who, where, for whom.
    pub entry: Entry,
}

impl std::ops::Deref for Event {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.entry
    }
}

/// A row of `events`, as the database and the bus carry it.
#[derive(Clone, Debug, Serialize, Deserialize, FromQueryResult)]
pub(super) struct Row {
    pub position: i64,
    pub mark: i32,
    pub batch: i64,
    pub at: Time,
    pub kind: String,
    pub actor_user_id: Option<UserId>,
    pub actor_client_id: Option<ClientId>,
    pub dialogue_id: Option<DialogueId>,
    pub channel_id: Option<ChannelId>,
    pub addressee_id: Option<UserId>,
    pub detail: Detail,
}

impl TryFrom<Row> for Event {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let kind = Kind::parse(&row.kind)
            .ok_or_else(|| Error::internal(format!("event {} is of an unknown kind, {}", row.position, row.kind)))?;
        let actor = row.actor_user_id.map(Actor::User).or(row.actor_client_id.map(Actor::Client));
        Ok(Self {
            position: row.position,
            mark: row.mark,
            batch: row.batch,
            at: row.at,
            entry: Entry {
                kind,
                actor,
                dialogue: row.dialogue_id,
                channel: row.channel_id,
                addressee: row.addressee_id,
                detail: row.detail,
            },
        })
    }
}

impl From<&Event> for Row {
    fn from(event: &Event) -> Self {
        let (actor_user_id, actor_client_id) = match event.actor {
            Some(Actor::User(id)) => (Some(id), None),
            Some(Actor::Client(id)) => (None, Some(id)),
            None => (None, None),
        };
        Self {
            position: event.position,
            mark: event.mark,
            batch: event.batch,
            at: event.at,
            kind: event.kind.as_str().into(),
            actor_user_id,
            actor_client_id,
            dialogue_id: event.dialogue,
            channel_id: event.channel,
            addressee_id: event.addressee,
            detail: event.detail.clone(),
        }
    }
}
