//! The same done in many dialogues: each a change of its own, with an outcome of its own.

use colloquy_entity::{DialogueId, ParticipantRole, TagId, UserId, dialogue};

use crate::app::App;
use crate::error::{Error, Result};
use crate::viewer::Viewer;

use super::cards::Given;
use super::{dialogues, participants, tags};

/// Most dialogues at a time.
const MOST: usize = 100;

/// What is done.
#[derive(Clone, Debug)]
pub enum Deed {
    /// Closes them.
    Close,
    /// Tags them by name; a new name makes a new tag.
    Tag(Vec<String>),
    /// Takes tags off.
    Untag(Vec<Option<TagId>>),
    /// Makes an employee a participant.
    Assign(Given<UserId>, ParticipantRole),
}

/// What became of each dialogue.
pub type Outcomes = Vec<Result<dialogue::Model>>;

/// Does it in each of the dialogues, one after the other. An outcome for each, in their order: what fails in one holds
/// up no other.
pub async fn each(app: &App, viewer: &Viewer, ids: &[Given<DialogueId>], deed: &Deed) -> Result<Outcomes> {
    if ids.is_empty() || ids.len() > MOST {
        return Err(Error::bad("dialogueIds", format!("Give 1 to {MOST} dialogues")));
    }
    let mut outcomes = Vec::with_capacity(ids.len());
    for id in ids {
        outcomes.push(match id {
            Some(id) => one(app, viewer, *id, deed).await,
            None => Err(Error::NotFound("dialogue")),
        });
    }
    Ok(outcomes)
}

async fn one(app: &App, viewer: &Viewer, id: DialogueId, deed: &Deed) -> Result<dialogue::Model> {
    match deed {
        Deed::Close => dialogues::close(app, viewer, id, None).await,
        Deed::Tag(names) => tags::add(app, viewer, id, names).await,
        Deed::Untag(tags) => tags::remove(app, viewer, id, tags).await,
        Deed::Assign(user, role) => participants::set(app, viewer, id, *user, *role).await,
    }
}
