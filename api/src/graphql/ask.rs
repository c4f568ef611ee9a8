//! What a resolver asks of its request: the app, who asks, and loaders that answer many alike questions at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_graphql::Context;
use async_graphql::dataloader::{DataLoader, Loader};
use colloquy_entity::{DialogueId, Role, SessionId, Time, UserId};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, Ready, ready};
use uuid::Uuid;

use crate::app::App;
use crate::error::{Error, Result};
use crate::log::Cursor;
use crate::viewer::{Credential, Viewer};

use super::known::Known;
use super::loaders::{Key, Loaders, Reads, UnreadOf};
use super::loads::Loads;
use super::rounds::{AtOnce, Rounds};
use super::shared::Part;

/// The name of the page's session cookie.
pub const COOKIE: &str = "colloquy_session";

/// Most things that one answer asks of the loaders. What a document costs is reckoned before it runs, by how long lists
/// most often are; this bounds it where they are far longer.
const MOST_ASKED: u64 = 100_000;

/// How long a request goes on, and for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// One answer.
    Once,
    /// Answers for one viewer, whose role is looked up anew each time.
    Live,
    /// Answers for all who see everything.
    Shared,
}

impl Mode {
    /// Whose rights hold now.
    pub(super) fn viewer(self, app: &App, viewer: Viewer) -> Result<Viewer> {
        if self == Self::Live { as_of_now(app, viewer) } else { Ok(viewer) }
    }
}

/// Whoever sees everything, and nobody in particular.
pub(super) fn everybody() -> Viewer {
    Viewer {
        id: UserId(Uuid::nil()),
        role: Role::Employee,
        since: Time(0),
        credential: Credential::Session(SessionId(Uuid::nil())),
        expires_at: None,
    }
}

/// The request's own data: one for each request, so that nothing is shared between viewers.
pub struct Asking {
    /// The app.
    pub app: Arc<App>,
    /// Where the log stood before anything of this answer was read.
    pub cursor: Option<Cursor>,
    /// Which part of a subscription it is.
    pub part: Part,
    viewer: Option<Viewer>,
    mode: Mode,
    loaders: Option<DataLoader<Loaders>>,
    /// What a list of this answer has brought along. Only queries have such: nothing changes while they are answered.
    pub known: Known,
    /// How many things were asked of the loaders.
    asked: AtomicU64,
}

impl Asking {
    /// A request of this viewer, or of nobody who is signed in.
    pub fn new(app: Arc<App>, viewer: Option<Viewer>, mode: Mode, part: Part, rounds: &Rounds) -> Self {
        let loaders = viewer.map(|viewer| {
            let loaders = Loaders { app: Arc::clone(&app), viewer, mode };
            DataLoader::new(loaders, rounds.clone(), AtOnce)
        });
        Self { app, cursor: None, part, viewer, mode, loaders, known: Known::default(), asked: AtomicU64::new(0) }
    }

