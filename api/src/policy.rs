//! Who may: the whole rights table of rules.md, and the one predicate that decides who sees a dialogue.

use colloquy_entity::{ParticipantRole, Role, dialogue, participant};
use sea_orm::ColumnTrait;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Query};

use crate::error::{Error, Result};
use crate::viewer::Viewer;

/// What can be done in a dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// See it, its messages, events, comments, files and cards' links to it; mark it read.
    See,
    /// Reply, retry, show that one is typing.
    Reply,
    /// Close, reopen, claim.
    Close,
    /// Add, change and remove participants.
    ManageParticipants,
    /// Tags, links, creating cards from it.
    Arrange,
    /// Comment.
    Comment,
}

/// What can be done elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Block a client, change tags' names, merge contractors.
    Curate,
    /// Create and change cards; an observer may only change those linked to a dialogue in which they are responsible.
    ManageCards,
    /// See all clients and cards.
    SeeAllCards,
    /// Channels, users, funnels, others' API tokens.
    Administer,
}

/// The row of the table for one dialogue; `part` is what the viewer is in it.
pub fn may(role: Role, part: Option<ParticipantRole>, act: Act) -> bool {
    match (role, part) {
        (Role::Admin | Role::Employee, _) | (Role::Observer, Some(ParticipantRole::Responsible)) => true,
        (Role::Observer, Some(ParticipantRole::Observer)) => matches!(act, Act::See | Act::Comment),
        (Role::Observer, None) => false,
    }
}

/// The rows of the table that are of no dialogue.
pub fn has(role: Role, power: Power) -> bool {
    match power {
        Power::Curate | Power::ManageCards | Power::SeeAllCards => matches!(role, Role::Admin | Role::Employee),
        Power::Administer => role == Role::Admin,
    }
}

/// FORBIDDEN without the power.
pub fn require(viewer: &Viewer, power: Power) -> Result<()> {
    if has(viewer.role, power) {
        return Ok(());
    }
    Err(Error::Forbidden(match power {
        Power::Administer => "Only an administrator may do this",
        Power::Curate | Power::ManageCards | Power::SeeAllCards => "An observer may not do this",
    }))
}

/// The predicate, for any query over dialogues: every way in goes through it. The same rule for what is delivered live
/// is `log::Access::sees`.
pub fn visible(viewer: &Viewer) -> Condition {
    visible_by(viewer, Expr::col((dialogue::Entity, dialogue::Column::Id)))
}

/// The same for rows that name their dialogue in this column, and are few by themselves: each is asked for its own. SQLite
/// would go through all that the viewer may see instead, and look there for what is named by its id.
pub fn visible_each(viewer: &Viewer, id: Expr) -> Condition {
    match viewer.role {
        Role::Admin | Role::Employee => Condition::all(),
        Role::Observer => {
            let part = Query::select()
                .column(participant::Column::DialogueId)
                .from(participant::Entity)
                .and_where(Expr::col(participant::Column::DialogueId.as_column_ref()).eq(id))
                .and_where(participant::Column::UserId.eq(viewer.id))
                .limit(1)
                .offset(0)
                .take();
            Condition::all().add(Expr::exists(part))
        }
    }
}

/// The same for rows that name their dialogue in this column.
pub fn visible_by(viewer: &Viewer, id: Expr) -> Condition {
    match viewer.role {
        Role::Admin | Role::Employee => Condition::all(),
        Role::Observer => Condition::all().add(
            id.in_subquery(
                Query::select()
                    .column(participant::Column::DialogueId)
                    .from(participant::Entity)
                    .and_where(participant::Column::UserId.eq(viewer.id))
                    .take(),
            ),
        ),
    }
}
