//! How the outside speaks: the words that all messengers share, and one folder for each messenger.
//!
//! Nothing here knows the inbox, the database or the API. A messenger does two things. [`Messenger::read`] turns an
//! update as it came into an [`Incoming`], whatever is in it; [`Messenger::send`] carries an [`Outgoing`] out, and
//! says of a failure what to do about it ([`Fault`]).

mod http;
mod limits;
pub mod sanitize;
mod secret;
pub mod telegram;
mod web;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use colloquy_entity::{ChannelKind, FileKind, Time};
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use serde_json::Value;

pub use http::{client_builder, http_client};
pub use limits::{file_limit, refusal};
pub use secret::{Secret, verify};
pub use web::Web;

/// What an update says, in the words that all messengers share.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// A client wrote.
    Message(Box<IncomingMessage>),
    /// A client changed a message, or a live location moved. The message may never have come before.
    Edited(Box<IncomingMessage>),
    /// A client blocked the bot or let it write again.
    Reachable {
        /// The client.
        person: Person,
        /// Whether messages to them can arrive now.
        reachable: bool,
    },
    /// A client pressed a button; it waits for [`Messenger::acknowledge`].
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

/// A client as the messenger knows them. Names are one line of at most 256 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The messenger's id: where to write to them.
    pub external_id: String,
    /// What to call them; never empty.
    pub name: String,
    /// The name they chose to be found by, without `@`.
    pub username: Option<String>,
    /// A page of theirs that anyone can open.
    pub profile_url: Option<String>,
    /// Their own number, when this update shares it; as the messenger writes it, often without `+`.
    pub phone: Option<String>,
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
}

/// What a message carries beside its text.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// A file that can be had by [`Messenger::download`].
    File(IncomingFile),
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
    /// What [`Messenger::download`] takes.
    pub reference: String,
    /// Pixels.
    pub width: Option<i32>,
    /// Pixels.
    pub height: Option<i32>,
    /// Seconds.
    pub duration: Option<i32>,
}

/// A message to a client.
#[derive(Clone)]
pub struct Outgoing {
    /// The client's [`Person::external_id`].
    pub to: String,
    /// May be empty when there are files; at most [`Messenger::text_limit`].
    pub text: String,
    /// The external id of the message that it answers. Is left out where that message is gone.
    pub reply_to: Option<String>,
    /// In the order in which they are to arrive.
    pub files: Vec<OutgoingFile>,
    /// The same for every try at this message: the key against a repeat, for messengers that have one.
    pub key: i64,
}

/// A file to a client.
#[derive(Clone)]
pub struct OutgoingFile {
    /// The name that the client sees.
    pub name: String,
    /// `type/subtype`.
    pub content_type: String,
    /// What it is to be shown as; a messenger that cannot shows it as a document.
    pub kind: FileKind,
    /// Bytes.
    pub size: u64,
    /// Where the bytes are; opened for each try.
    pub bytes: Arc<dyn Source>,
    /// Where anybody who knows the address finds it for some weeks, for messengers that fetch files themselves. None
    /// where the outside cannot reach us.
    pub url: Option<String>,
}

/// Bytes as they come.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// Where an outgoing file's bytes are.
#[async_trait]
pub trait Source: Send + Sync {
    /// The bytes from the first on.
    ///
    /// # Errors
    /// When they cannot be read; the message is tried again.
    async fn open(&self) -> io::Result<ByteStream>;
}

#[async_trait]
impl Source for Bytes {
    async fn open(&self) -> io::Result<ByteStream> {
        Ok(stream::iter([Ok(self.clone())]).boxed())
    }
}

/// How far a message to a client has come: the ids of what the messenger has taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// The first is the message's own id; more follow when its files make more than one message of it.
    pub external_ids: Vec<String>,
}

/// A file on its way from a messenger.
pub struct Download {
    /// Bytes, as far as the messenger says.
    pub size: Option<u64>,
    /// `type/subtype`, as far as the messenger says with the bytes.
    pub content_type: Option<String>,
    /// The bytes. One that is larger than it may be ends with [`io::ErrorKind::FileTooLarge`]. An error's words hold no token; a stream that ends early ends with one.
    pub bytes: ByteStream,
}

