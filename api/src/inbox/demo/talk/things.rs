//! Whom a made-up dialogue is with, and what belongs to it: cards, links, pictures.

use colloquy_entity::*;
use uuid::Uuid;

use crate::log::{Actor, Entry, Kind};

use super::super::super::text;
use super::super::chance::Chance;
use super::super::plan::Size;
use super::super::texts;
use super::{DAY, Moment, Talk};

const NAMES: u64 = 21;

impl Talk<'_> {
    pub(super) fn card(&self, kind: Kind, by: Option<Actor>, card: Uuid) -> Entry {
        Entry::of(kind, by, &self.dialogue).about(card).with(|detail| detail.card = Some(card))
    }

    /// Of a channel with a funnel.
    pub(super) fn deal(&mut self, moment: &mut Moment) {
        let title = format!("{} — {}", self.client.name, self.channel().name);
        let deal = deal::Model {
            id: DealId(self.chance.id(self.at)),
            lookup: text::lookup([&title]),
            title,
            funnel_id: self.company.funnel.id,
            stage_id: self.company.stages[self.chance.skewed(self.company.stages.len())].id,
            amount: Some(format!("{}.00", 100 * (1 + self.chance.below(900)))),
            currency: Some("RUB".into()),
            contractor_id: self.client.contractor_id,
            responsible_id: self.responsible,
            created_at: Time(self.at),
        };
        let link = dialogue_deal::Model { dialogue_id: self.dialogue.id, deal_id: deal.id, linked_at: Time(self.at) };
        let created = self.card(Kind::DealCreated, None, deal.id.0);
        moment.entries.push(self.client.contractor_id.map(|id| id.0).into_iter().fold(created, Entry::about));
        self.rest.deals.push((deal, link));
    }

    pub(super) fn task(&mut self, moment: &mut Moment) {
        let title = texts::matter(&mut self.chance);
        let task = task::Model {
            id: TaskId(self.chance.id(self.at)),
            lookup: text::lookup([&title]),
            title,
            description: None,
            state: if self.stays_open { TaskState::Open } else { TaskState::Done },
            project_id: None,
            responsible_id: self.responsible,
            due_at: Some(Time(self.at + DAY)),
            external_url: None,
            external_id: None,
            created_at: Time(self.at),
        };
        let link = dialogue_task::Model { dialogue_id: self.dialogue.id, task_id: task.id, linked_at: Time(self.at) };
        moment.entries.push(self.card(Kind::TaskCreated, Some(Actor::User(self.answerer())), task.id.0));
        self.rest.tasks.push((task, link));
    }
}

/// Who writes, and their card: every twentieth is known already, from another messenger.
pub(super) fn person(
    size: Size,
    number: u64,
    kind: ChannelKind,
    at: i64,
) -> (client::Model, Option<contractor::Model>) {
    let is_known = number % 20 == 19;
    let mut chance = Chance::of(size.seed, NAMES, if is_known { number - 1 } else { number });
    let name = texts::name(&mut chance);
    let card = contractor::Model {
        id: ContractorId(chance.id(size.begins(if is_known { number - 1 } else { number }))),
        kind: ContractorKind::Person,
        lookup: text::lookup([name.as_str(), "", ""]),
        name: name.clone(),
        phone: None,
        email: None,
        note: None,
        merged_into_id: None,
        created_at: Time(at),
    };
    let mut chance = Chance::of(size.seed, NAMES, u64::MAX - number);
    let username = chance.percent(60).then(|| format!("user{}_{number}", chance.below(1_000)));
    let client = client::Model {
        id: ClientId(chance.id(at)),
        kind,
        external_id: format!("demo-{}-{number}", size.seed),
        lookup: text::lookup([name.as_str(), username.as_deref().unwrap_or_default()]),
        name,
        username,
        avatar_url: None,
        profile_url: None,
        phone: None,
        contractor_id: Some(card.id),
        is_blocked: false,
        profile_at: None,
        first_seen_at: Time(at),
    };
    (client, (!is_known).then_some(card))
}

/// A picture that was never fetched.
pub(super) fn picture(chance: &mut Chance, message: MessageId, at: i64) -> attachment::Model {
    attachment::Model {
        id: AttachmentId(chance.id(at)),
        message_id: Some(message),
        uploader_id: None,
        visitor: None,
        ordinal: 0,
        kind: AttachmentKind::File,
        file_kind: Some(FileKind::Image),
        name: format!("photo-{}.jpg", chance.below(100_000)),
        content_type: Some("image/jpeg".into()),
        size: None,
        state: Some(FileState::Failed),
        reference: None,
        stored_as: None,
        preview_as: None,
        width: None,
        height: None,
        duration: None,
        latitude: None,
        longitude: None,
        phone: None,
        attempts: 1,
        next_attempt_at: None,
        created_at: Time(at),
    }
}
