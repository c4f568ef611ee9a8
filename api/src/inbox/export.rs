//! The archive as a stream: dialogues, messages or events as of one moment, a chunk at a time, however many there are.

mod dialogues;
mod events;
mod messages;
mod names;
mod write;

use sea_orm::DatabaseTransaction;
use sea_orm::sea_query::Condition;

use crate::app::App;
use crate::error::{Error, Result};
use crate::log;
use crate::policy;
use crate::viewer::Viewer;

use super::list::DialogueFilter;
use super::sessions;

pub use write::Format;
use write::Lines;

/// Of what each line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Messages, dialogue by dialogue.
    Messages,
    /// Dialogues, in the order in which they began.
    Dialogues,
    /// The log.
    Events,
}

impl What {
    const ALL: [Self; 3] = [Self::Messages, Self::Dialogues, Self::Events];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Dialogues => "dialogues",
            Self::Events => "events",
        }
    }

    fn read(text: &str) -> Result<Self> {
        let known = Self::ALL.into_iter().find(|what| what.as_str() == text);
        known.ok_or_else(|| Error::bad("what", "This is `messages`, `dialogues` or `events`"))
    }
}

/// What is asked for, checked.
pub struct Asked {
    /// Messages where nothing is said.
    pub what: What,
    /// NDJSON where nothing is said.
    pub format: Format,
    filter: DialogueFilter,
    walk: Walk,
}

impl Asked {
    /// What is exported, in which format, of which dialogues, behind which cursor. BAD_USER_INPUT names what is wrong:
    /// `what`, `format`, `filter…` or `after`.
    pub fn read(what: Option<&str>, format: Option<&str>, filter: DialogueFilter, after: Option<&str>) -> Result<Self> {
        let what = what.map_or(Ok(What::Messages), What::read)?;
        let format = format.map_or(Ok(Format::Ndjson), Format::read)?;
        // Before anything is opened for it.
        filter.beside(Condition::all())?;
        Ok(Self { what, format, filter, walk: Walk::behind(what, after)? })
    }

    /// For who runs the server and is nobody in particular: what is a viewer's own means nothing then.
    pub fn without_viewer(self) -> Result<Self> {
        let own = [("group", self.filter.group.is_some()), ("unreadOnly", self.filter.unread_only)];
        match own.into_iter().find(|(_, is_given)| *is_given) {
            Some((field, _)) => Err(Error::bad(
                format!("filter.{field}"),
                format!("`{field}` is a viewer's own, and this has none: GET /export takes it"),
            )),
            None => Ok(self),
        }
    }
}

/// How far it is.
enum Walk {
    Messages(messages::Walk),
    Dialogues(dialogues::Walk),
    Events(events::Walk),
}

impl Walk {
    fn behind(what: What, after: Option<&str>) -> Result<Self> {
        Ok(match what {
            What::Messages => Self::Messages(messages::Walk::behind(after)?),
            What::Dialogues => Self::Dialogues(dialogues::Walk::behind(after)?),
            What::Events => Self::Events(events::Walk::behind(after)?),
        })
    }

    fn columns(&self) -> &'static [&'static str] {
        match self {
            Self::Messages(_) => messages::COLUMNS,
            Self::Dialogues(_) => dialogues::COLUMNS,
            Self::Events(_) => events::COLUMNS,
        }
    }

    /// Writes the next lines, perhaps none; false once there are no more.
    async fn next(&mut self, from: &Source<'_>, lines: &mut Lines) -> Result<bool> {
        match self {
            Self::Messages(walk) => walk.next(from, lines).await,
            Self::Dialogues(walk) => walk.next(from, lines).await,
            Self::Events(walk) => walk.next(from, lines).await,
        }
    }
}

/// From where rows are read, and which.
struct Source<'a> {
    app: &'a App,
    db: &'a DatabaseTransaction,
    viewer: Option<&'a Viewer>,
    filter: &'a DialogueFilter,
    /// So many at once.
    rows: u32,
}

impl Source<'_> {
    /// The dialogues that are wanted, of those that may be seen.
    fn wanted(&self) -> Result<Condition> {
        match self.viewer {
            Some(viewer) => self.filter.condition(viewer),
            None => self.filter.beside(Condition::all()),
        }
    }

    /// The dialogues that may be seen.
    fn seen(&self) -> Condition {
        self.viewer.map_or_else(Condition::all, policy::visible)
    }
}

/// An export under way. It holds one snapshot of the database, and of its rows no more than a chunk.
pub struct Export {
    snapshot: DatabaseTransaction,
    viewer: Option<Viewer>,
    /// The end of the log when the viewer's rights were read.
    since: i64,
    asked: Asked,
    first: Option<Vec<u8>>,
    is_done: bool,
}

impl Export {
    /// Everything is as of now: the first chunk is read at once. Without a viewer it is for who runs the server.
    pub async fn open(app: &App, viewer: Option<&Viewer>, asked: Asked) -> Result<Self> {
        let asked = if viewer.is_some() { asked } else { asked.without_viewer()? };
        let since = log::head(app.db.read()).await?.position;
        let viewer = match viewer {
            Some(viewer) => Some(sessions::anew(app, viewer).await?),
            None => None,
        };
        let snapshot = app.db.patient().await?;
        let mut export = Self { snapshot, viewer, since, asked, first: None, is_done: false };
        let mut lines = Lines::new(export.asked.format);
        lines.header(export.asked.walk.columns());
        export.first = Some(export.read(app, lines).await?);
        Ok(export)
    }

    /// Whole lines; none at the end. An error is the end, too: what was handed out is good, and goes on by its last cursor.
    pub async fn next(&mut self, app: &App) -> Result<Option<Vec<u8>>> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.is_done {
            return Ok(None);
        }
        self.check(app).await?;
        let read = self.read(app, Lines::new(self.asked.format)).await?;
        Ok(Some(read).filter(|bytes| !bytes.is_empty()))
    }

    async fn read(&mut self, app: &App, mut lines: Lines) -> Result<Vec<u8>> {
        let rows = app.config.pace.export_rows;
        let Self { snapshot, viewer, asked: Asked { filter, walk, .. }, .. } = self;
        let from = Source { app, db: snapshot, viewer: viewer.as_ref(), filter, rows };
        while !self.is_done && lines.is_empty() {
            self.is_done = !walk.next(&from, &mut lines).await?;
        }
        Ok(lines.into_bytes())
    }

    /// The rows are of the beginning; the right to have them is one of now.
    async fn check(&self, app: &App) -> Result<()> {
        let Some(viewer) = &self.viewer else { return Ok(()) };
        if !sessions::still_holds(app, viewer).await? {
            return Err(Error::Unauthenticated("The session or token was ended"));
        }
        if log::has_lost(app.db.read(), viewer, self.since).await? {
            return Err(Error::Forbidden("The viewer may see less than when the export began"));
        }
        Ok(())
    }
}
