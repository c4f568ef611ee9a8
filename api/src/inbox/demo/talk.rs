//! One made-up dialogue, moment by moment: who writes, who answers, what the log tells of it.
//!
//! It is gone through twice: once for what it comes to, which is stored first, and once among all others, in the order of
//! time, for what was said. Both times the same happens: each of its choices is its own chance's.

mod things;

use colloquy_entity::*;

use crate::log::{Actor, Entry, Kind};

use super::super::messages;
use super::chance::Chance;
use super::plan::{Size, UNTIL};
use super::staff::Company;
use super::texts;

const COURSE: u64 = 20;
const TEXTS: u64 = 22;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// After so long a silence a dialogue is closed.
const SILENCE: i64 = 2 * DAY;

/// What one moment brings: one transaction of the program's.
#[derive(Default)]
pub struct Moment {
    pub at: i64,
    pub entries: Vec<Entry>,
    pub message: Option<message::Model>,
    pub attachment: Option<attachment::Model>,
    pub comment: Option<comment::Model>,
}

/// What a dialogue comes to.
#[derive(Default)]
pub struct Rest {
    pub participants: Vec<participant::Model>,
    pub read_marks: Vec<read_mark::Model>,
    pub tags: Vec<dialogue_tag::Model>,
    pub deals: Vec<(deal::Model, dialogue_deal::Model)>,
    pub projects: Vec<dialogue_project::Model>,
    pub tasks: Vec<(task::Model, dialogue_task::Model)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Open,
    Arrange,
    Say,
    Deliver(MessageId),
    Close,
    End,
}

/// A dialogue on its way.
pub struct Talk<'a> {
    company: &'a Company,
    size: Size,
    number: u64,
    length: u64,
    chance: Chance,
    next: Next,
    /// When that is.
    pub at: i64,
    pub dialogue: dialogue::Model,
    pub client: client::Model,
    /// Of the client alone; some are known by their first messenger's already.
    pub contractor: Option<contractor::Model>,
    /// Who answers.
    responsible: Option<UserId>,
    stays_open: bool,
    by_client: bool,
    /// Client messages that the responsible has read.
    read: i64,
    pub rest: Rest,
}

impl<'a> Talk<'a> {
    pub fn new(company: &'a Company, size: Size, number: u64, length: u64) -> Self {
        let mut chance = Chance::of(size.seed, COURSE, number);
        let at = size.begins(number);
        // The second of Telegram's channels has as many as the first, Viber's few.
        let channel = &company.channels[match chance.below(100) {
            0..40 => 0,
            40..65 => 1,
            65..75 => 2,
            75..97 => 3,
            _ => 4,
        }];
        let (client, contractor) = things::person(size, number, channel.kind, at);
        // The newest are in work.
        let is_new = number >= size.dialogues - size.dialogues / 20;
        let stays_open = chance.percent(if is_new { 90 } else { 1 });
        let employees = company.employees();
        let responsible = chance.percent(88).then(|| employees[chance.skewed(employees.len())].id);
        let dialogue = dialogue::Model {
            id: DialogueId(chance.id(at)),
            channel_id: channel.id,
            client_id: client.id,
            state: DialogueState::Open,
            is_reachable: !chance.percent(2),
            created_at: Time(at),
            opened_at: Time(at),
            closed_at: None,
            last_activity_at: Time(at),
            last_message_id: None,
            message_count: 0,
            client_message_count: 0,
            read_number: None,
            last_client_message_at: None,
            closed_order: Time(0),
            is_assigned: false,
        };
        let (next, by_client, read, rest) = (Next::Open, true, 0, Rest::default());
        Self {
            company,
            size,
            number,
            length,
            chance,
            next,
            at,
            dialogue,
            client,
            contractor,
            responsible,
            stays_open,
            by_client,
            read,
            rest,
        }
    }

    /// What happens now, and sets when the next is; nothing once it has ended.
    pub fn go_on(&mut self) -> Option<Moment> {
        let mut moment = Moment { at: self.at, ..Moment::default() };
        match self.next {
            Next::Open => self.open(&mut moment),
            Next::Arrange => self.arrange(&mut moment),
            Next::Say => self.say(&mut moment),
            Next::Deliver(message) => {
                let told = messages::tell(Kind::MessageDeliveryChanged, None, &self.dialogue, message);
                let delivery = self.delivery();
                moment.entries.push(told.with(|detail| detail.delivery = Some(delivery)));
                self.go_to_next_message();
            }
            Next::Close => self.close(&mut moment),
            Next::End => return None,
        }
        Some(moment)
    }