/// What went wrong at a messenger, by what is to be done about it. `words` are a sentence for an operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It may go well later. Whether it did go well, nobody knows.
    #[error("{words}")]
    Passing {
        /// Why.
        words: String,
        /// The messenger asks not to be tried before.
        retry_after: Option<Duration>,
        /// The wait holds for all that the channel sends, not only for this message.
        whole_channel: bool,
    },
    /// It will never go well.
    #[error("{words}")]
    Final {
        /// Why.
        words: String,
        /// The client cannot be reached in this channel until they write again.
        unreachable: bool,
    },
    /// The messenger does not accept our token: nothing in this channel goes well until somebody mends it.
    #[error("{words}")]
    Broken {
        /// Why.
        words: String,
    },
}

impl Fault {
    /// A fault that passes by itself and holds for this message alone.
    pub fn passing(words: impl Into<String>) -> Self {
        Self::Passing { words: words.into(), retry_after: None, whole_channel: false }
    }

    /// A fault of this message, for good, that says nothing of the client.
    pub fn fatal(words: impl Into<String>) -> Self {
        Self::Final { words: words.into(), unreachable: false }
    }

    /// Why, in words that an operator understands.
    pub fn words(&self) -> &str {
        match self {
            Self::Passing { words, .. } | Self::Final { words, .. } | Self::Broken { words } => words,
        }
    }
}

/// Who a channel's token belongs to: the bot or community.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The messenger's id.
    pub external_id: String,
    /// What clients see.
    pub name: String,
    /// The name it is found by, without `@`.
    pub username: Option<String>,
    /// Where clients write to it.
    pub profile_url: Option<String>,
}

/// A bucket of permissions to send: holds up to `burst`, and `per_second` flow in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many in the long run.
    pub per_second: u32,
    /// How many at once.
    pub burst: u32,
}

/// How fast a channel may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// All messages of the channel together.
    pub channel: Rate,
    /// Messages to one client.
    pub chat: Rate,
}

/// What one poll brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Polled {
    /// Updates as they came, for [`Messenger::read`], in order.
    pub updates: Vec<Value>,
    /// What to ask with next, once these are stored: asking with it confirms them.
    pub cursor: Option<String>,
}

/// One connected bot or community.
#[async_trait]
pub trait Messenger: Send + Sync {
    /// Which messenger it is.
    fn kind(&self) -> ChannelKind;

    /// The longest text of a message, in UTF-16 units.
    fn text_limit(&self) -> usize;

    /// How fast it may send.
    fn rates(&self) -> Rates;

    /// What an update says. Never fails: what it cannot read is [`Incoming::Unreadable`].
    fn read(&self, update: &Value) -> Incoming;

    /// Whom the token belongs to; the way to try a token out.
    async fn identify(&self) -> Result<Identity, Fault>;

    /// Has updates posted to `url`, with `secret` for [`verify`].
    async fn subscribe(&self, url: &str, secret: &Secret) -> Result<(), Fault>;

    /// Ends what [`subscribe`](Self::subscribe) began; fine when there is nothing to end. Needed before polling.
    async fn unsubscribe(&self) -> Result<(), Fault>;

    /// Waits for updates after `cursor` (at first `None`) for a while that the messenger chooses, up to about half a
    /// minute; may be dropped at any time. A client's writing comes either so or by webhook, never both.
    async fn poll(&self, cursor: Option<&str>) -> Result<Polled, Fault>;

    /// Sends a message. A message with files may make several; `sent` starts empty, and grows with each that the
    /// messenger takes, so that after a fault a further try with the same `message` and `sent` goes on where this one
    /// ended, and repeats nothing that is known to have arrived.
    async fn send(&self, message: &Outgoing, sent: &mut Sent) -> Result<(), Fault>;

    /// Shows the client for some seconds that somebody writes.
    async fn typing(&self, to: &str) -> Result<(), Fault>;

    /// Answers an [`Incoming::Button`], so that it stops waiting on the client's screen. Too late is no error.
    async fn acknowledge(&self, button: &str) -> Result<(), Fault>;

    /// Fetches an [`IncomingFile::reference`], a piece at a time.
    async fn download(&self, reference: &str) -> Result<Download, Fault>;
}

/// The longest text of a message, in UTF-16 units. VK's documentation says 9,000, but only 4,096 are safe.
pub fn text_limit(kind: ChannelKind) -> usize {
    match kind {
        ChannelKind::Telegram => telegram::TEXT,
        ChannelKind::Vk => 4096,
        ChannelKind::Viber => 7000,
        ChannelKind::Website => 10_000,
    }
}

/// A text's length as messengers count it: in UTF-16 units.
pub fn text_length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}
