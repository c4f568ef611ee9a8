//! Who may see what, folded from the log: one table for a process, no read for an event, none for a subscriber.

use std::collections::{HashMap, HashSet};

use colloquy_entity::{DialogueId, Role, UserId, participant, user};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::{Event, Kind};
use crate::error::Result;

/// A user, as far as seeing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    role: Role,
    is_active: bool,
}

/// Roles, and the dialogues of those who see only their own.
#[derive(Debug, Default)]
pub struct Access {
    users: HashMap<UserId, Standing>,
    /// Of users with the role of an observer.
    dialogues: HashMap<UserId, HashSet<DialogueId>>,
}

impl Access {
    /// As the tables say now.
    pub(super) async fn load(db: &impl ConnectionTrait) -> Result<Self> {
        let mut access = Self::default();
        for user in user::Entity::find().all(db).await? {
            access.users.insert(user.id, Standing { role: user.role, is_active: user.is_active });
            if user.role == Role::Observer {
                access.dialogues.insert(user.id, Self::part_in(db, user.id).await?);
            }
        }
        Ok(access)
    }

    /// Whose participation has to be read for this event: the log alone does not tell where somebody who turns into an
    /// observer took part before.
    pub(super) fn needs_part(event: &Event) -> Option<UserId> {
        match (event.kind, event.detail.role) {
            (Kind::UserChanged, Some(Role::Observer)) => event.detail.user,
            _ => None,
        }
    }

    /// The dialogues in which a user takes part.
    pub(super) async fn part_in(db: &impl ConnectionTrait, user: UserId) -> Result<HashSet<DialogueId>> {
        let dialogues: Vec<DialogueId> = participant::Entity::find()
            .select_only()
            .column(participant::Column::DialogueId)
            .filter(participant::Column::UserId.eq(user))
            .into_tuple()
            .all(db)
            .await?;
        Ok(dialogues.into_iter().collect())
    }

    /// Takes in one event. What it says is absolute, so that taking it in twice does no harm.
    pub(super) fn fold(&mut self, event: &Event, part: Option<HashSet<DialogueId>>) {
        let Some(user) = event.detail.user else { return };
        match event.kind {
            Kind::UserChanged => {
                if let (Some(role), Some(is_active)) = (event.detail.role, event.detail.active) {
                    self.users.insert(user, Standing { role, is_active });
                    match (role, part) {
                        (Role::Observer, Some(part)) => self.dialogues.insert(user, part),
                        (Role::Observer, None) => None,
                        (Role::Admin | Role::Employee, _) => self.dialogues.remove(&user),
                    };
                }
            }
            Kind::ParticipantAdded => {
                if let (Some(dialogues), Some(dialogue)) = (self.dialogues.get_mut(&user), event.dialogue) {
                    dialogues.insert(dialogue);
                }
            }
            Kind::ParticipantRemoved => {
                if let (Some(dialogues), Some(dialogue)) = (self.dialogues.get_mut(&user), event.dialogue) {
                    dialogues.remove(&dialogue);
                }
            }
            _ => {}
        }
    }

    /// The user's role; none for who is unknown or deactivated.
    pub fn role(&self, user: UserId) -> Option<Role> {
        self.users.get(&user).filter(|standing| standing.is_active).map(|standing| standing.role)
    }

    /// Whether the user may see the dialogue.
    pub fn sees(&self, user: UserId, dialogue: DialogueId) -> bool {
        match self.role(user) {
            None => false,
            Some(Role::Admin | Role::Employee) => true,
            Some(Role::Observer) => self.dialogues.get(&user).is_some_and(|part| part.contains(&dialogue)),
        }
    }

    /// Whether the user may hear of the event. The same rule for what is read is `read::visible`.
    pub fn hears(&self, user: UserId, event: &Event) -> bool {
        let Some(role) = self.role(user) else { return false };
        if event.kind.is_hidden() {
            return false;
        }
        if let Some(addressee) = event.addressee {
            return addressee == user;
        }
        role != Role::Observer
            || event.kind == Kind::ChannelChanged
            || event.dialogue.iter().chain(&event.detail.dialogues).any(|dialogue| self.sees(user, *dialogue))
    }
}
