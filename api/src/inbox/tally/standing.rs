//! One dialogue as the counters see it, and the same before something happened to it.

use std::collections::HashMap;

use colloquy_entity::*;

use crate::log::{Actor, Entry, Kind};
use crate::viewer::Viewer;

use super::super::list::{Counter, Group};

/// A user, as far as counting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Employee {
    pub role: Role,
    pub is_active: bool,
}

/// All users.
pub(super) type Staff = HashMap<UserId, Employee>;

/// What the counters ask of a dialogue.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    /// It has begun.
    pub exists: bool,
    pub state: DialogueState,
    pub participants: Vec<(UserId, ParticipantRole)>,
    /// How many messages the client has written.
    pub written: i64,
    /// How many of them each of those who follow the counters has read.
    pub read: HashMap<UserId, i64>,
}

impl Standing {
    /// As it was before this happened.
    pub fn undo(&mut self, entry: &Entry) {
        let participant = entry.detail.user.zip(entry.detail.participant);
        match entry.kind {
            Kind::DialogueOpened => self.exists = false,
            Kind::DialogueReopened => self.state = DialogueState::Closed,
            Kind::DialogueClosed => self.state = DialogueState::Open,
            Kind::MessageAdded if matches!(entry.actor, Some(Actor::Client(_))) => self.written -= 1,
            Kind::DialogueRead => {
                if let (Some(Actor::User(user)), Some(read)) = (entry.actor, entry.detail.read_before)
                    && let Some(count) = self.read.get_mut(&user)
                {
                    *count = read;
                }
            }
            Kind::ParticipantAdded => self.participants.retain(|part| Some(*part) != participant),
            Kind::ParticipantRemoved => self.participants.extend(participant),
            _ => {}
        }
    }

    /// Adds it to a viewer's numbers, or takes it out of them (`sign` is -1), if they can see it.
    pub fn count(&self, viewer: &Viewer, staff: &Staff, numbers: &mut [Counter; 4], sign: i64) {
        let is_seen = viewer.role != Role::Observer || self.participants.iter().any(|(user, _)| *user == viewer.id);
        if !self.exists || !is_seen {
            return;
        }
        let is_active = |user: &UserId| staff.get(user).is_some_and(|user| user.is_active);
        let responsibles = self.participants.iter().filter(|(_, role)| *role == ParticipantRole::Responsible);
        let responsibles: Vec<UserId> = responsibles.map(|(user, _)| *user).filter(is_active).collect();
        let group = Group::of(viewer, self.state, &responsibles);
        let read = self.read.get(&viewer.id).copied().unwrap_or_default();
        for (of, counter) in Group::ALL.iter().zip(numbers) {
            if *of == group {
                counter.count += sign;
                counter.unread += if self.written > read { sign } else { 0 };
            }
        }
    }
}
