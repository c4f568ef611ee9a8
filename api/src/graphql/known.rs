//! What keys of loaders are known to lead to, without asking the database again.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_graphql::dataloader::Loader;
use colloquy_entity::{DialogueId, dialogue, user};

use crate::inbox::list::Found;

use super::loaders::{Key, Loaders, ParticipantsOf, Reads, ResponsiblesOf, TagsOf, UnreadOf};
use super::shared::lock;

/// By the type of the key: what was found by keys of it, and what was not.
#[derive(Default)]
pub struct Known(Mutex<HashMap<TypeId, Box<dyn Any + Send>>>);

/// What keys led to.
type Things<K> = HashMap<K, Option<<Loaders as Loader<K>>::Value>>;

impl Known {
    /// What this key leads to; nothing where that is not known.
    pub fn get<K: Key>(&self, key: &K) -> Option<Option<<Loaders as Loader<K>>::Value>>
    where
        Loaders: Reads<K>,
    {
        let things = lock(&self.0);
        things.get(&TypeId::of::<K>())?.downcast_ref::<Things<K>>()?.get(key).cloned()
    }

    /// Keeps what a key leads to.
    pub fn learn<K: Key>(&self, key: K, thing: Option<<Loaders as Loader<K>>::Value>)
    where
        Loaders: Reads<K>,
    {
        let mut things = lock(&self.0);
        let known = things.entry(TypeId::of::<K>()).or_insert_with(|| Box::new(Things::<K>::new()));
        if let Some(known) = known.downcast_mut::<Things<K>>() {
            known.insert(key, thing);
        }
    }

    /// Keeps what a list has brought along with a dialogue, and hands on the dialogue.
    pub fn take(&self, found: Found) -> Arc<dialogue::Model> {
        let Found { dialogue, client, channel, last_message, author, participants, tags, unread } = found;
        let id: DialogueId = dialogue.id;
        if let Some(client) = client {
            self.learn(client.id, Some(client));
        }
        if let Some(channel) = channel {
            self.learn(channel.id, Some(channel));
        }
        if let Some(message) = last_message {
            // A client's message names its author by way of the dialogue.
            self.learn(id, Some(Arc::clone(&dialogue)));
            self.learn(message.id, Some(message));
        }
        if let Some(author) = author {
            self.learn(author.id, Some(author));
        }
        if let Some(participants) = participants {
            let active = |user: &user::Model| user.is_active.then_some(user.id);
            let responsible =
                participants.iter().filter(|(part, _)| part.role == colloquy_entity::ParticipantRole::Responsible);
            self.learn(ResponsiblesOf(id), Some(responsible.filter_map(|(_, user)| active(user)).collect()));
            let (parts, users): (Vec<_>, Vec<_>) = participants.into_iter().unzip();
            self.learn(ParticipantsOf(id), Some(parts));
            for user in users {
                self.learn(user.id, Some(user));
            }
        }
        if let Some(tags) = tags {
            self.learn(TagsOf(id), Some(tags));
        }
        if let Some(unread) = unread {
            self.learn(UnreadOf(id), Some(unread));
        }
        dialogue
    }
}
