//! The made-up company: its employees, channels, tags and funnel.

use colloquy_entity::*;

use crate::app::App;
use crate::error::Result;
use crate::log::Entry;

use super::super::{text, users};
use super::chance::Chance;
use super::plan::{FROM, Size};
use super::{PASSWORD, texts};

const IDS: u64 = 10;
/// Of the employees the last has left.
const EMPLOYEES: usize = 15;
const OBSERVERS: usize = 4;

/// Who and what there is before anybody writes.
pub struct Company {
    /// The administrator first, then employees, the last of whom has left, then observers.
    pub users: Vec<user::Model>,
    /// Of each kind one, and a second of Telegram; all disconnected, so that nothing is sent anywhere.
    pub channels: Vec<channel::Model>,
    /// From common to rare.
    pub tags: Vec<tag::Model>,
    /// Of the website's dialogues.
    pub funnel: funnel::Model,
    pub stages: Vec<stage::Model>,
    pub projects: Vec<project::Model>,
}

impl Company {
    pub async fn new(app: &App, size: Size) -> Result<Self> {
        let mut chance = Chance::of(size.seed, IDS, 0);
        let password_hash = app.secrets.hash_password(PASSWORD).await?;
        let roles = [(1, Role::Admin), (EMPLOYEES, Role::Employee), (OBSERVERS, Role::Observer)];
        let roles = roles.into_iter().flat_map(|(count, role)| (1..=count).map(move |nth| (role, nth)));
        let users = roles.map(|(role, nth)| {
            let name = texts::name(&mut chance);
            let email = format!("{}{nth}@demo.example", role.as_str().to_lowercase());
            user::Model {
                id: UserId(chance.id(FROM)),
                lookup: text::lookup([&name, &email]),
                name,
                email,
                password_hash: password_hash.clone(),
                role,
                is_active: role != Role::Employee || nth != EMPLOYEES,
                created_at: Time(FROM),
            }
        });
        let users: Vec<user::Model> = users.collect();
        let funnel =
            funnel::Model { id: FunnelId(chance.id(FROM)), name: "Продажи".into(), created_at: Time(FROM) };
        let stages = [
            ("Новая", StageKind::Open),
            ("Переговоры", StageKind::Open),
            ("Выиграна", StageKind::Won),
            ("Проиграна", StageKind::Lost),
        ];
        let stages = (0..).zip(stages).map(|(ordinal, (name, kind))| stage::Model {
            id: StageId(chance.id(FROM)),
            funnel_id: funnel.id,
            ordinal,
            name: name.into(),
            kind,
        });
        let stages = stages.collect();
        let credentials = app.secrets.seal(b"{\"token\":\"\",\"webhook_secret\":\"\"}")?;
        let kinds = [
            (ChannelKind::Telegram, "Магазин"),
            (ChannelKind::Vk, "Группа магазина"),
            (ChannelKind::Website, "Сайт"),
            (ChannelKind::Telegram, "Поддержка"),
            (ChannelKind::Viber, "Viber"),
        ];
        let channels = kinds.into_iter().enumerate().map(|(nth, (kind, name))| channel::Model {
            id: ChannelId(chance.id(FROM)),
            kind,
            external_id: format!("demo-{}-{nth}", size.seed),
            name: name.into(),
            handle: None,
            state: ChannelState::Disconnected,
            state_reason: None,
            webhook_url: None,
            credentials: credentials.clone(),
            poll_cursor: None,
            funnel_id: (kind == ChannelKind::Website).then_some(funnel.id),
            welcome_text: None,
            auto_reply_enabled: false,
            auto_reply_text: None,
            last_given_to: None,
            created_at: Time(FROM),
        });
        let channels = channels.collect();
        let tags = texts::TAGS.iter().enumerate().map(|(nth, name)| tag::Model {
            id: TagId(chance.id(FROM)),
            name: (*name).to_owned(),
            name_key: text::fold(name),
            color: format!("#{:06x}", (nth * 404_321 + 0x30_40_50) % 0xff_ff_ff),
        });
        let tags = tags.collect();
        let projects = (0..20).map(|_| {
            let name = texts::matter(&mut chance);
            project::Model {
                id: ProjectId(chance.id(FROM)),
                lookup: text::lookup([&name]),
                name,
                description: None,
                external_url: None,
                external_id: None,
                created_at: Time(FROM),
            }
        });
        let projects = projects.collect();
        Ok(Self { users, channels, tags, funnel, stages, projects })
    }

    /// Who answers clients.
    pub fn employees(&self) -> &[user::Model] {
        &self.users[1..=EMPLOYEES]
    }

    /// Who sees what they are let into.
    pub fn observers(&self) -> &[user::Model] {
        &self.users[1 + EMPLOYEES..]
    }

    /// The managers of each channel in turn.
    pub fn queues(&self) -> Vec<queue_member::Model> {
        let managers = (0..).zip(self.employees().iter().filter(|user| user.is_active).take(5));
        let managers: Vec<_> = managers.collect();
        let of = |channel: &channel::Model| {
            let channel_id = channel.id;
            let member = move |(ordinal, user): &(i32, &user::Model)| queue_member::Model {
                channel_id,
                ordinal: *ordinal,
                user_id: user.id,
            };
            managers.iter().map(member).collect::<Vec<_>>()
        };
        self.channels.iter().flat_map(of).collect()
    }

    /// What the log tells of all this.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        self.users.iter().map(|user| users::standing(None, user))
    }
}
