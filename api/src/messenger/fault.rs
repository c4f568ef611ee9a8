//! What can go wrong at a messenger, by what is to be done about it.

use std::time::Duration;

/// What went wrong at a messenger, by what is to be done about it. `words` are a sentence for an operator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It may go well later. Whether it did go well, nobody knows.
    #[error("{words}")]
    Passing {
        /// Why.
        words: String,
        /// The messenger asks not to be tried before.
        retry_after: Option<Duration>,
        /// The wait holds for all that the channel sends, not only for this message.
        whole_channel: bool,
    },
    /// It will never go well.
    #[error("{words}")]
    Final {
        /// Why.
        words: String,
        /// The client cannot be reached in this channel until they write again.
        unreachable: bool,
    },
    /// The messenger does not accept our token: nothing in this channel goes well until somebody mends it.
    #[error("{words}")]
    Broken {
        /// Why.
        words: String,
    },
}

impl Fault {
    /// A fault that passes by itself and holds for this message alone.
    pub fn passing(words: impl Into<String>) -> Self {
        Self::Passing { words: words.into(), retry_after: None, whole_channel: false }
    }

    /// A fault of this message, for good, that says nothing of the client.
    pub fn fatal(words: impl Into<String>) -> Self {
        Self::Final { words: words.into(), unreachable: false }
    }

    /// Why, in words that an operator understands.
    pub fn words(&self) -> &str {
        match self {
            Self::Passing { words, .. } | Self::Final { words, .. } | Self::Broken { words } => words,
        }
    }
}
