//! The store: bytes in, a piece at a time, and out again.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, WriteMultipart};

use crate::app::App;
use crate::error::{Error, Result};
use crate::messenger::{ByteStream, Source};

/// The largest file that is kept, whoever it comes from, in bytes.
pub const LARGEST: u64 = 200 << 20;
/// The same of one that a visitor of a website's chat uploads.
pub const LARGEST_OF_VISITORS: u64 = 20 << 20;
/// Written to S3 at a time, which takes no smaller ones; two of them are held.
const S3_PIECE: usize = 5 << 20;
/// The same for a folder.
const PIECE: usize = 512 << 10;
/// Of the first bytes, as many as tell a format.
const HEAD: usize = 64;

/// What was kept of a stream.
pub(super) struct Kept {
    pub size: u64,
    /// The first bytes.
    pub head: Vec<u8>,
}

/// Why nothing was kept.
pub(super) enum Lost {
    /// It broke off where it came from.
    Source(io::Error),
    /// It is larger than it may be.
    TooLarge,
    /// The store does not work.
    Store(object_store::Error),
}

/// Streams a file into the store: whole, or nothing of it stays.
pub(super) async fn keep(app: &App, path: &str, bytes: ByteStream) -> Result<Kept, Lost> {
    keep_at_most(app, path, bytes, LARGEST).await
}

/// As [`keep`], of no more than `most` bytes.
pub(super) async fn keep_at_most(app: &App, path: &str, bytes: ByteStream, most: u64) -> Result<Kept, Lost> {
    let upload = app.store.put_multipart(&Path::from(path)).await.map_err(Lost::Store)?;
    let piece = if app.config.s3.is_some() { S3_PIECE } else { PIECE };
    let mut writer = WriteMultipart::new_with_chunk_size(upload, piece);
    match pour(&mut writer, bytes, most).await {
        Ok(kept) => writer.finish().await.map(|_| kept).map_err(Lost::Store),
        Err(lost) => {
            if let Err(error) = writer.abort().await {
                tracing::warn!(path, %error, "a part of a file may be left in the store");
            }
            Err(lost)
        }
    }
}

async fn pour(writer: &mut WriteMultipart, mut bytes: ByteStream, most: u64) -> Result<Kept, Lost> {
    let mut kept = Kept { size: 0, head: Vec::new() };
    while let Some(piece) = bytes.next().await {
        let piece: Bytes = piece.map_err(Lost::Source)?;
        kept.size += piece.len() as u64;
        if kept.size > most {
            return Err(Lost::TooLarge);
        }
        kept.head.extend(piece.iter().take(HEAD - kept.head.len()));
        writer.wait_for_capacity(1).await.map_err(Lost::Store)?;
        writer.put(piece);
    }
    Ok(kept)
}

/// The bytes at a path, or some of them. NOT_FOUND where there are none.
pub(super) async fn read(app: &App, path: &str, range: Option<Range<u64>>) -> Result<ByteStream> {
    let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
    let found = app.store.get_opts(&Path::from(path), options).await.map_err(|error| match error {
        object_store::Error::NotFound { .. } => Error::NotFound("file"),
        error => Error::internal(error),
    })?;
    Ok(found.into_stream().map(|piece| piece.map_err(io::Error::other)).boxed())
}

/// Keeps a few bytes.
pub(super) async fn put(app: &App, path: &str, bytes: Vec<u8>) -> object_store::Result<()> {
    app.store.put(&Path::from(path), bytes.into()).await.map(drop)
}

/// Removes what is at a path; fine where nothing is.
pub(super) async fn remove(app: &App, path: &str) -> object_store::Result<()> {
    match app.store.delete(&Path::from(path)).await {
        Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// As [`remove`], of what nobody knows any more: should the store be away, it stays there.
pub(super) async fn discard(app: &App, path: &str) {
    if let Err(error) = remove(app, path).await {
        tracing::warn!(path, %error, "a file that nobody needs is left in the store");
    }
}

/// A file in the store, to be sent.
pub(super) struct Stored {
    pub store: Arc<dyn ObjectStore>,
    pub path: Path,
}

#[async_trait]
impl Source for Stored {
    async fn open(&self) -> io::Result<ByteStream> {
        let found = self.store.get(&self.path).await.map_err(io::Error::other)?;
        Ok(found.into_stream().map(|piece| piece.map_err(io::Error::other)).boxed())
    }
}
