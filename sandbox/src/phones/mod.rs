//! The phones: clients whom a person plays on the sandbox's page, one chat with one bot each.
//!
//! What clients write is kept here and carried to colloquy as their messenger would (`clients`); what the company wrote is
//! read from what the pretend messengers remember (`company`), so that nothing is kept twice.

mod clients;
mod company;
mod doors;
mod updates;
mod view;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::body::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

pub use doors::router;

use crate::telegram::FakeTelegram;
use crate::viber::FakeViber;
use crate::vk::FakeVk;
use crate::wire::{Fault, Watched};

/// Which messenger is pretended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Telegram,
    Vk,
    Viber,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Telegram, Self::Vk, Self::Viber];

    fn as_str(self) -> &'static str {
        match self {
            Self::Telegram => "TELEGRAM",
            Self::Vk => "VK",
            Self::Viber => "VIBER",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// A bot or community that colloquy can connect.
#[derive(Clone, Debug)]
pub struct Bot {
    pub id: String,
    pub kind: Kind,
    pub name: String,
    /// What `connectChannel` takes.
    pub token: String,
    /// Of a community.
    group: i64,
    slow_seconds: u64,
    fail: &'static str,
}

impl Bot {
    /// As `ChannelCredentials` of the API has them: the messenger's field, and what stands in it.
    pub fn credentials(&self) -> (&'static str, Value) {
        match self.kind {
            Kind::Telegram => ("telegram", json!({ "botToken": self.token })),
            Kind::Vk => ("vk", json!({ "groupId": self.group.to_string(), "accessToken": self.token })),
            Kind::Viber => ("viber", json!({ "authToken": self.token })),
        }
    }
}

/// A file that a client sent, or that the company did.
#[derive(Clone)]
struct Piece {
    name: String,
    content_type: String,
    bytes: Bytes,
    kind: &'static str,
}

/// What a client wrote.
#[derive(Clone)]
struct Written {
    /// The messenger's own number or token of it.
    key: String,
    text: String,
    at: Instant,
    edited_at: Option<Instant>,
    reply_to: Option<String>,
    pieces: Vec<Piece>,
    location: Option<(f64, f64)>,
    contact: Option<(String, String)>,
    /// The update as the messenger told it, for those who change what they wrote.
    event: Value,
    update: Update,
}

/// What became of an update.
#[derive(Clone, Copy)]
struct Update {
    state: &'static str,
    status: Option<u16>,
    tries: u32,
}

/// A client's chat with one bot.
struct Phone {
    bot: String,
    /// The messenger's id of the person.
    person: String,
    name: String,
    is_blocked: bool,
    written: Vec<Written>,
    /// Up to when the client has read.
    read_at: Option<Instant>,
}

/// What is on the page.
#[derive(Default)]
struct State {
    bots: BTreeMap<String, Bot>,
    phones: BTreeMap<u64, Phone>,
    last: u64,
}

/// Whatever changes next.
struct Changes([watch::Receiver<()>; 4]);

impl Changes {
    /// Waits for it.
    async fn wait(&mut self) {
        let [a, b, c, d] = &mut self.0;
        // The senders live as long as the sandbox.
        tokio::select! {
            _ = a.changed() => {}
            _ = b.changed() => {}
            _ = c.changed() => {}
            _ = d.changed() => {}
        }
    }
}

/// The three pretend messengers, and who uses them.
#[derive(Clone)]
pub struct Sandbox {
    telegram: FakeTelegram,
    vk: FakeVk,
    viber: FakeViber,
    state: Arc<Watched<State>>,
    colloquy: Option<String>,
    began: (Instant, SystemTime),
}

impl Sandbox {
    /// Starts the messengers on the three ports after the page's, or on free ones where that is 0, with a bot of each and a
    /// client of each. `colloquy` is where the page says that colloquy is.
    ///
    /// # Errors
    /// When a port is taken.
    pub async fn start(page: SocketAddr, colloquy: Option<String>) -> io::Result<Self> {
        let at = |nth: u16| SocketAddr::new(page.ip(), if page.port() == 0 { 0 } else { page.port() + nth });
        let sandbox = Self {
            telegram: FakeTelegram::open(TcpListener::bind(at(1)).await?),
            vk: FakeVk::open(TcpListener::bind(at(2)).await?),
            viber: FakeViber::open(TcpListener::bind(at(3)).await?),
            state: Arc::default(),
            colloquy,
            began: (Instant::now(), SystemTime::now()),
        };
        for (kind, person) in Kind::ALL.into_iter().zip(["Анна Примерова", "Борис Образцов", "Maria Sample"])
        {
            let bot = sandbox.add_bot(kind, "Pretend shop");
            sandbox.add_phone(&bot.id, Some(person));
        }
        Ok(sandbox)
    }

    /// For `TELEGRAM_API_URL`, `VK_API_URL` and `VIBER_API_URL`.
    pub fn urls(&self) -> [(&'static str, &str); 3] {
        [("TELEGRAM_API_URL", self.telegram.url()), ("VK_API_URL", self.vk.url()), ("VIBER_API_URL", self.viber.url())]
    }

    /// The bots, in the order of their ids.
    pub fn bots(&self) -> Vec<Bot> {
        self.state.read(|state| state.bots.values().cloned().collect())
    }

    fn add_bot(&self, kind: Kind, name: &str) -> Bot {
        let bot = self.state.change(|state| {
            let nth = state.bots.values().filter(|bot| bot.kind == kind).count() as i64;
            let (number, token) = match kind {
                Kind::Telegram => (7_000_000_001 + nth, format!("{}:pretend", 7_000_000_001 + nth)),
                Kind::Vk => (200_000_001 + nth, format!("vk1.a.pretend-{}", 200_000_001 + nth)),
                Kind::Viber => (1 + nth, format!("{:016}-pretend", 1 + nth)),
            };
            let id = format!("{}:{number}", kind.as_str().to_lowercase());
            let bot = Bot { id, kind, name: name.into(), token, group: number, slow_seconds: 0, fail: "NONE" };
            state.bots.insert(bot.id.clone(), bot.clone());
            bot
        });
        match kind {
            Kind::Telegram => self.telegram.bot(&bot.token, &format!("pretend_shop_{}_bot", bot.group % 1000)),
            Kind::Vk => self.vk.community(bot.group, &bot.token, name),
            Kind::Viber => self.viber.bot(&bot.token, &format!("pretendshop{}", bot.group)),
        }
        bot
    }

    fn add_phone(&self, bot: &str, name: Option<&str>) -> Option<u64> {
        let bot = self.state.read(|state| state.bots.get(bot).cloned())?;
        let id = self.state.change(|state| {
            state.last += 1;
            let (id, name) = (state.last, name.unwrap_or("Somebody new").to_owned());
            let person = match bot.kind {
                Kind::Telegram => (5_000_000_100 + id).to_string(),
                Kind::Vk => (700_000_100 + id).to_string(),
                Kind::Viber => format!("PRETENDuser{id:011}=="),
            };
            let phone = Phone { bot: bot.id, person, name, is_blocked: false, written: Vec::new(), read_at: None };
            state.phones.insert(id, phone);
            id
        });
        self.introduce(id);
        Some(id)
    }

    /// Tells the messenger what a client is called.
    fn introduce(&self, id: u64) {
        let Some((bot, person, name)) = self.of(id) else { return };
        if bot.kind == Kind::Vk {
            let (first, last) = name.split_once(' ').unwrap_or((&name, ""));
            self.vk.person(person.parse().unwrap_or_default(), first, last);
        }
    }

    fn rename(&self, id: u64, name: &str) {
        self.state.change(|state| {
            if let Some(phone) = state.phones.get_mut(&id) {
                name.clone_into(&mut phone.name);
            }
        });
        self.introduce(id);
    }

    /// Word of whatever changes next, in the messengers or on the page.
    fn changes(&self) -> Changes {
        Changes([self.state.changes(), self.telegram.changes(), self.vk.changes(), self.viber.changes()])
    }

    /// A phone's bot, person and name.
    fn of(&self, id: u64) -> Option<(Bot, String, String)> {
        self.state.read(|state| {
            let phone = state.phones.get(&id)?;
            Some((state.bots.get(&phone.bot)?.clone(), phone.person.clone(), phone.name.clone()))
        })
    }

    /// What goes wrong with a bot from now on; with all of its messenger's, but for the token, which is its own.
    fn set_faults(&self, id: &str, slow_seconds: Option<u64>, fail: Option<&str>) -> Result<(), &'static str> {
        const FAILS: [&str; 6] = ["NONE", "TOO_MANY", "SERVER_ERROR", "HTML", "TIMEOUT", "TOKEN_REVOKED"];
        let fail = match fail {
            None => None,
            Some(fail) => Some(*FAILS.iter().find(|known| **known == fail).ok_or("There is no such fault")?),
        };
        let bot = self.state.change(|state| {
            let bot = state.bots.get_mut(id)?;
            bot.slow_seconds = slow_seconds.unwrap_or(bot.slow_seconds).min(600);
            bot.fail = fail.unwrap_or(bot.fail);
            Some(bot.clone())
        });
        let bot = bot.ok_or("There is no such bot")?;
        let fault = match (bot.fail, bot.kind) {
            ("TOO_MANY", _) => Some(Fault::RateLimited(5)),
            ("SERVER_ERROR", Kind::Telegram) => Some(Fault::Status("error-500-restart")),
            ("SERVER_ERROR", Kind::Vk) => Some(Fault::Status("error-0010")),
            ("SERVER_ERROR", Kind::Viber) => Some(Fault::Status("error-http-500")),
            ("HTML", _) => Some(Fault::Html502),
            ("TIMEOUT", _) => Some(Fault::Hang),
            _ => None,
        };
        let (slow, revoked) = (Duration::from_secs(bot.slow_seconds), bot.fail == "TOKEN_REVOKED");
        match bot.kind {
            Kind::Telegram => {
                self.telegram.misbehave(fault, slow);
                self.telegram.set_revoked(&bot.token, revoked);
            }
            Kind::Vk => {
                self.vk.misbehave(fault, slow);
                self.vk.revoke(&bot.token, bot.group, revoked);
            }
            Kind::Viber => {
                self.viber.misbehave(fault, slow);
                if revoked { self.viber.revoke(&bot.token) } else { self.viber.restore(&bot.token) }
            }
        }
        Ok(())
    }
}
