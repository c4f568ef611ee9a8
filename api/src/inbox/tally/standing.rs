//! One dialogue as the counters see it, and the same before something happened to it.

use std::collections::HashMap;

use colloquy_entity::*;

use crate::log::{Actor, Entry, Kind};

use super::super::list::{Counter, Group};

/// A user, as far as counting goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Employee {
    pub role: Role,
    pub is_active: bool,
    /// Client messages older than this count as read by them.
    pub since: Time,
}

/// Whose counters they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub id: UserId,
    pub role: Role,
    /// See [`Employee`].
    pub since: Time,
}

impl Owner {
    pub fn new(id: UserId, employee: &Employee) -> Self {
        Self { id, role: employee.role, since: employee.since }
    }

    /// Whether they see every dialogue, and not just those that they take part in.
    pub fn sees_all(&self) -> bool {
        self.role != Role::Observer
    }
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
    /// When the last of them came.
    pub last: Option<Time>,
    /// When the last of those came that nothing is to be undone of.
    pub last_before: Option<Time>,
    /// How many of them were read, by whoever has marked any as read.
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
            Kind::MessageAdded if is_client(entry) => {
                self.written -= 1;
                // True once the first of them is undone, and nobody asks in between.
                self.last = self.last_before;
            }
            Kind::DialogueRead => {
                if let (Some(Actor::User(user)), Some(read)) = (entry.actor, entry.detail.read_before) {
                    self.read.insert(user, read);
                }
            }
            Kind::ParticipantAdded => self.participants.retain(|part| Some(*part) != participant),
            Kind::ParticipantRemoved => self.participants.extend(participant),
            _ => {}
        }
    }

    /// Those who answer for it and work here.
    pub fn active_responsibles(&self, staff: &Staff) -> Vec<UserId> {
        let responsibles = self.participants.iter().filter(|(_, role)| *role == ParticipantRole::Responsible);
        let is_active = |user: &UserId| staff.get(user).is_some_and(|user| user.is_active);
        responsibles.map(|(user, _)| *user).filter(is_active).collect()
    }

    /// Adds it to an owner's account, or takes it out (`sign` is -1), if they can see it. What everybody's counters hold
    /// (see [`Standing::group_of_all`]) is left to those.
    pub fn count(&self, owner: &Owner, responsibles: &[UserId], own: &mut [Counter; 4], sign: i64) {
        let sees_all = owner.sees_all();
        let is_seen = sees_all || self.participants.iter().any(|(user, _)| *user == owner.id);
        if !self.exists || !is_seen {
            return;
        }
        let group = Group::of(owner.id, self.state, responsibles);
        own[group as usize].unread += if self.is_unread_by(owner) { sign } else { 0 };
        own[group as usize].count += if !sees_all || group == Group::Mine { sign } else { 0 };
        if sees_all && group == Group::Mine {
            own[Group::Others as usize].count -= sign;
        }
    }

    /// Where it stands for whoever sees everything and answers for nothing.
    pub fn group_of_all(&self, responsibles: &[UserId]) -> Option<Group> {
        self.exists.then_some(match self.state {
            DialogueState::Closed => Group::Closed,
            DialogueState::Open if responsibles.is_empty() => Group::Unassigned,
            DialogueState::Open => Group::Others,
        })
    }

    /// What came before the owner did counts as read, and so does what their mark says.
    fn is_unread_by(&self, owner: &Owner) -> bool {
        let read = self.read.get(&owner.id).copied().unwrap_or_default();
        self.last.is_some_and(|last| last > owner.since) && self.written > read
    }
}

/// Whether it was the client who did it.
pub(super) fn is_client(entry: &Entry) -> bool {
    matches!(entry.actor, Some(Actor::Client(_)))
}
