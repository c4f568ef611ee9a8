//! What can go wrong, in the kinds that a client would act on differently.

use colloquy_entity::UserId;

/// Every function of the inbox answers with this or with what was asked for.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One variant for each code of the API. Words are for the client to read; `Internal` is for the log alone.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// Nobody is signed in, or the token is not (any more) one of ours.
    #[error("{0}")]
    Unauthenticated(&'static str),
    /// The viewer is known, and may not.
    #[error("{0}")]
    Forbidden(&'static str),
    /// There is no such thing, or the viewer may not see it: the two are never told apart.
    #[error("There is no such {0}, or you may not see it")]
    NotFound(&'static str),
    /// A value that cannot be taken; `field` is its path, as in `input.text`.
    #[error("{words}")]
    BadInput {
        /// The argument, as a path.
        field: String,
        /// What is wrong with it.
        words: String,
    },
    /// It cannot be done as things stand now.
    #[error("{words}")]
    Conflict {
        /// What stands in the way.
        words: String,
        /// Who holds the dialogue, where that is what stands in the way.
        holders: Vec<UserId>,
        /// The id of what is there already, where that helps.
        existing: Option<String>,
    },
    /// Too often; try again after so many seconds.
    #[error("Too often: try again in {0} s")]
    RateLimited(u64),
    /// A body that is larger than may be.
    #[error("{0}")]
    TooLarge(String),
    /// The document asks for more than one request may.
    #[error("{0}")]
    TooComplex(String),
    /// Our fault. The cause is logged and never shown.
    #[error("Something went wrong on our side")]
    Internal(String),
    /// The database cannot be reached: the same request may well succeed later.
    #[error("The database cannot be reached")]
    Away(String),
}

impl Error {
    /// `extensions.code` of the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::NotFound(_) => "NOT_FOUND",
            Self::BadInput { .. } | Self::TooLarge(_) => "BAD_USER_INPUT",
            Self::Conflict { .. } => "CONFLICT",
            Self::RateLimited(_) => "RATE_LIMITED",
            Self::TooComplex(_) => "QUERY_TOO_COMPLEX",
            Self::Internal(_) | Self::Away(_) => "INTERNAL",
        }
    }

    /// Writes the cause of what is our fault into the log: clients never get it.
    pub fn log(&self) {
        if let Self::Internal(cause) | Self::Away(cause) = self {
            tracing::error!(cause, "a request failed");
        }
    }

    /// A value that cannot be taken.
    pub fn bad(field: impl Into<String>, words: impl Into<String>) -> Self {
        Self::BadInput { field: field.into(), words: words.into() }
    }

    /// Something stands in the way.
    pub fn conflict(words: impl Into<String>) -> Self {
        Self::Conflict { words: words.into(), holders: Vec::new(), existing: None }
    }

    /// Our fault, with the cause for the log.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self::Internal(cause.to_string())
    }
}

impl From<sea_orm::DbErr> for Error {
    fn from(error: sea_orm::DbErr) -> Self {
        use sea_orm::{DbErr, RuntimeErr};
        let away = match &error {
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
            DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => match &**cause {
                sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
                // Class 08: connection; 57P0x: the server stops, crashed, or starts; 25P03: we were frozen for a while.
                sqlx::Error::Database(of) => {
                    of.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P") || code == "25P03")
                }
                _ => false,
            },
            _ => false,
        };
        if away { Self::Away(error.to_string()) } else { Self::Internal(error.to_string()) }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}
