//! How the outside speaks: the words that all messengers share, and one folder for each messenger.
//!
//! Nothing here knows the inbox, the database or the API. A messenger does two things. [`Messenger::read`] turns an
//! update as it came into an [`Incoming`], whatever is in it; [`Messenger::send`] carries an [`Outgoing`] out, and
//! says of a failure what to do about it ([`Fault`]).

mod fault;
mod formats;
mod http;
mod incoming;
mod limits;
mod outgoing;
pub mod sanitize;
mod secret;
pub mod telegram;
pub mod viber;
pub mod vk;
pub mod web;
pub mod website;

use async_trait::async_trait;
use colloquy_entity::ChannelKind;
use reqwest::header::{HeaderMap, HeaderValue};
use serde_json::Value;

pub use fault::Fault;
pub use http::{client_builder, http_client};
pub use incoming::*;
pub use limits::{file_limit, refusal};
pub use outgoing::*;
pub use secret::{Secret, verify};
pub use web::Web;

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

/// An HTTP request to our door, before anybody believes it.
#[derive(Clone, Copy)]
pub struct Posted<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, byte for byte: signatures are over that.
    pub body: &'a [u8],
}

impl Posted<'_> {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name).map(HeaderValue::as_bytes)
    }
}

/// What a messenger tells of a person who is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// What to call them; never empty.
    pub name: Option<String>,
    /// The name they chose to be found by, without `@`.
    pub username: Option<String>,
    /// Their picture.
    pub avatar_url: Option<String>,
}

/// One connected bot or community.
#[async_trait]
pub trait Messenger: Send + Sync {
    /// Which messenger it is.
    fn kind(&self) -> ChannelKind;

    /// How fast it may send.
    fn rates(&self) -> Rates;

    /// Whether it is the messenger who posted this. Takes the same time for every wrong secret of the right length.
    fn verify(&self, secret: &Secret, posted: Posted<'_>) -> bool;

    /// Whether nothing in the headers alone speaks against it, where the body cannot be looked at.
    fn verify_headers(&self, secret: &Secret, headers: &HeaderMap) -> bool {
        let _ = (secret, headers);
        true
    }

    /// The answer to a verified update that only tries our address out; none for any other. It may come before
    /// [`subscribe`](Self::subscribe) has ended, and is nothing to be stored.
    async fn challenge(&self, update: &Value) -> Option<Result<String, Fault>> {
        let _ = update;
        None
    }

    /// The body that tells the messenger that an update was taken.
    fn taken(&self) -> &'static str {
        ""
    }

    /// What an update says. Never fails: what it cannot read is [`Incoming::Unreadable`].
    fn read(&self, update: &Value) -> Incoming;

    /// The whole of a message that came [cropped](IncomingMessage::is_cropped).
    async fn whole(&self, message: &IncomingMessage) -> Result<Option<IncomingMessage>, Fault> {
        let _ = message;
        Ok(None)
    }

    /// What the messenger tells of a person, where updates do not; `None` where they tell all.
    async fn profile(&self, person: &str) -> Result<Option<Profile>, Fault> {
        let _ = person;
        Ok(None)
    }

    /// Whom the token belongs to; the way to try a token out.
    async fn identify(&self) -> Result<Identity, Fault>;

    /// Has updates posted to `url`, with `secret` for [`verify`](Self::verify). The door has to be open before: some
    /// messengers try it out within this call.
    async fn subscribe(&self, url: &str, secret: &Secret) -> Result<(), Fault>;

    /// Ends what [`subscribe`](Self::subscribe) began with `url`; fine when there is nothing to end. Needed before polling,
    /// then perhaps without knowing an address.
    async fn unsubscribe(&self, url: Option<&str>) -> Result<(), Fault>;

    /// Waits for updates after `cursor` (at first `None`) for a while that the messenger chooses, up to about half a
    /// minute; may be dropped at any time. A client's writing comes either so or by webhook, never both.
    async fn poll(&self, cursor: Option<&str>) -> Result<Polled, Fault>;

    /// Sends a message. A message with files may make several; `sent` starts empty, and grows with each that the
    /// messenger takes, so that after a fault a further try with the same `message` and `sent` goes on where this one
    /// ended, and repeats nothing that is known to have arrived.
    async fn send(&self, message: &Outgoing, sent: &mut Sent) -> Result<(), Fault>;

    /// Puts the text of `message` in place of the text that was sent as `sent`; its files stay as they are.
    async fn edit(&self, message: &Outgoing, sent: &Sent) -> Result<(), Fault>;

    /// Removes all that was sent as `sent`, for the client too. What is gone already is no error.
    async fn delete(&self, message: &Outgoing, sent: &Sent) -> Result<(), Fault>;

    /// Shows the client for some seconds that somebody writes.
    async fn typing(&self, to: &str) -> Result<(), Fault>;

    /// Answers an [`Incoming::Button`], so that it stops waiting on the client's screen. Too late is no error.
    async fn acknowledge(&self, button: &str) -> Result<(), Fault>;

    /// Fetches an [`IncomingFile::reference`], a piece at a time.
    async fn download(&self, reference: &str) -> Result<Download, Fault>;
}

/// Whether messages that were sent can be changed and removed there. Viber knows neither.
pub fn can_change(kind: ChannelKind) -> bool {
    match kind {
        ChannelKind::Telegram | ChannelKind::Vk | ChannelKind::Website => true,
        ChannelKind::Viber => false,
    }
}

/// Whether a trouble in these words is one of which asking [whom the token belongs to](Messenger::identify) tells when it is
/// over.
pub fn is_of_token(kind: ChannelKind, words: &str) -> bool {
    match kind {
        // Rights, restrictions and captchas show only when something is sent.
        ChannelKind::Vk => words == vk::REFUSED_TOKEN,
        ChannelKind::Viber => words != viber::FORGOTTEN,
        ChannelKind::Telegram | ChannelKind::Website => true,
    }
}

/// Whether the messenger has forgotten our address, and is to be told it again.
pub fn is_forgotten(kind: ChannelKind, words: &str) -> bool {
    kind == ChannelKind::Viber && words == viber::FORGOTTEN
}

/// Whether updates can be asked for where the outside cannot reach us.
pub fn can_poll(kind: ChannelKind) -> bool {
    matches!(kind, ChannelKind::Telegram | ChannelKind::Vk)
}

/// The number of a message in its conversation, where the messenger counts them and its external id ends with it
/// (`peer:number`): what is read up to one is read up to all with a lower number.
pub fn number(kind: ChannelKind, external_id: &str) -> Option<i64> {
    match kind {
        ChannelKind::Vk => external_id.rsplit_once(':')?.1.parse().ok(),
        ChannelKind::Telegram | ChannelKind::Viber | ChannelKind::Website => None,
    }
}

/// The longest text of a message, in UTF-16 units.
pub fn text_limit(kind: ChannelKind) -> usize {
    match kind {
        ChannelKind::Telegram => telegram::TEXT,
        ChannelKind::Vk => vk::TEXT,
        ChannelKind::Viber => viber::TEXT,
        ChannelKind::Website => website::TEXT,
    }
}

/// A text's length as messengers count it: in UTF-16 units.
pub fn text_length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}
