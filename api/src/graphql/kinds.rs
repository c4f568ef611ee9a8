//! What can happen, as the schema names it.

use async_graphql::Enum;

use crate::error::{Error, Result};
use crate::log::Kind;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident,)*) => {
        /// What happened
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
        pub enum EventKind { $($(#[$doc])* $kind,)* }

        impl From<EventKind> for Kind {
            fn from(kind: EventKind) -> Self {
                match kind { $(EventKind::$kind => Self::$kind,)* }
            }
        }

        impl EventKind {
            /// As the API shows it; hidden kinds never get here.
            pub fn of(kind: Kind) -> Result<Self> {
                match kind {
                    $(Kind::$kind => Ok(Self::$kind),)*
                    hidden => Err(Error::internal(format!("{hidden:?} is not to be shown"))),
                }
            }
        }
    };
}

kinds! {
    /// A dialogue's first event
    DialogueOpened,
    /// A dialogue was closed
    DialogueClosed,
    /// A closed dialogue was opened again
    DialogueReopened,
    /// The actor's unread count changed by reading
    DialogueRead,
    /// A message by anyone
    MessageAdded,
    /// A message's text or place changed
    MessageEdited,
    /// A message was deleted; its place stays
    MessageDeleted,
    /// How far a message to a client has come
    MessageDeliveryChanged,
    /// A file of it was fetched, or could not be
    MessageFileChanged,
    /// An employee became a participant
    ParticipantAdded,
    /// An employee is no participant any more
    ParticipantRemoved,
    /// A tag was put on
    TagAdded,
    /// A tag was taken off
    TagRemoved,
    /// A comment was written
    CommentAdded,
    /// A comment's text changed
    CommentEdited,
    /// A comment was removed
    CommentDeleted,
    /// A client's name, picture, blocking or reachability changed
    ClientChanged,
    /// A channel's settings or state changed
    ChannelChanged,
    /// A contractor was made on its own
    ContractorCreated,
    /// A client belongs to this contractor from now on
    ContractorLinked,
    /// A contractor's fields changed
    ContractorChanged,
    /// A contractor was merged into this one
    ContractorMerged,
    /// A deal was made, alone or in a dialogue
    DealCreated,
    /// A deal was linked to a dialogue
    DealLinked,
    /// A deal was unlinked from a dialogue
    DealUnlinked,
    /// A deal's fields changed
    DealChanged,
    /// A project was made on its own
    ProjectCreated,
    /// A project was linked to a dialogue
    ProjectLinked,
    /// A project was unlinked from a dialogue
    ProjectUnlinked,
    /// A project's fields changed
    ProjectChanged,
    /// A task was made, alone or in a dialogue
    TaskCreated,
    /// A task was linked to a dialogue
    TaskLinked,
    /// A task was unlinked from a dialogue
    TaskUnlinked,
    /// A task's fields changed
    TaskChanged,
    /// The viewer sees more than before
    AccessGranted,
    /// The viewer sees less than before
    AccessRevoked,
}
