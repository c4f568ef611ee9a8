//! The same done in many dialogues by one mutation.

use async_graphql::{Context, ID, Object, SimpleObject};

use crate::error::{Error, Result};
use crate::inbox::bulk::{self, Deed};

use super::dialogues::Dialogue;
use super::node::parse;
use super::words::ParticipantRole;
use super::{Ask, answer};

/// What became of one of the dialogues
#[derive(SimpleObject)]
pub struct DialogueOutcome {
    /// As it was given
    dialogue_id: ID,
    /// As it is now; null where it could not be done
    dialogue: Option<Dialogue>,
    /// Why it could not be done; null where it was done, or was so already
    error: Option<OutcomeError>,
}

/// Why something could not be done, as in an answer's `errors`
#[derive(SimpleObject)]
pub struct OutcomeError {
    /// To act on: NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, CONFLICT or INTERNAL
    code: String,
    /// To read
    message: String,
    /// With BAD_USER_INPUT: the argument that is to blame
    field: Option<String>,
}

impl From<Error> for OutcomeError {
    fn from(error: Error) -> Self {
        error.log();
        let (code, message) = (error.code().into(), error.to_string());
        let field = match error {
            Error::BadInput { field, .. } => Some(field),
            _ => None,
        };
        Self { code, message, field }
    }
}

/// What became of each of the dialogues
#[derive(SimpleObject)]
pub struct DialoguesPayload {
    /// In the order in which they were given
    outcomes: Vec<DialogueOutcome>,
}

async fn each(ctx: &Context<'_>, dialogue_ids: Vec<ID>, deed: Deed) -> Result<DialoguesPayload> {
    let ids: Vec<_> = dialogue_ids.iter().map(parse).collect();
    let outcomes = bulk::each(ctx.app()?, &ctx.viewer()?, &ids, &deed).await?;
    let outcome = |(dialogue_id, outcome): (ID, Result<_>)| match outcome {
        Ok(dialogue) => DialogueOutcome { dialogue_id, dialogue: Some(Dialogue::from(dialogue)), error: None },
        Err(error) => DialogueOutcome { dialogue_id, dialogue: None, error: Some(error.into()) },
    };
    Ok(DialoguesPayload { outcomes: dialogue_ids.into_iter().zip(outcomes).map(outcome).collect() })
}

/// Working in many dialogues at once.
#[derive(Default)]
pub struct BulkMutations;

#[Object]
impl BulkMutations {
    /// Closes dialogues, each by itself: what fails in one is told in its outcome and holds up no other
    async fn close_dialogues(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dialogues: 1 to 100")] dialogue_ids: Vec<ID>,
    ) -> Option<DialoguesPayload> {
        answer(ctx, each(ctx, dialogue_ids, Deed::Close).await)
    }

    /// Tags dialogues by name, each by itself; a new name makes a new tag
    async fn tag_dialogues(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dialogues: 1 to 100")] dialogue_ids: Vec<ID>,
        #[graphql(desc = "Names of 1 to 64 characters, 100 at most")] names: Vec<String>,
    ) -> Option<DialoguesPayload> {
        answer(ctx, each(ctx, dialogue_ids, Deed::Tag(names)).await)
    }

    /// Takes tags off dialogues, off each by itself
    async fn untag_dialogues(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dialogues: 1 to 100")] dialogue_ids: Vec<ID>,
        #[graphql(desc = "Which tags; those that a dialogue does not have are passed over")] tag_ids: Vec<ID>,
    ) -> Option<DialoguesPayload> {
        let tags = tag_ids.iter().map(parse).collect();
        answer(ctx, each(ctx, dialogue_ids, Deed::Untag(tags)).await)
    }

    /// Adds an employee to dialogues, or changes the role they have there, in each by itself
    async fn assign_dialogues(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which dialogues: 1 to 100")] dialogue_ids: Vec<ID>,
        #[graphql(desc = "Whom")] user_id: ID,
        #[graphql(desc = "As what")] role: ParticipantRole,
    ) -> Option<DialoguesPayload> {
        answer(ctx, each(ctx, dialogue_ids, Deed::Assign(parse(&user_id), role.into())).await)
    }
}