    /// To its end; what it comes to is in `rest`, and the dialogue as it is then.
    pub fn finish(&mut self) {
        while self.go_on().is_some() {}
        let is_open = self.dialogue.state == DialogueState::Open;
        for part in &mut self.rest.participants {
            part.is_open = is_open;
        }
        let active =
            |part: &participant::Model| self.company.users.iter().any(|user| user.id == part.user_id && user.is_active);
        let mut responsibles =
            self.rest.participants.iter().filter(|part| part.role == ParticipantRole::Responsible && active(part));
        self.dialogue.is_assigned = is_open && responsibles.next().is_some();
        if let Some(user_id) = self.responsible.filter(|_| self.read > 0) {
            self.rest.read_marks.push(read_mark::Model {
                dialogue_id: self.dialogue.id,
                user_id,
                read_count: self.read,
            });
        }
    }

    fn open(&mut self, moment: &mut Moment) {
        let by_client = Some(Actor::Client(self.client.id));
        moment.entries.push(Entry::of(Kind::DialogueOpened, by_client, &self.dialogue).about(self.client.id.0));
        if let Some(card) = self.client.contractor_id {
            let linked = Entry::of(Kind::ContractorLinked, None, &self.dialogue).about(card.0).about(self.client.id.0);
            let client = self.client.id;
            moment.entries.push(linked.with(|detail| {
                detail.card = Some(card.0);
                detail.client = Some(client);
            }));
        }
        if self.channel().funnel_id.is_some() {
            self.deal(moment);
        }
        if let Some(user) = self.responsible {
            self.let_in(user, ParticipantRole::Responsible, moment);
        }
        self.write(moment, true);
        (self.next, self.at) = (Next::Arrange, self.at + MINUTE);
    }

    /// Tags, notes, those who look on: what colleagues do with a new dialogue.
    fn arrange(&mut self, moment: &mut Moment) {
        let by = Some(Actor::User(self.answerer()));
        let (dialogue_id, at) = (self.dialogue.id, Time(self.at));
        let tags = [35, 20, 10].into_iter().take_while(|percent| self.chance.percent(*percent)).count();
        for _ in 0..tags {
            let tag = &self.company.tags[self.chance.skewed(self.company.tags.len())];
            if self.rest.tags.iter().any(|there| there.tag_id == tag.id) {
                continue;
            }
            let added_at = Time(self.at + self.rest.tags.len() as i64);
            self.rest.tags.push(dialogue_tag::Model { dialogue_id, tag_id: tag.id, added_at });
            let told = Entry::of(Kind::TagAdded, by, &self.dialogue);
            moment.entries.push(told.with(|detail| detail.tag = Some(tag.id)));
        }
        if self.chance.percent(3) {
            let observer = self.chance.one(self.company.observers()).id;
            self.let_in(observer, ParticipantRole::Observer, moment);
        }
        if self.chance.percent(4) {
            let comment = comment::Model {
                id: CommentId(self.chance.id(self.at)),
                dialogue_id,
                author_id: self.answerer(),
                text: texts::note(&mut self.chance),
                created_at: at,
                edited_at: None,
            };
            let told = Entry::of(Kind::CommentAdded, by, &self.dialogue);
            moment.entries.push(told.with(|detail| detail.comment = Some(comment.id)));
            moment.comment = Some(comment);
        }
        if self.chance.percent(2) {
            let project = self.chance.one(&self.company.projects).id;
            self.rest.projects.push(dialogue_project::Model { dialogue_id, project_id: project, linked_at: at });
            moment.entries.push(self.card(Kind::ProjectLinked, by, project.0));
        }
        if self.chance.percent(1) {
            self.task(moment);
        }
        self.go_to_next_message();
    }

    fn say(&mut self, moment: &mut Moment) {
        let by_client = self.by_client;
        if self.dialogue.state == DialogueState::Closed {
            self.dialogue.state = DialogueState::Open;
            (self.dialogue.closed_at, self.dialogue.closed_order) = (None, Time(0));
            (self.dialogue.opened_at, self.dialogue.last_activity_at) = (Time(self.at), Time(self.at));
            let by = if by_client { Actor::Client(self.client.id) } else { Actor::User(self.answerer()) };
            moment.entries.push(Entry::of(Kind::DialogueReopened, Some(by), &self.dialogue));
        }
        if !by_client && self.read < self.dialogue.client_message_count {
            let told = Entry::of(Kind::DialogueRead, Some(Actor::User(self.answerer())), &self.dialogue);
            let read = self.read;
            moment.entries.push(told.with(|detail| detail.read_before = Some(read)));
            self.read = self.dialogue.client_message_count;
        }
        let message = self.write(moment, by_client);
        if by_client {
            self.go_to_next_message();
        } else {
            (self.next, self.at) = (Next::Deliver(message), self.at + 2 * SECOND);
        }
    }

    fn close(&mut self, moment: &mut Moment) {
        self.dialogue.state = DialogueState::Closed;
        self.dialogue.closed_at = Some(Time(self.at));
        self.dialogue.closed_order = Time(self.at);
        self.dialogue.last_activity_at = Time(self.at);
        moment.entries.push(Entry::of(Kind::DialogueClosed, Some(Actor::User(self.answerer())), &self.dialogue));
        if self.is_said() {
            self.next = Next::End;
        } else {
            (self.next, self.at) = (Next::Say, self.at + DAY.min(self.longest()));
        }
    }

