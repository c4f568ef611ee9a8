//! Typing: who is writing just now. Word of it travels by the bus alone; it is not in the log.

use std::sync::Arc;

use colloquy_entity::*;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::app::App;
use crate::bus::{Topic, Word};
use crate::error::Result;
use crate::log::Actor;
use crate::messenger::Person;
use crate::policy::Act;
use crate::viewer::Viewer;

use super::{credentials, dialogues};

/// How long it holds unless renewed, in milliseconds.
const HOLDS: i64 = 6_000;

/// That somebody is typing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Typing {
    pub(super) dialogue: DialogueId,
    /// Who: an employee, or else
    pub(super) user: Option<UserId>,
    /// the client.
    client: Option<ClientId>,
    /// Until then, unless renewed.
    pub until: Time,
}

impl Typing {
    /// Who.
    pub fn actor(&self) -> Option<Actor> {
        self.user.map(Actor::User).or(self.client.map(Actor::Client))
    }
}

/// Tells the other operators and, where the messenger can show it, the client.
pub async fn set(app: &Arc<App>, viewer: &Viewer, id: DialogueId) -> Result<dialogue::Model> {
    let dialogue = dialogues::check(app.db.read(), viewer, id, Act::Reply).await?;
    publish(app, Typing { dialogue: id, user: Some(viewer.id), client: None, until: Time::now().plus(HOLDS) })?;
    let (app, dialogue_now) = (Arc::clone(app), dialogue.clone());
    // Nobody waits for the messenger here, and nothing depends on it.
    app.clone().tasks.spawn(async move {
        if let Err(error) = show(&app, &dialogue_now).await {
            tracing::debug!(%error, "the client was not shown that somebody is typing");
        }
    });
    Ok(dialogue)
}

/// A client is writing: the operators are told.
pub(super) async fn by_client(app: &App, channel: &channel::Model, person: &Person) -> Result<()> {
    let db = app.db.read();
    let client = client::Entity::find()
        .filter(client::Column::Kind.eq(channel.kind))
        .filter(client::Column::ExternalId.eq(&person.external_id))
        .one(db)
        .await?;
    let Some(client) = client.filter(|client| !client.is_blocked) else { return Ok(()) };
    let dialogue = dialogue::Entity::find()
        .filter(dialogue::Column::ChannelId.eq(channel.id))
        .filter(dialogue::Column::ClientId.eq(client.id))
        .one(db)
        .await?;
    let Some(dialogue) = dialogue else { return Ok(()) };
    let until = Time::now().plus(HOLDS);
    publish(app, Typing { dialogue: dialogue.id, user: None, client: Some(client.id), until })
}

fn publish(app: &App, typing: Typing) -> Result<()> {
    app.bus.publish(Word { topic: Topic::Typing, body: serde_json::to_string(&typing)?.into() });
    Ok(())
}

async fn show(app: &App, dialogue: &dialogue::Model) -> Result<()> {
    let db = app.db.read();
    let channel = channel::Entity::find_by_id(dialogue.channel_id).one(db).await?;
    let client = client::Entity::find_by_id(dialogue.client_id).one(db).await?;
    if let (Some(channel), Some(client)) = (channel, client)
        && channel.state == ChannelState::Connected
        && let Err(fault) = credentials::messenger(app, &channel)?.typing(&client.external_id).await
    {
        tracing::debug!(words = fault.words(), "the client was not shown that somebody is typing");
    }
    Ok(())
}

/// The next word that another is typing in a dialogue, as long as the viewer may see it; nothing once they may not.
pub async fn next(app: &App, viewer: &Viewer, id: DialogueId, words: &mut Receiver<Word>) -> Option<Typing> {
    loop {
        let word = match words.recv().await {
            Ok(word) if word.topic == Topic::Typing => word,
            // Word that was missed is renewed soon, if it still holds.
            Ok(_) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return None,
        };
        let Ok(typing) = serde_json::from_str::<Typing>(&word.body) else { continue };
        if typing.dialogue != id || typing.user == Some(viewer.id) {
            continue;
        }
        return app.log.access(|access| access.sees(viewer.id, id)).then_some(typing);
    }
}
