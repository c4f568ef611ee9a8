//! What we tell messengers: messages and files, and how far they came.

use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use colloquy_entity::FileKind;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};

/// A message to a client.
#[derive(Clone)]
pub struct Outgoing {
    /// The client's [`Person::external_id`].
    pub to: String,
    /// May be empty when there are files; at most [`text_limit`](super::text_limit).
    pub text: String,
    /// The external id of the message that it answers. Is left out where that message is gone.
    pub reply_to: Option<String>,
    /// In the order in which they are to arrive.
    pub files: Vec<OutgoingFile>,
    /// Who speaks, where the messenger shows a name for each message.
    pub sender: String,
    /// The same for every try at this message: the key against a repeat, for messengers that have one. Never 0.
    pub repeat_key: i32,
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
    /// An address at which a messenger can fetch it for some weeks, for those that take no uploads; none where the outside
    /// cannot reach us.
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
    /// `type/subtype`, as far as the answer says.
    pub content_type: Option<String>,
    /// The bytes. An error's words hold no token; a stream that ends early ends with one.
    pub bytes: ByteStream,
}
