//! What a visitor is told live: each message of their dialogue that is new or changed, how far they were read, who types.

use std::sync::Arc;

use colloquy_entity::*;

use crate::app::App;
use crate::error::Result;
use crate::log::{self, Cursor, Event, Filter, Following, Hearer, Kind};

use super::ears::Ear;
use super::messages::{self, Message};
use super::{Visitor, dialogue};

/// The kinds of events that a visitor hears anything of.
const KINDS: [Kind; 7] = [
    Kind::DialogueOpened,
    Kind::DialogueRead,
    Kind::MessageAdded,
    Kind::MessageEdited,
    Kind::MessageDeleted,
    Kind::MessageDeliveryChanged,
    Kind::MessageFileChanged,
];

/// Something that a visitor is told.
#[derive(Clone, Debug)]
pub struct Update {
    /// Resume after this; none for what is not in the log.
    pub cursor: Option<Cursor>,
    /// What.
    pub told: Told,
}

/// What a visitor is told of.
#[derive(Clone, Debug)]
pub enum Told {
    /// A message that is new, or as it is now.
    Message(Box<Message>),
    /// The company has read the visitor's messages up to this one.
    ReadUpTo(MessageId),
    /// An employee is typing.
    Typing {
        /// The employee's name.
        name: String,
        /// Until then, unless renewed.
        until: Time,
    },
}

/// A visitor's place in the log, and an ear for who types.
pub struct Updates {
    app: Arc<App>,
    visitor: Visitor,
    following: Following,
    /// Once there is a dialogue.
    ear: Option<Ear>,
    /// How many of the visitor's messages they were told to be read.
    read: i64,
}

enum Heard {
    Event(Arc<Event>),
    Typing(UserId, Time),
}

impl Updates {
    /// Begins after a cursor, or with what comes where there is none.
    pub async fn start(app: Arc<App>, visitor: Visitor, after: Option<Cursor>) -> Result<Self> {
        super::channel(&app, &visitor).await?;
        let after = match after {
            Some(cursor) => cursor,
            None => log::head(app.db.read()).await?,
        };
        // After the cursor: a dialogue that is not found here is opened later than that, and heard of.
        let dialogue = dialogue(&app, &visitor).await?;
        let known = dialogue.iter().map(|dialogue| dialogue.id.0);
        let filter = Filter {
            kinds: Some(KINDS.into()),
            subjects: vec![[visitor.id].into_iter().chain(known).collect()],
            ..Filter::default()
        };
        let hearer = Hearer::Visitor(visitor.id);
        let following = Following::start(Arc::clone(&app.log), hearer, filter, Some(after)).await?;
        let ear = dialogue.map(|dialogue| app.chat.ears.listen(dialogue.id));
        Ok(Self { app, visitor, following, ear, read: 0 })
    }

    /// The next thing to tell. Safe to be dropped while it waits for one.
    pub async fn next(&mut self) -> Result<Update> {
        loop {
            let heard = match &mut self.ear {
                None => Heard::Event(self.following.next().await?),
                Some(ear) => tokio::select! {
                    event = self.following.next() => Heard::Event(event?),
                    (user, typing) = ear.next() => Heard::Typing(user, typing.until),
                },
            };
            // Apart: what it takes is not held while a visitor waits.
            let told = match &heard {
                Heard::Event(event) => Box::pin(self.tell(event)).await?,
                Heard::Typing(user, until) => Box::pin(self.typing(*user, *until)).await?,
            };
            let cursor = match &heard {
                Heard::Event(event) => Some(Cursor::from(&**event)),
                Heard::Typing(..) => None,
            };
            if let Some(told) = told {
                return Ok(Update { cursor, told });
            }
        }
    }

    /// What an event is to the visitor; often nothing.
    async fn tell(&mut self, event: &Event) -> Result<Option<Told>> {
        let Some(dialogue) = event.dialogue else { return Ok(None) };
        match event.kind {
            Kind::DialogueOpened => {
                if self.ear.is_none() {
                    self.ear = Some(self.app.chat.ears.listen(dialogue));
                }
                return Ok(None);
            }
            Kind::DialogueRead => {
                let read = messages::read_count(&self.app, dialogue).await?;
                if read <= self.read {
                    return Ok(None);
                }
                self.read = read;
                return Ok(messages::numbered(&self.app, dialogue, read).await?.map(Told::ReadUpTo));
            }
            // How far it came matters to the visitor only as far as they went themselves, perhaps in another tab.
            Kind::MessageDeliveryChanged if event.detail.delivery != Some(DeliveryStatus::Read) => return Ok(None),
            _ => {}
        }
        let Some(id) = event.detail.message else { return Ok(None) };
        let message = messages::one(&self.app, &self.visitor, id).await?;
        Ok(message.map(|message| Told::Message(Box::new(message))))
    }

    async fn typing(&self, user: UserId, until: Time) -> Result<Option<Told>> {
        let names = messages::names(&self.app, vec![user]).await?;
        Ok(names.into_values().next().map(|name| Told::Typing { name, until }))
    }
}
