//! What those who see everything are told of one event leads to the same things: these are read once for all of them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_graphql::dataloader::DataLoader;
use async_graphql::runtime::{TokioSpawner, TokioTimer};
use colloquy_entity::DialogueId;

use crate::app::App;
use crate::error::Result;
use crate::inbox::reading::Reader;

use super::ask::{Mode, everybody};
use super::known::Known;
use super::loaders::{Loaders, UnreadBy};

/// So long others may come who ask how much they have not read: then it is read for all of them.
const TOGETHER: Duration = Duration::from_millis(1);
/// Most of them in one statement.
const MOST: usize = 1_000;

/// Things that were read for somebody who sees everything, for all who do.
pub struct Loads {
    app: Arc<App>,
    /// What was found for any of them.
    pub found: Known,
    /// What is each one's own.
    own: OnceLock<DataLoader<Loaders>>,
}

impl Loads {
    /// Nothing is read yet.
    pub fn new(app: &Arc<App>) -> Self {
        Self { app: Arc::clone(app), found: Known::default(), own: OnceLock::new() }
    }

    /// How much of a dialogue somebody has not read.
    pub async fn unread(&self, reader: Reader, dialogue: DialogueId) -> Result<i64> {
        let loader = self.own.get_or_init(|| {
            let loaders = Loaders { app: Arc::clone(&self.app), viewer: everybody(), mode: Mode::Shared };
            let loader = DataLoader::new(loaders, TokioSpawner::current(), TokioTimer::default());
            loader.delay(TOGETHER).max_batch_size(MOST)
        });
        Ok(loader.load_one(UnreadBy(reader, dialogue)).await?.unwrap_or_default())
    }
}
