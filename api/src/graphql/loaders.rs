//! Loaders: what many resolvers of one answer ask for one by one is read together, as the viewer may see it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use colloquy_entity::*;

use crate::app::App;
use crate::error::{Error, Result};
use crate::inbox::{
    channels, clients, comments, dialogues, files, messages, participants, reading, routing, tags, users,
};
use crate::viewer::Viewer;

use super::ask::Mode;

/// Between two looks whether the database is back.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(200);

/// Reads as one viewer.
pub struct Loaders {
    /// The app.
    pub app: Arc<App>,
    /// Whose rights hold.
    pub viewer: Viewer,
    /// How long the request goes on, and for whom.
    pub mode: Mode,
}

impl Loaders {
    pub(super) fn viewer(&self) -> Result<Viewer> {
        self.mode.viewer(&self.app, self.viewer)
    }

    /// Who follows waits until the database is back: an event is never delivered without its content.
    pub(super) async fn patiently<T, F: Future<Output = Result<T>>>(&self, read: impl Fn() -> F) -> Result<T> {
        loop {
            match read().await {
                Err(Error::Away(_)) if self.mode != Mode::Once => tokio::time::sleep(PAUSE).await,
                done => return done,
            }
        }
    }
}

/// By which something is found.
pub trait Key: Send + Sync + std::hash::Hash + Eq + Clone + 'static {}

impl<K: Send + Sync + std::hash::Hash + Eq + Clone + 'static> Key for K {}

/// Reads what such keys lead to.
pub trait Reads<K: Key>: Loader<K, Error = Error> {
    /// Whether that is the same for all who see everything.
    const ALIKE: bool;
}

/// A loader whose body reads rows for `keys` and says how each is found again. What is the viewer's own is said to be.
macro_rules! loader {
    (@ $key:ty => $value:ty, |$this:ident, $viewer:ident, $keys:ident| $body:block) => {
        impl Loader<$key> for Loaders {
            type Value = $value;
            type Error = Error;

            async fn load(&self, $keys: &[$key]) -> Result<HashMap<$key, $value>> {
                let $this = self;
                self.patiently(|| async {
                    let $viewer = &self.viewer()?;
                    let _ = $viewer;
                    $body
                })
                .await
            }
        }
    };
    (own $key:ty => $value:ty, $($body:tt)*) => {
        impl Reads<$key> for Loaders {
            const ALIKE: bool = false;
        }
        loader!(@ $key => $value, $($body)*);
    };
    ($key:ty => $value:ty, $($body:tt)*) => {
        impl Reads<$key> for Loaders {
            const ALIKE: bool = true;
        }
        loader!(@ $key => $value, $($body)*);
    };
}

/// Keys of lists: what belongs to something else.
macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident($id:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(pub $id);
    )*};
}

pub(super) use {keys, loader};

/// How much of a dialogue one of those who see everything has not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UnreadBy(pub reading::Reader, pub DialogueId);

keys! {
    /// A dialogue's participants.
    ParticipantsOf(DialogueId);
    /// A dialogue's active responsibles.
    ResponsiblesOf(DialogueId);
    /// A dialogue's tags.
    TagsOf(DialogueId);
    /// A message's attachments.
    AttachmentsOf(MessageId);
    /// Whom a comment calls.
    MentionsOf(CommentId);
    /// A client's dialogues that the viewer may see.
    DialoguesOfClient(ClientId);
    /// Whether a client can be reached anywhere.
    IsReachable(ClientId);
    /// The managers of a channel's queue, in turn.
    QueueOf(ChannelId);
    /// How many comments a dialogue has.
    CommentCount(DialogueId);
    /// How much of a dialogue the viewer has not read.
    UnreadOf(DialogueId);
}

pub(super) fn by<K: Eq + std::hash::Hash, T>(rows: Vec<T>, key: impl Fn(&T) -> K) -> HashMap<K, T> {
    rows.into_iter().map(|row| (key(&row), row)).collect()
}

/// The same of what many resolvers of one answer show.
fn shared<K: Eq + std::hash::Hash, T>(rows: Vec<T>, key: impl Fn(&T) -> K) -> HashMap<K, Arc<T>> {
    by(rows.into_iter().map(Arc::new).collect(), |row| key(row))
}

pub(super) fn group<K: Eq + std::hash::Hash, T>(rows: impl IntoIterator<Item = (K, T)>) -> HashMap<K, Vec<T>> {
    let mut groups: HashMap<K, Vec<T>> = HashMap::new();
    for (key, row) in rows {
        groups.entry(key).or_default().push(row);
    }
    groups
}

