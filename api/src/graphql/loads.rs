//! What those who see everything are told of one event leads to the same things: these are read once for all of them.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::runtime::{TokioSpawner, TokioTimer};
use colloquy_entity::DialogueId;

use crate::app::App;
use crate::error::Result;
use crate::inbox::reading::Reader;

use super::ask::{Mode, everybody};
use super::loaders::{Key, Loaders, Reads, UnreadBy};
use super::shared::lock;

/// So long others may come who ask how much they have not read: then it is read for all of them.
const TOGETHER: Duration = Duration::from_millis(1);
/// Most of them in one statement.
const MOST: usize = 1_000;

/// Things that were read for somebody who sees everything, for all who do.
pub struct Loads {
    app: Arc<App>,
    /// By the type of the key: what was found by keys of it, and what was not.
    things: Mutex<HashMap<TypeId, Box<dyn Any + Send>>>,
    /// What is each one's own.
    own: OnceLock<DataLoader<Loaders>>,
}

/// What keys led to.
type Found<K> = HashMap<K, Option<<Loaders as Loader<K>>::Value>>;

impl Loads {
    /// Nothing is read yet.
    pub fn new(app: &Arc<App>) -> Self {
        Self { app: Arc::clone(app), things: Mutex::default(), own: OnceLock::new() }
    }

    /// What another was told that this key leads to; nothing where nobody has asked.
    pub fn known<K: Key>(&self, key: &K) -> Option<Option<<Loaders as Loader<K>>::Value>>
    where
        Loaders: Reads<K>,
    {
        let things = lock(&self.things);
        things.get(&TypeId::of::<K>())?.downcast_ref::<Found<K>>()?.get(key).cloned()
    }

    /// Keeps for others what a key leads to.
    pub fn learn<K: Key>(&self, key: K, thing: Option<<Loaders as Loader<K>>::Value>)
    where
        Loaders: Reads<K>,
    {
        let mut things = lock(&self.things);
        let found = things.entry(TypeId::of::<K>()).or_insert_with(|| Box::new(Found::<K>::new()));
        if let Some(found) = found.downcast_mut::<Found<K>>() {
            found.insert(key, thing);
        }
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
