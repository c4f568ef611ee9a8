//! Typed ids: a UUIDv7 inside, a prefix that names the kind outside (`dlg_0192…`).

use std::fmt;

use sea_orm::{DbErr, DeriveValueType, TryFromU64};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Reading an id: it was of another kind, or none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnId;

/// What all ids have in common.
pub trait Id: Copy + Eq + std::hash::Hash + Send + Sync + 'static {
    /// What the outside sees in front of the underscore.
    const PREFIX: &'static str;

    /// The id around a bare UUID.
    fn from_uuid(uuid: Uuid) -> Self;

    /// The bare UUID, as stored.
    fn uuid(self) -> Uuid;

    /// Reads `dlg_0192…`: the prefix of this kind and 32 lower-case hexadecimal digits, nothing else.
    fn parse(text: &str) -> Result<Self, NotAnId> {
        let digits = text.strip_prefix(Self::PREFIX).and_then(|rest| rest.strip_prefix('_')).ok_or(NotAnId)?;
        let plain = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !plain {
            return Err(NotAnId);
        }
        Uuid::try_parse(digits).map(Self::from_uuid).map_err(|_| NotAnId)
    }
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new one; later ones sort after earlier ones of the same process.
            #[expect(clippy::new_without_default, reason = "a new id is never a default")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, DbErr> {
                Err(DbErr::ConvertFromU64(stringify!($name)))
            }
        }

        impl Id for $name {
            const PREFIX: &'static str = $prefix;

            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, self.0.simple())
            }
        }
    )*};
}

ids! {
    /// An employee.
    UserId = "usr";
    /// A sign-in.
    SessionId = "ses";
    /// A token for programs.
    ApiTokenId = "tok";
    /// A connected bot, community or website chat.
    ChannelId = "chn";
    /// A person as one messenger knows them.
    ClientId = "cli";
    /// The conversation of a client in a channel.
    DialogueId = "dlg";
    /// A message in a dialogue.
    MessageId = "msg";
    /// A change of a message that its messenger is to be told.
    MessageChangeId = "mch";
    /// A file, location or contact of a message.
    AttachmentId = "fil";
    /// A label on dialogues.
    TagId = "tag";
    /// A note of an employee to a dialogue, for employees.
    CommentId = "cmt";
    /// A customer card.
    ContractorId = "ctr";
    /// An ordered list of stages.
    FunnelId = "fun";
    /// A step of a funnel.
    StageId = "stg";
    /// A sale in work.
    DealId = "dea";
    /// A project.
    ProjectId = "prj";
    /// A task.
    TaskId = "tsk";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_printed_and_nothing_else() {
        let id = DialogueId::new();
        assert_eq!(DialogueId::parse(&id.to_string()), Ok(id));
        let digits = id.0.simple().to_string();
        for bad in [
            digits.clone(),
            format!("msg_{digits}"),
            format!("dlg_{}", digits.to_uppercase()),
            format!("dlg_{}", id.0),
            format!("dlg_{digits}0"),
            "dlg_".into(),
            String::new(),
        ] {
            let readable = bad.chars().any(|c| c.is_ascii_uppercase()) || bad != format!("dlg_{digits}");
            assert!(readable && DialogueId::parse(&bad) == Err(NotAnId), "{bad} was read");
        }
    }
}
