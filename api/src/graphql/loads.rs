//! What those who see everything are told of one event leads to the same things: executions for each of them read these
//! together.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};
use async_graphql::runtime::{TokioSpawner, TokioTimer};
use colloquy_entity::DialogueId;

use crate::app::App;
use crate::error::{Error, Result};
use crate::inbox::reading::Reader;

use super::ask::{Mode, everybody};
use super::loaders::{Loaders, Reads, UnreadBy};
use super::rounds::AtOnce;

/// So long others may come who ask how much they have not read: then it is read for all of them.
const TOGETHER: Duration = Duration::from_millis(1);
/// Most of them in one statement.
const MOST: usize = 1_000;

/// Things that were read for somebody who sees everything, for all who do.
pub struct Loads {
    /// What there is, and whoever sees it sees the same.
    things: DataLoader<Wholly, HashMapCache>,
    /// What is each one's own.
    own: DataLoader<Loaders>,
}

impl Loads {
    /// Nothing is read yet.
    pub fn new(app: &Arc<App>) -> Self {
        let loaders = || Loaders { app: Arc::clone(app), viewer: everybody(), mode: Mode::Shared };
        let cache = HashMapCache::default();
        Self {
            things: DataLoader::with_cache(Wholly(loaders()), TokioSpawner::current(), AtOnce, cache),
            own: DataLoader::new(loaders(), TokioSpawner::current(), TokioTimer::default())
                .delay(TOGETHER)
                .max_batch_size(MOST),
        }
    }

    /// Something by its key.
    pub async fn thing<K>(&self, key: K) -> Result<Option<<Loaders as Loader<K>>::Value>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Loaders: Reads<K>,
    {
        Ok(self.things.load_one(key).await?.flatten())
    }

    /// How much of a dialogue somebody has not read.
    pub async fn unread(&self, reader: Reader, dialogue: DialogueId) -> Result<i64> {
        Ok(self.own.load_one(UnreadBy(reader, dialogue)).await?.unwrap_or_default())
    }
}

/// Remembers also what there is not.
struct Wholly(Loaders);

impl<K> Loader<K> for Wholly
where
    K: Send + Sync + Hash + Eq + Clone + 'static,
    Loaders: Reads<K>,
{
    type Value = Option<<Loaders as Loader<K>>::Value>;
    type Error = Error;

    async fn load(&self, keys: &[K]) -> Result<HashMap<K, Self::Value>> {
        let mut found = self.0.load(keys).await?;
        Ok(keys.iter().map(|key| (key.clone(), found.remove(key))).collect())
    }
}
