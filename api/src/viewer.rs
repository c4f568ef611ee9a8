//! Who asks: an active employee, by a session or an API token.

use colloquy_entity::{ApiTokenId, Role, SessionId, Time, UserId};

use crate::log::Actor;

/// The signed-in employee, as they were when the request came. Second argument of every function of the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Who.
    pub id: UserId,
    /// What they may do everywhere.
    pub role: Role,
    /// Client messages older than this count as read by them.
    pub since: Time,
    /// By what they are signed in.
    pub credential: Credential,
    /// From then on the credential is refused.
    pub expires_at: Option<Time>,
}

/// What proves who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    /// A sign-in.
    Session(SessionId),
    /// A token for a program.
    ApiToken(ApiTokenId),
}

impl Credential {
    /// Its bare id.
    pub fn uuid(self) -> uuid::Uuid {
        match self {
            Self::Session(id) => id.0,
            Self::ApiToken(id) => id.0,
        }
    }
}

impl Viewer {
    /// As the one who does something.
    pub fn actor(&self) -> Option<Actor> {
        Some(Actor::User(self.id))
    }
}
