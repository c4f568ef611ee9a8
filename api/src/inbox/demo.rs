//! Demo data for a first look: a few dialogues, made as real ones are, by the same functions. And an archive of any size.

mod archive;
mod chance;
mod load;
mod plan;
mod staff;
mod talk;
mod texts;

use colloquy_entity::*;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder,
};

use crate::app::App;
use crate::error::{Error, Result};
use crate::messenger::{Incoming, IncomingMessage, Person};
use crate::viewer::{Credential, Viewer};

use super::messages::{self, Outgoing};
use super::receive::receive;
use super::{comments, dialogues, tags, users};

pub use archive::{Progress, fill as fill_archive};
pub use plan::Size;

/// The made-up archive's administrator, with the demo's password.
pub const ARCHIVE_EMAIL: &str = "admin1@demo.example";
/// The demo's administrator.
pub const EMAIL: &str = "admin@example.com";
/// Their password: for a look on one's own machine, nothing else.
pub const PASSWORD: &str = "colloquy-demo";

/// Who writes what, and what is answered; Russian and English, as in life.
const TALKS: &[(&str, &str, &[&str], &[&str])] = &[
    (
        "Анна Примерова",
        "anna_demo",
        &["Здравствуйте! Сколько стоит доставка?", "В Казань, на эту неделю"],
        &["Здравствуйте, Анна! 350 ₽, привезём в четверг"],
    ),
    ("John Sample", "john_demo", &["Hi, is the blue one back in stock?"], &[]),
    ("Мария Тестова", "maria_demo", &["Заказ 1042 пришёл без зарядки", "Что делать?"], &["Сейчас всё исправим, Мария"]),
    ("Олег", "oleg_demo", &["Добрый день", "Можно забрать самому?"], &["Да, с 10 до 20, адрес на сайте"]),
    ("Jane Placeholder", "jane_demo", &["Can I change the delivery address?"], &["Sure, where should it go?"]),
    ("Ёлка Новогодняя", "elka_demo", &["Есть ли подарочная упаковка?"], &[]),
];

/// Whether the demo's administrator is in this database: it was empty once when it was to be filled.
pub async fn is_there(app: &App) -> bool {
    let admin = user::Entity::find().filter(user::Column::Email.eq(EMAIL));
    admin.count(app.db.read()).await.is_ok_and(|count| count > 0)
}

/// Fills an empty database: an administrator, an employee, a channel and its dialogues. Does nothing in another one.
pub async fn fill(app: &App) -> Result<()> {
    if user::Entity::find().count(app.db.read()).await? > 0 {
        return Ok(());
    }
    let admin = user(app, "Demo Administrator", EMAIL, Role::Admin).await?;
    let operator = user(app, "Demo Operator", "operator@example.com", Role::Employee).await?;
    let channel = channel(app).await?;
    for (place, (name, username, asked, answered)) in TALKS.iter().enumerate() {
        for (nth, text) in asked.iter().enumerate() {
            let incoming = message(place, nth, name, username, text);
            receive(app, &channel, Incoming::Message(Box::new(incoming))).await?;
        }
        let dialogue = newest(app).await?;
        match place {
            0 => {
                tags::add(app, &operator, dialogue, &["доставка".into()]).await?;
            }
            2 => {
                let mention = [Some(operator.id)];
                comments::add(app, &admin, dialogue, "Проверьте, пожалуйста, склад", &mention).await?;
            }
            _ => {}
        }
        for text in *answered {
            dialogues::claim(app, &operator, dialogue).await?;
            let outgoing =
                Outgoing { dialogue, text: (*text).into(), files: Vec::new(), reply_to: None, idempotency_key: None };
            sent(app, messages::send(app, &operator, outgoing).await?).await?;
        }
        if place == 3 {
            dialogues::close(app, &operator, dialogue, None).await?;
        }
    }
    disconnect(app, channel).await
}

async fn user(app: &App, name: &str, email: &str, role: Role) -> Result<Viewer> {
    let new = users::NewUser { name: name.into(), email: email.into(), password: PASSWORD.into(), role };
    let user = users::add(app, None, new).await?;
    let credential = Credential::Session(SessionId::new());
    Ok(Viewer { id: user.id, role, since: user.created_at, credential, expires_at: None })
}

/// A channel with no bot behind it: connect one of your own, or the sandbox's.
async fn channel(app: &App) -> Result<channel::Model> {
    let channel = channel::Model {
        id: ChannelId::new(),
        kind: ChannelKind::Telegram,
        external_id: "demo".into(),
        name: "Demo shop".into(),
        handle: Some("@demo_shop_bot".into()),
        state: ChannelState::Connected,
        state_reason: None,
        webhook_url: None,
        credentials: app.secrets.seal(b"{\"token\":\"\",\"webhook_secret\":\"\"}")?,
        poll_cursor: None,
        funnel_id: None,
        welcome_text: None,
        auto_reply_enabled: false,
        auto_reply_text: None,
        last_given_to: None,
        created_at: Time::now(),
    };
    let row = channel.clone().into_active_model().reset_all();
    channel::Entity::insert(row).exec_without_returning(app.db.write()).await?;
    Ok(channel)
}

fn message(place: usize, nth: usize, name: &str, username: &str, text: &str) -> IncomingMessage {
    IncomingMessage {
        external_id: format!("{place}:{nth}"),
        person: Person {
            name: Some(name.into()),
            username: Some(username.into()),
            profile_url: Some(format!("https://t.me/{username}")),
            ..Person::of(format!("demo-{place}"))
        },
        text: text.into(),
        parts: Vec::new(),
        reply_to: None,
        sent_at: Time::now(),
        edit_key: None,
        edited_at: None,
        album_id: None,
        forwarded_from: None,
        is_cropped: false,
    }
}

async fn newest(app: &App) -> Result<DialogueId> {
    let newest = dialogue::Entity::find().order_by_desc(dialogue::Column::Id).one(app.db.read()).await?;
    newest.map(|dialogue| dialogue.id).ok_or_else(|| Error::internal("no dialogue was made"))
}

/// Nobody sends for this channel: what was answered counts as sent.
async fn sent(app: &App, message: message::Model) -> Result<()> {
    let mut tx = app.begin().await?;
    let dialogue = dialogues::lock(&tx, message.dialogue_id).await?;
    let dialogue = dialogue.ok_or_else(|| Error::internal("a message without its dialogue"))?;
    let mut message = message;
    message.delivery_status = Some(DeliveryStatus::Sent);
    message.delivery_at = Some(tx.now());
    message.next_attempt_at = None;
    messages::store(&tx, &message).await?;
    tx.emit(messages::delivery_changed(None, &dialogue, &message));
    tx.commit().await
}

/// With no bot behind it, it is as one that was disconnected.
async fn disconnect(app: &App, channel: channel::Model) -> Result<()> {
    let row =
        channel::ActiveModel { id: Set(channel.id), state: Set(ChannelState::Disconnected), ..Default::default() };
    row.update_without_returning(app.db.write()).await?;
    Ok(())
}
