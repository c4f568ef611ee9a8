//! Comments and tags of dialogues.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use colloquy_entity::{comment, tag};

use crate::error::{Error, Result};
use crate::inbox::{comments, tags};

use super::connection::connection;
use super::dialogues::{Dialogue, DialoguePayload};
use super::loaders::MentionsOf;
use super::node::{parse, show};
use super::scalars::DateTime;
use super::users::{User, user_of, users_of};
use super::{Ask, answer};

/// An employee's note to a dialogue, which clients never see
#[derive(Clone)]
pub struct Comment(pub comment::Model);

/// An employee's note to a dialogue, which clients never see
#[Object]
impl Comment {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// Where it stands
    async fn dialogue(&self, ctx: &Context<'_>) -> Result<Dialogue> {
        ctx.load(self.0.dialogue_id).await?.map(Dialogue).ok_or(Error::NotFound("dialogue"))
    }

    /// Who wrote it
    async fn author(&self, ctx: &Context<'_>) -> Result<User> {
        user_of(ctx, self.0.author_id).await
    }

    /// As written
    async fn text(&self) -> &str {
        &self.0.text
    }

    /// Employees called to answer
    async fn mentions(&self, ctx: &Context<'_>) -> Result<Vec<User>> {
        users_of(ctx, ctx.load(MentionsOf(self.0.id)).await?.unwrap_or_default()).await
    }

    /// When it was written
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed
    async fn edited_at(&self) -> Option<DateTime> {
        self.0.edited_at.map(Into::into)
    }
}

connection!(Comment, CommentConnection, CommentEdge, "comments", nodes = nodes, counted = total);

/// A label on dialogues
#[derive(Clone)]
pub struct Tag(pub tag::Model);

/// A label on dialogues
#[Object]
impl Tag {
    /// Its id
    pub async fn id(&self) -> ID {
        show(self.0.id)
    }

    /// As written first
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// #rrggbb
    async fn color(&self) -> &str {
        &self.0.color
    }
}

/// Reading tags.
#[derive(Default)]
pub struct TagQueries;

#[Object]
impl TagQueries {
    /// The tags by name, 1,000 at most
    async fn tags(&self, ctx: &Context<'_>, #[graphql(desc = "In the name")] text: Option<String>) -> Result<Vec<Tag>> {
        ctx.viewer()?;
        Ok(tags::list(ctx.app()?.db.read(), text.as_deref()).await?.into_iter().map(Tag).collect())
    }
}

/// A new comment
#[derive(InputObject)]
pub struct AddCommentInput {
    /// Where
    dialogue_id: ID,
    /// 1 to 10,000 characters
    text: String,
    /// Employees to call; only who may see the dialogue
    mention_ids: Option<Vec<ID>>,
}

/// The comment
#[derive(SimpleObject)]
pub struct CommentPayload {
    /// As it is now
    comment: Comment,
}

/// The tag
#[derive(SimpleObject)]
pub struct TagPayload {
    /// As it is now
    tag: Tag,
}

/// Changing comments and tags.
#[derive(Default)]
pub struct CommentMutations;

#[Object]
impl CommentMutations {
    /// Comments a dialogue, calling employees to answer
    async fn add_comment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new comment")] input: AddCommentInput,
    ) -> Option<CommentPayload> {
        answer(ctx, add(ctx, input).await)
    }

    /// Changes one's own comment; an administrator anybody's
    async fn edit_comment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which comment")] comment_id: ID,
        #[graphql(desc = "Its new text, 1 to 10,000 characters")] text: String,
    ) -> Option<CommentPayload> {
        answer(ctx, edit(ctx, comment_id, text).await)
    }

    /// Removes one's own comment; an administrator anybody's
    async fn delete_comment(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which comment")] comment_id: ID,
    ) -> Option<DialoguePayload> {
        answer(ctx, delete(ctx, comment_id).await)
    }

    /// Changes a tag's name or color wherever it is used
    async fn update_tag(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which tag")] tag_id: ID,
        #[graphql(desc = "Its new name, 1 to 64 characters; one tag each, whatever the case")] name: Option<String>,
        #[graphql(desc = "Its new color, #rrggbb")] color: Option<String>,
    ) -> Option<TagPayload> {
        answer(ctx, update_tag(ctx, tag_id, name, color).await)
    }
}

async fn add(ctx: &Context<'_>, input: AddCommentInput) -> Result<CommentPayload> {
    let id = parse(&input.dialogue_id).ok_or(Error::NotFound("dialogue"))?;
    let mentions: Vec<_> = input.mention_ids.unwrap_or_default().iter().map(parse).collect();
    let comment = comments::add(ctx.app()?, &ctx.viewer()?, id, &input.text, &mentions).await?;
    Ok(CommentPayload { comment: Comment(comment) })
}

async fn edit(ctx: &Context<'_>, id: ID, text: String) -> Result<CommentPayload> {
    let comment = comments::edit(ctx.app()?, &ctx.viewer()?, parse(&id), &text).await?;
    Ok(CommentPayload { comment: Comment(comment) })
}

async fn delete(ctx: &Context<'_>, id: ID) -> Result<DialoguePayload> {
    let dialogue = comments::delete(ctx.app()?, &ctx.viewer()?, parse(&id)).await?;
    Ok(DialoguePayload { dialogue: dialogue.into() })
}

async fn update_tag(ctx: &Context<'_>, id: ID, name: Option<String>, color: Option<String>) -> Result<TagPayload> {
    let tag = tags::update(ctx.app()?, &ctx.viewer()?, parse(&id), name.as_deref(), color.as_deref()).await?;
    Ok(TagPayload { tag: Tag(tag) })
}