    fn is_said(&self) -> bool {
        self.dialogue.message_count.unsigned_abs() >= self.length
    }

    /// How long the pauses can be, so that it ends before time does.
    fn longest(&self) -> i64 {
        let left = i64::try_from(self.length).unwrap_or(i64::MAX) - self.dialogue.message_count + 2;
        // Each message has its delivery, and a pause may have a closing.
        ((UNTIL - self.at) / (3 * left.max(1))).max(1)
    }

    fn go_to_next_message(&mut self) {
        let longest = self.longest();
        if self.is_said() {
            let is_over = !self.stays_open && self.dialogue.state == DialogueState::Open;
            (self.next, self.at) = (if is_over { Next::Close } else { Next::End }, self.at + HOUR.min(longest));
            return;
        }
        let pause = match self.chance.below(100) {
            0..50 => 5 * SECOND + self.chance.within(3 * MINUTE),
            50..80 => self.chance.within(2 * HOUR),
            80..95 => self.chance.within(DAY),
            _ => self.chance.within(20 * DAY),
        };
        let answers = self.responsible.is_some() && self.chance.percent(if self.by_client { 60 } else { 20 });
        self.by_client = !answers;
        self.next = if pause > SILENCE && pause < longest { Next::Close } else { Next::Say };
        self.at += if self.next == Next::Close { HOUR.min(longest) } else { pause.min(longest) };
    }

    /// A message of either side, with its event.
    fn write(&mut self, moment: &mut Moment, by_client: bool) -> MessageId {
        let ordinal = self.dialogue.message_count + 1;
        let mut chance = Chance::of(self.size.seed, TEXTS, self.number << 24 | ordinal.unsigned_abs());
        let id = MessageId(chance.id(self.at));
        self.dialogue.message_count = ordinal;
        self.dialogue.last_message_id = Some(id);
        self.dialogue.last_activity_at = Time(self.at);
        if by_client {
            self.dialogue.client_message_count += 1;
            self.dialogue.last_client_message_at = Some(Time(self.at));
        }
        let actor = if by_client { Actor::Client(self.client.id) } else { Actor::User(self.answerer()) };
        moment.entries.push(messages::tell(Kind::MessageAdded, Some(actor), &self.dialogue, id));
        moment.attachment = (by_client && chance.percent(3)).then(|| things::picture(&mut chance, id, self.at));
        moment.message = Some(message::Model {
            id,
            dialogue_id: self.dialogue.id,
            channel_id: self.dialogue.channel_id,
            ordinal,
            client_ordinal: self.dialogue.client_message_count,
            external_id: Some(format!("{}:{ordinal}", self.number)),
            more_external_ids: None,
            origin: if by_client { MessageOrigin::Client } else { MessageOrigin::Operator },
            author_id: (!by_client).then(|| self.answerer()),
            text: if by_client { texts::asked(&mut chance) } else { texts::answered(&mut chance) },
            reply_to_id: None,
            created_at: Time(self.at),
            sent_at: Time(self.at),
            album_id: None,
            forwarded_from: None,
            edited_at: None,
            edit_key: None,
            deleted_at: None,
            delivery_status: (!by_client).then(|| self.delivery()),
            delivery_at: (!by_client).then(|| Time(self.at + 2 * SECOND)),
            failure: (!by_client && self.delivery() == DeliveryStatus::Failed)
                .then(|| "The client has blocked the bot".to_owned()),
            attempts: i32::from(!by_client),
            next_attempt_at: None,
            idempotency_key: None,
        });
        id
    }

    /// What becomes of each of its messages to the client.
    fn delivery(&self) -> DeliveryStatus {
        match (self.dialogue.is_reachable, self.channel().kind) {
            (false, _) => DeliveryStatus::Failed,
            (true, ChannelKind::Telegram) => DeliveryStatus::Sent,
            (true, _) => DeliveryStatus::Read,
        }
    }

    fn channel(&self) -> &'a channel::Model {
        let mut channels = self.company.channels.iter();
        channels.find(|channel| channel.id == self.dialogue.channel_id).unwrap_or(&self.company.channels[0])
    }

    /// Whoever answers for it, or the administrator.
    fn answerer(&self) -> UserId {
        self.responsible.unwrap_or(self.company.users[0].id)
    }

    fn let_in(&mut self, user: UserId, role: ParticipantRole, moment: &mut Moment) {
        let (dialogue_id, since) = (self.dialogue.id, Time(self.at));
        self.rest.participants.push(participant::Model { dialogue_id, user_id: user, role, since, is_open: true });
        moment.entries.push(Entry::of(Kind::ParticipantAdded, None, &self.dialogue).with(|detail| {
            detail.user = Some(user);
            detail.participant = Some(role);
        }));
        if self.company.observers().iter().any(|observer| observer.id == user) {
            moment.entries.push(Entry::of(Kind::AccessGranted, None, &self.dialogue).for_user(user));
        }
    }
}
