//! Which events are wanted: the same question put to an event in memory and to the database.

use colloquy_entity::{ChannelId, DialogueId, UserId, event, event_subject};
use sea_orm::ColumnTrait;
use sea_orm::sea_query::{Condition, Query};
use uuid::Uuid;

use super::{Event, Kind};

/// All conditions have to hold; none lets everything pass that the viewer may see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Only these kinds. ACCESS_* pass only where they are named.
    pub kinds: Option<Vec<Kind>>,
    /// Only comments that mention this user.
    pub mentioning: Option<UserId>,
    /// Only of these dialogues; and ACCESS_* that are of no dialogue.
    pub dialogues: Option<Vec<DialogueId>>,
    /// Only of these channels; and ACCESS_* that are of no dialogue.
    pub channels: Option<Vec<ChannelId>>,
    /// Only about one of these, for each list; and ACCESS_* that are of no dialogue.
    pub subjects: Vec<Vec<Uuid>>,
}

impl Filter {
    /// Only what is about one thing: a dialogue's timeline, a card's activity.
    pub fn about(subject: Uuid) -> Self {
        Self { subjects: vec![vec![subject]], ..Self::default() }
    }

    /// Whether the event is wanted.
    pub fn passes(&self, event: &Event) -> bool {
        if self.kinds.as_ref().is_some_and(|kinds| !kinds.contains(&event.kind)) {
            return false;
        }
        if let Some(user) = self.mentioning
            && !(event.kind.is_comment() && event.detail.mentions.contains(&user))
        {
            return false;
        }
        if event.kind.is_access() && event.dialogue.is_none() {
            return true;
        }
        let about = |subject: &Uuid| event.detail.subjects.contains(subject);
        self.dialogues.as_ref().is_none_or(|dialogues| dialogues.iter().any(|id| about(&id.0)))
            && self.channels.as_ref().is_none_or(|channels| event.channel.is_some_and(|id| channels.contains(&id)))
            && self.subjects.iter().all(|subjects| subjects.iter().any(about))
    }

    /// The same for the database.
    pub(super) fn condition(&self) -> Condition {
        let mut all = Condition::all();
        if let Some(kinds) = &self.kinds {
            all = all.add(event::Column::Kind.is_in(kinds.iter().map(|kind| kind.as_str())));
        }
        if let Some(user) = self.mentioning {
            let comments = Kind::ALL.iter().filter(|kind| kind.is_comment()).map(|kind| kind.as_str());
            all = all.add(event::Column::Kind.is_in(comments)).add(is_about([user.0]));
        }
        let mut places = Condition::all();
        if let Some(dialogues) = &self.dialogues {
            places = places.add(is_about(dialogues.iter().map(|id| id.0)));
        }
        if let Some(channels) = &self.channels {
            places = places.add(event::Column::ChannelId.is_in(channels.iter().copied()));
        }
        for subjects in &self.subjects {
            places = places.add(is_about(subjects.iter().copied()));
        }
        if places.is_empty() {
            return all;
        }
        let of_no_dialogue = Condition::all()
            .add(event::Column::Kind.is_in([Kind::AccessGranted.as_str(), Kind::AccessRevoked.as_str()]))
            .add(event::Column::DialogueId.is_null());
        all.add(Condition::any().add(places).add(of_no_dialogue))
    }
}

fn is_about(subjects: impl IntoIterator<Item = Uuid>) -> sea_orm::sea_query::SimpleExpr {
    event::Column::Position.in_subquery(
        Query::select()
            .column(event_subject::Column::Position)
            .from(event_subject::Entity)
            .and_where(event_subject::Column::SubjectId.is_in(subjects))
            .take(),
    )
}