loader!(UserId => Arc<user::Model>, |this, _viewer, keys| {
    Ok(shared(users::by_ids(this.app.db.read(), keys).await?, |row| row.id))
});
loader!(ChannelId => Arc<channel::Model>, |this, _viewer, keys| {
    Ok(shared(channels::by_ids(this.app.db.read(), keys).await?, |row| row.id))
});
loader!(ClientId => Arc<client::Model>, |this, viewer, keys| {
    Ok(shared(clients::by_ids(this.app.db.read(), viewer, keys).await?, |row| row.id))
});
loader!(DialogueId => Arc<dialogue::Model>, |this, viewer, keys| {
    Ok(shared(dialogues::by_ids(this.app.db.read(), viewer, keys).await?, |row| row.id))
});
loader!(MessageId => Arc<message::Model>, |this, viewer, keys| {
    Ok(shared(messages::by_ids(this.app.db.read(), viewer, keys).await?, |row| row.id))
});
loader!(CommentId => comment::Model, |this, viewer, keys| {
    Ok(by(comments::by_ids(this.app.db.read(), viewer, keys).await?, |row| row.id))
});
loader!(TagId => tag::Model, |this, _viewer, keys| {
    Ok(by(tags::by_ids(this.app.db.read(), keys).await?, |row| row.id))
});
loader!(ParticipantsOf => Vec<participant::Model>, |this, _viewer, keys| {
    let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
    let rows = participants::of(this.app.db.read(), &ids).await?;
    Ok(group(rows.into_iter().map(|row| (ParticipantsOf(row.dialogue_id), row))))
});
loader!(ResponsiblesOf => Vec<UserId>, |this, _viewer, keys| {
    let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
    let rows = participants::responsibles(this.app.db.read(), &ids).await?;
    Ok(group(rows.into_iter().map(|(dialogue, user)| (ResponsiblesOf(dialogue), user))))
});
loader!(TagsOf => Vec<tag::Model>, |this, _viewer, keys| {
    let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
    let rows = tags::of(this.app.db.read(), &ids).await?;
    Ok(group(rows.into_iter().map(|(dialogue, tag)| (TagsOf(dialogue), tag))))
});
loader!(QueueOf => Vec<UserId>, |this, _viewer, keys| {
    let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
    let rows = routing::queues(this.app.db.read(), &ids).await?;
    Ok(group(rows.into_iter().map(|(channel, user)| (QueueOf(channel), user))))
});
loader!(CommentCount => u64, |this, _viewer, keys| {
    let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
    let rows = comments::counts(this.app.db.read(), &ids).await?;
    Ok(rows.into_iter().map(|(id, count)| (CommentCount(id), count.unsigned_abs())).collect())
});
loader!(AttachmentsOf => Vec<attachment::Model>, |this, _viewer, keys| {
    let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
    let rows = files::of(this.app.db.read(), &ids).await?;
    Ok(group(rows.into_iter().filter_map(|row| Some((AttachmentsOf(row.message_id?), row)))))
});
loader!(MentionsOf => Vec<UserId>, |this, _viewer, keys| {
    let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
    let rows = comments::mentioned(this.app.db.read(), &ids).await?;
    Ok(group(rows.into_iter().map(|row| (MentionsOf(row.comment_id), row.user_id))))
});
loader!(DialoguesOfClient => Vec<dialogue::Model>, |this, viewer, keys| {
    let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
    let rows = clients::dialogues(this.app.db.read(), viewer, &ids).await?;
    Ok(group(rows.into_iter().map(|row| (DialoguesOfClient(row.client_id), row))))
});
loader!(IsReachable => (), |this, _viewer, keys| {
    let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
    let reachable = clients::reachable(this.app.db.read(), &ids).await?;
    Ok(reachable.into_iter().map(|id| (IsReachable(id), ())).collect())
});
loader!(own UnreadOf => i64, |this, viewer, keys| {
    let ids: Vec<_> = keys.iter().map(|key| key.0).collect();
    let rows = dialogues::by_ids(this.app.db.read(), viewer, &ids).await?;
    let unread = reading::unread_counts(&this.app, &[viewer.into()], &rows).await?;
    Ok(unread.into_iter().map(|((id, _), count)| (UnreadOf(id), count)).collect())
});
loader!(own UnreadBy => i64, |this, viewer, keys| {
    let (readers, ids): (HashSet<_>, HashSet<_>) = keys.iter().map(|key| (key.0, key.1)).unzip();
    let (readers, ids): (Vec<_>, Vec<_>) = (readers.into_iter().collect(), ids.into_iter().collect());
    let rows = dialogues::by_ids(this.app.db.read(), viewer, &ids).await?;
    let unread = reading::unread_counts(&this.app, &readers, &rows).await?;
    let count = |key: &UnreadBy| Some((*key, *unread.get(&(key.1, key.0.user))?));
    Ok(keys.iter().filter_map(count).collect())
});
