//! What is done in dialogues: closing, claiming, participants, tags, reading, typing.

use async_graphql::{Context, ID, Object};
use colloquy_entity::{DialogueId, dialogue};

use crate::error::{Error, Result};
use crate::inbox::{dialogues, participants, reading, tags, typing};

use super::dialogues::DialoguePayload;
use super::node::parse;
use super::words::ParticipantRole;
use super::{Ask, answer};

/// Working in dialogues.
#[derive(Default)]
pub struct DialogueMutations;

fn payload(result: Result<dialogue::Model>) -> Result<DialoguePayload> {
    result.map(|dialogue| DialoguePayload { dialogue: dialogue.into() })
}

fn which(id: &ID) -> Result<DialogueId> {
    parse(id).ok_or(Error::NotFound("dialogue"))
}

#[Object]
impl DialogueMutations {
    /// Moves the viewer's read mark forward to this message
    async fn mark_read(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dialogue")] dialogue_id: ID,
        #[graphql(desc = "The last message that was read")] up_to_message_id: ID,
    ) -> Option<DialoguePayload> {
        let run = async {
            let up_to = parse(&up_to_message_id);
            payload(reading::mark(ctx.app()?, &ctx.viewer()?, which(&dialogue_id)?, up_to).await)
        };
        answer(ctx, run.await)
    }

    /// Tells the other operators, for a few seconds; the client too where the messenger can show it
    async fn set_typing(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In which dialogue")] dialogue_id: ID,
    ) -> Option<DialoguePayload> {
        let run = async { payload(typing::set(&ctx.asking()?.app, &ctx.viewer()?, which(&dialogue_id)?).await) };
        answer(ctx, run.await)
    }

    /// Closes a dialogue. With ifLastMessageId: CONFLICT when the client has written since
    async fn close_dialogue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dialogue")] dialogue_id: ID,
        #[graphql(desc = "The last message that the viewer has seen")] if_last_message_id: Option<ID>,
    ) -> Option<DialoguePayload> {
        let run = async {
            let if_last = if_last_message_id.as_ref().map(parse);
            payload(dialogues::close(ctx.app()?, &ctx.viewer()?, which(&dialogue_id)?, if_last).await)
        };
        answer(ctx, run.await)
    }

    /// Opens a closed dialogue again, without asking the queue and without the auto-reply
    async fn reopen_dialogue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dialogue")] dialogue_id: ID,
    ) -> Option<DialoguePayload> {
        let run = async { payload(dialogues::reopen(ctx.app()?, &ctx.viewer()?, which(&dialogue_id)?).await) };
        answer(ctx, run.await)
    }

    /// Makes the viewer responsible for a dialogue that has no active responsible; of many at once exactly one wins, the
    /// others get CONFLICT with extensions.holderIds
    async fn claim_dialogue(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dialogue")] dialogue_id: ID,
    ) -> Option<DialoguePayload> {
        let run = async { payload(dialogues::claim(ctx.app()?, &ctx.viewer()?, which(&dialogue_id)?).await) };
        answer(ctx, run.await)
    }

    /// Adds the employee, or changes the role they already have
    async fn set_participant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "In which dialogue")] dialogue_id: ID,
        #[graphql(desc = "Whom")] user_id: ID,
        #[graphql(desc = "As what")] role: ParticipantRole,
    ) -> Option<DialoguePayload> {
        let run = async {
            let (id, user) = (which(&dialogue_id)?, parse(&user_id));
            payload(participants::set(ctx.app()?, &ctx.viewer()?, id, user, role.into()).await)
        };
        answer(ctx, run.await)
    }

    /// Takes an employee out of a dialogue
    async fn remove_participant(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Out of which dialogue")] dialogue_id: ID,
        #[graphql(desc = "Whom")] user_id: ID,
    ) -> Option<DialoguePayload> {
        let run = async {
            let (id, user) = (which(&dialogue_id)?, parse(&user_id));
            payload(participants::remove(ctx.app()?, &ctx.viewer()?, id, user).await)
        };
        answer(ctx, run.await)
    }

    /// Tags by name; a new name makes a new tag
    async fn add_tags(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dialogue")] dialogue_id: ID,
        #[graphql(desc = "Names of 1 to 64 characters, 100 at most")] names: Vec<String>,
    ) -> Option<DialoguePayload> {
        let run = async { payload(tags::add(ctx.app()?, &ctx.viewer()?, which(&dialogue_id)?, &names).await) };
        answer(ctx, run.await)
    }

    /// Takes tags off a dialogue
    async fn remove_tags(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dialogue")] dialogue_id: ID,
        #[graphql(desc = "Which tags; those that it does not have are passed over")] tag_ids: Vec<ID>,
    ) -> Option<DialoguePayload> {
        let run = async {
            let tags: Vec<_> = tag_ids.iter().map(parse).collect();
            payload(tags::remove(ctx.app()?, &ctx.viewer()?, which(&dialogue_id)?, &tags).await)
        };
        answer(ctx, run.await)
    }
}
