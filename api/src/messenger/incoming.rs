//! What messengers tell us, in the words that all of them share.

use colloquy_entity::{AttachmentId, FileKind, Time};

/// What an update says, in the words that all messengers share.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// A client wrote.
    Message(Box<IncomingMessage>),
    /// A client changed a message, or a live location moved. The message may never have come before.
    Edited(Box<IncomingMessage>),
    /// The company wrote or changed a message outside of what we send here: in the messenger's own app, or it is the echo
    /// of ours.
    Echo(Box<Echo>),
    /// How far messages of ours have come.
    Receipt(Receipt),
    /// A client is writing just now.
    Typing {
        /// The client.
        person: Person,
    },
    /// A client blocked the bot or let it write again.
    Reachable {
        /// The client.
        person: Person,
        /// Whether messages to them can arrive now.
        reachable: bool,
    },
    /// A client pressed a button; it waits for [`Messenger::acknowledge`](super::Messenger::acknowledge).
    Button {
        /// The messenger's id of the press.
        id: String,
    },
    /// Known, and of no interest to the inbox.
    Ignored {
        /// Why, for the log.
        reason: &'static str,
    },
    /// Of a kind that we do not know: answered as a success, and logged.
    Unknown {
        /// The kind's name, as far as the update tells.
        kind: String,
    },
    /// Of a kind that we know, without what that needs: perhaps a client's message in a form that is new. Kept as it came.
    Unreadable {
        /// What is wrong, for the log.
        what: &'static str,
    },
}

impl Incoming {
    /// The message that it brings, if it does.
    pub fn message(&self) -> Option<&IncomingMessage> {
        match self {
            Self::Message(message) | Self::Edited(message) => Some(message),
            Self::Echo(echo) => Some(&echo.message),
            _ => None,
        }
    }
}

/// A message of the company, as the messenger tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Echo {
    /// What was written; its [`person`](IncomingMessage::person) is the client to whom.
    pub message: IncomingMessage,
    /// The [`Outgoing::repeat_key`](super::Outgoing::repeat_key) of the sending, where it was one by a program; perhaps ours.
    pub repeat_key: Option<i32>,
    /// Whether it is the change of a message rather than a new one.
    pub is_edit: bool,
}

/// How far messages of ours have come, as the messenger tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The client.
    pub person: Person,
    /// The message's external id. It may not be known yet: a receipt can overtake the answer to the sending.
    pub external_id: String,
    /// What became of it.
    pub what: Received,
}

/// What a receipt tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is on a device of the client.
    Delivered,
    /// The client has seen it, and all that came before it.
    Read,
    /// It did not arrive after all; why, in words.
    Failed(String),
}

/// A client as the messenger knows them. Names are one line of at most 256 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The messenger's id: where to write to them.
    pub external_id: String,
    /// What to call them, where the update tells; never empty. [`Messenger::profile`](super::Messenger::profile) may know.
    pub name: Option<String>,
    /// The name they chose to be found by, without `@`.
    pub username: Option<String>,
    /// Their picture: an address that anyone can fetch for a while.
    pub avatar_url: Option<String>,
    /// A page of theirs that anyone can open.
    pub profile_url: Option<String>,
    /// Their own number, when this update shares it; as the messenger writes it, often without `+`.
    pub phone: Option<String>,
    /// When this was asked of the messenger, where the update did not tell it.
    pub profile_at: Option<Time>,
}

impl Person {
    /// Of whom nothing is known but the messenger's id.
    pub fn of(external_id: impl Into<String>) -> Self {
        Self {
            external_id: external_id.into(),
            name: None,
            username: None,
            avatar_url: None,
            profile_url: None,
            phone: None,
            profile_at: None,
        }
    }
}

/// A message from a client.
#[derive(Clone, Debug, PartialEq)]
pub struct IncomingMessage {
    /// The messenger's id, unique within the channel.
    pub external_id: String,
    /// Who wrote.
    pub person: Person,
    /// The text or caption, whole and byte for byte but for U+0000. May be empty when there are parts.
    pub text: String,
    /// What came with it, in the messenger's order.
    pub parts: Vec<Part>,
    /// The [`external_id`](Self::external_id) of the message that it answers, if that is one of this dialogue.
    pub reply_to: Option<String>,
    /// When it was written, as the messenger says.
    pub sent_at: Time,
    /// Which version of the message it is: a higher one replaces a lower one, whatever the order in which they come.
    pub edit_key: Option<i64>,
    /// When it was changed; `None` for a message as first written and for the moves of a live location.
    pub edited_at: Option<Time>,
    /// The same for all messages of one album.
    pub album_id: Option<String>,
    /// Whom it is forwarded from, as the messenger names them.
    pub forwarded_from: Option<String>,
    /// Some of it is missing from the update: [`Messenger::whole`](super::Messenger::whole) has all of it.
    pub is_cropped: bool,
}

/// What a message carries beside its text.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A file that can be had by [`Messenger::download`](super::Messenger::download).
    File(IncomingFile),
    /// A file that came by a door of ours before, and is kept.
    Uploaded {
        /// Which.
        id: AttachmentId,
        /// Whose it has to be: a visitor's external id.
        visitor: String,
    },
    /// A place.
    Location {
        /// Degrees, -90 to 90.
        latitude: f64,
        /// Degrees, -180 to 180.
        longitude: f64,
        /// What is there, when the client chose a named place.
        title: Option<String>,
    },
    /// Somebody's phone number.
    Contact {
        /// Whose; never empty.
        name: String,
        /// The number as the messenger writes it.
        phone: String,
    },
}

/// A file that a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncomingFile {
    /// What it is.
    pub kind: FileKind,
    /// A name without path separators and control characters; made up where the messenger gives none.
    pub name: String,
    /// `type/subtype`, without parameters.
    pub content_type: String,
    /// Bytes, as far as the messenger says.
    pub size: Option<i64>,
    /// What [`Messenger::download`](super::Messenger::download) takes.
    pub reference: String,
    /// Pixels.
    pub width: Option<i32>,
    /// Pixels.
    pub height: Option<i32>,
    /// Seconds.
    pub duration: Option<i32>,
}
