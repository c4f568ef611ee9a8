//! Typing: who is writing just now. Word of it travels by the bus alone; it is not in the log.

use std::sync::Arc;

use colloquy_entity::*;
use sea_orm::EntityTrait;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use crate::app::App;
use crate::bus::{Topic, Word};
use crate::error::Result;
use crate::policy::Act;
use crate::viewer::Viewer;

use super::{channels, dialogues};

/// How long it holds unless renewed, in milliseconds.
const HOLDS: i64 = 6_000;

/// That somebody is typing.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Typing {
    dialogue: DialogueId,
    /// Who.
    pub user: UserId,
    /// Until then, unless renewed.
    pub until: Time,
}

/// Tells the other operators and, where the messenger can show it, the client.
pub async fn set(app: &Arc<App>, viewer: &Viewer, id: DialogueId) -> Result<dialogue::Model> {
    let dialogue = dialogues::check(app.db.read(), viewer, id, Act::Reply).await?;
    let typing = Typing { dialogue: id, user: viewer.id, until: Time::now().plus(HOLDS) };
    app.bus.publish(Word { topic: Topic::Typing, body: serde_json::to_string(&typing)?.into() });
    let (app, dialogue_now) = (Arc::clone(app), dialogue.clone());
    // Nobody waits for the messenger here, and nothing depends on it.
    app.clone().tasks.spawn(async move {
        if let Err(error) = show(&app, &dialogue_now).await {
            tracing::debug!(%error, "the client was not shown that somebody is typing");
        }
    });
    Ok(dialogue)
}

async fn show(app: &App, dialogue: &dialogue::Model) -> Result<()> {
    let db = app.db.read();
    let channel = channel::Entity::find_by_id(dialogue.channel_id).one(db).await?;
    let client = client::Entity::find_by_id(dialogue.client_id).one(db).await?;
    if let (Some(channel), Some(client)) = (channel, client)
        && channel.state == ChannelState::Connected
        && let Err(fault) = channels::messenger(app, &channel)?.typing(&client.external_id).await
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
        if typing.dialogue != id || typing.user == viewer.id {
            continue;
        }
        return app.log.access(|access| access.sees(viewer.id, id)).then_some(typing);
    }
}