    /// The page's session cookie. Scripts cannot read it, other sites cannot send it, and it crosses no plain network.
    pub fn cookie(&self, token: &str, seconds: i64) -> String {
        let secure = if self.app.config.public_url.as_deref().is_some_and(|url| url.starts_with("https:")) {
            "; Secure"
        } else {
            ""
        };
        format!("{COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
    }

    /// What is read together with others who are told the same.
    fn loads(&self) -> Option<Arc<Loads>> {
        match &self.part {
            Part::Answers(feed) => feed.loads(),
            Part::Whole | Part::Begin(_) => None,
        }
    }

    fn load<K>(&self, key: K) -> Result<Loading<'_, <Loaders as Loader<K>>::Value>>
    where
        K: Key,
        Loaders: Reads<K>,
    {
        let loaders = self.loaders.as_ref().ok_or(Error::Unauthenticated("Sign in first"))?;
        if self.asked.fetch_add(1, Ordering::Relaxed) >= MOST_ASKED && self.mode == Mode::Once {
            return Err(Error::TooComplex("The answer would hold too much: ask for smaller pages".into()));
        }
        if let Some(known) = self.known.get(&key) {
            return Ok(Either::Left(ready(Ok(known))));
        }
        let Some(loads) = self.loads().filter(|_| Loaders::ALIKE) else {
            return Ok(Either::Right(loaders.load_one(key).boxed()));
        };
        if let Some(known) = loads.found.get(&key) {
            return Ok(Either::Left(ready(Ok(known))));
        }
        let reading = async move {
            let thing = loaders.load_one(key.clone()).await?;
            loads.found.learn(key, thing.clone());
            Ok(thing)
        };
        Ok(Either::Right(reading.boxed()))
    }

    /// Who asks, as of now.
    pub fn viewer(&self) -> Result<Viewer> {
        let viewer = self.viewer.ok_or(Error::Unauthenticated("Sign in first"))?;
        self.mode.viewer(&self.app, viewer)
    }
}

/// The viewer with the role that they have by now; a subscription may have begun long ago.
pub(super) fn as_of_now(app: &App, viewer: Viewer) -> Result<Viewer> {
    let role = app.log.access(|access| access.role(viewer.id));
    let role = role.ok_or(Error::Unauthenticated("This user is deactivated"))?;
    Ok(Viewer { role, ..viewer })
}

/// What a loader answers: at once where that is known. What reads is kept apart: an object's fields are futures of one
/// size, that of the largest, and a page has thousands of them.
pub type Loading<'a, T> = Either<Ready<Result<Option<T>>>, BoxFuture<'a, Result<Option<T>>>>;

/// Short ways to all of it from a resolver's context.
pub trait Ask {
    /// The request's own data.
    fn asking(&self) -> Result<&Asking>;

    /// The app.
    fn app(&self) -> Result<&App> {
        Ok(&self.asking()?.app)
    }

    /// Who asks; UNAUTHENTICATED where nobody is signed in.
    fn viewer(&self) -> Result<Viewer> {
        self.asking()?.viewer()
    }

    /// Something by its key, together with all else of its kind that the same answer asks for.
    fn load<K>(&self, key: K) -> Loading<'_, <Loaders as Loader<K>>::Value>
    where
        K: Key,
        Loaders: Reads<K>;

    /// How much of a dialogue the viewer has not read.
    fn unread(&self, dialogue: DialogueId) -> Loading<'_, i64>;
}

impl Ask for Context<'_> {
    fn asking(&self) -> Result<&Asking> {
        self.data::<Asking>().map_err(|error| Error::internal(error.message))
    }

    fn load<K>(&self, key: K) -> Loading<'_, <Loaders as Loader<K>>::Value>
    where
        K: Key,
        Loaders: Reads<K>,
    {
        let loading = self.asking().and_then(|asking| asking.load(key));
        loading.unwrap_or_else(|error| Either::Left(ready(Err(error))))
    }

    fn unread(&self, dialogue: DialogueId) -> Loading<'_, i64> {
        let Some(loads) = self.asking().ok().and_then(Asking::loads) else { return self.load(UnreadOf(dialogue)) };
        let read = async move { loads.unread((&self.viewer()?).into(), dialogue).await.map(Some) };
        Either::Right(read.boxed())
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::resolver_utils::ContainerType;

    use crate::graphql::clients::Client;
    use crate::graphql::dialogues::{Dialogue, Participant};
    use crate::graphql::messages::Message;
    use crate::graphql::users::User;

    use super::*;

    /// A page of fifty has thousands of fields: with 2 KiB each, moving them took a tenth of the whole answer.
    const LARGEST: usize = 1_024;

    /// Bytes of what resolves one of an object's fields.
    fn size<T: 'static, F>(_: impl FnOnce(&'static T, &'static Context<'static>) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn what_resolves_a_field_is_small() {
        let sizes = [
            ("Dialogue", size(|it: &Dialogue, ctx| it.resolve_field(ctx))),
            ("Message", size(|it: &Message, ctx| it.resolve_field(ctx))),
            ("Client", size(|it: &Client, ctx| it.resolve_field(ctx))),
            ("User", size(|it: &User, ctx| it.resolve_field(ctx))),
            ("Participant", size(|it: &Participant, ctx| it.resolve_field(ctx))),
        ];
        for (name, bytes) in sizes {
            assert!(bytes <= LARGEST, "{name}: {bytes} bytes; box what is seldom asked for");
        }
    }
}
