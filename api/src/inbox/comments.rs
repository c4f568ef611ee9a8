//! Comments: employees' notes to a dialogue, which clients never see.

use std::collections::{BTreeSet, HashMap};

use colloquy_entity::*;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect,
};
use uuid::Uuid;

use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::log::{Entry, Kind};
use crate::paging::{Page, PageArgs, Window};
use crate::policy::{self, Act};
use crate::ranked;
use crate::viewer::Viewer;

use super::{dialogues, participants, search, text};

/// Most employees that one comment calls.
const MOST_MENTIONS: usize = 50;

/// Comments, calling employees to answer. Only who may see the dialogue can be called; naming another is BAD_USER_INPUT.
pub async fn add(
    app: &App,
    viewer: &Viewer,
    id: DialogueId,
    words: &str,
    mentions: &[Option<UserId>],
) -> Result<comment::Model> {
    let mut tx = app.begin().await?;
    let dialogue = dialogues::lock_for(&tx, viewer, id, Act::Comment).await?;
    let text = check("input.text", words)?;
    let mentions = check_mentions(&tx, id, mentions).await?;
    let comment = comment::Model {
        id: CommentId::new(),
        dialogue_id: id,
        author_id: viewer.id,
        text,
        created_at: tx.now(),
        edited_at: None,
    };
    comment::Entity::insert(comment.clone().into_active_model().reset_all()).exec_without_returning(&*tx).await?;
    for user in &mentions {
        let row = comment_mention::ActiveModel { comment_id: Set(comment.id), user_id: Set(*user) };
        comment_mention::Entity::insert(row).exec_without_returning(&*tx).await?;
    }
    search::comment(&tx, &comment).await?;
    tx.emit(tell(Kind::CommentAdded, viewer, &dialogue, comment.id, mentions));
    tx.commit().await?;
    Ok(comment)
}

/// Changes a comment's text: its author, or an administrator. The same text changes nothing.
pub async fn edit(app: &App, viewer: &Viewer, id: Option<CommentId>, words: &str) -> Result<comment::Model> {
    let (mut tx, dialogue, mut comment) = lock_own(app, viewer, id).await?;
    let text = check("text", words)?;
    if comment.text == text {
        return Ok(comment);
    }
    comment.text = text;
    comment.edited_at = Some(tx.now());
    comment.clone().into_active_model().reset_all().update_without_returning(&*tx).await?;
    let mentions = mentioned(&*tx, &[comment.id]).await?.into_iter().map(|row| row.user_id).collect();
    search::comment(&tx, &comment).await?;
    tx.emit(tell(Kind::CommentEdited, viewer, &dialogue, comment.id, mentions));
    tx.commit().await?;
    Ok(comment)
}

/// Removes a comment: its author, or an administrator.
pub async fn delete(app: &App, viewer: &Viewer, id: Option<CommentId>) -> Result<dialogue::Model> {
    let (mut tx, dialogue, comment) = lock_own(app, viewer, id).await?;
    let mentions = mentioned(&*tx, &[comment.id]).await?.into_iter().map(|row| row.user_id).collect();
    comment_mention::Entity::delete_many().filter(comment_mention::Column::CommentId.eq(comment.id)).exec(&*tx).await?;
    tx.emit(tell(Kind::CommentDeleted, viewer, &dialogue, comment.id, mentions));
    comment::Entity::delete_by_id(comment.id).exec(&*tx).await?;
    // What stores words anew waits for the comment, and is not waited for.
    search::no_comment(&tx, comment.id).await?;
    tx.commit().await?;
    Ok(dialogue)
}

/// A comment that the viewer may change, with its dialogue locked: their own where they may comment, any for an
/// administrator.
async fn lock_own<'a>(
    app: &'a App,
    viewer: &Viewer,
    id: Option<CommentId>,
) -> Result<(Tx<'a>, dialogue::Model, comment::Model)> {
    let missing = || Error::NotFound("comment");
    let tx = app.begin().await?;
    let id = id.ok_or_else(missing)?;
    let of = comment::Entity::find_by_id(id).one(&*tx).await?.ok_or_else(missing)?;
    let dialogue = dialogues::lock_for(&tx, viewer, of.dialogue_id, Act::Comment).await;
    let dialogue = dialogue.map_err(|error| if matches!(error, Error::NotFound(_)) { missing() } else { error })?;
    let comment = comment::Entity::find_by_id(id).one(&*tx).await?.ok_or_else(missing)?;
    if comment.author_id != viewer.id && viewer.role != Role::Admin {
        return Err(Error::Forbidden("Only its author or an administrator may change a comment"));
    }
    Ok((tx, dialogue, comment))
}

fn check(field: &str, words: &str) -> Result<String> {
    let text = text::note(field, words)?;
    if text.trim().is_empty() {
        return Err(Error::bad(field, "A comment cannot be empty"));
    }
    Ok(text)
}

async fn check_mentions(tx: &Tx<'_>, dialogue: DialogueId, named: &[Option<UserId>]) -> Result<Vec<UserId>> {
    let field = "input.mentionIds";
    if named.len() > MOST_MENTIONS {
        return Err(Error::bad(field, format!("A comment can mention {MOST_MENTIONS} employees at most")));
    }
    let no_user = || Error::bad(field, "There is no such user");
    // Locked in one order, whatever the order in which they are named.
    let named: BTreeSet<UserId> = named.iter().map(|id| id.ok_or_else(no_user)).collect::<Result<_>>()?;
    let mut mentions = Vec::new();
    for id in named {
        let user = participants::lock_user(tx, id).await?.ok_or_else(no_user)?;
        let part = dialogues::part(&**tx, user.id, dialogue).await?;
        if !user.is_active || !policy::may(user.role, part, Act::See) {
            return Err(Error::bad(field, "Only who may see the dialogue can be mentioned in its comments"));
        }
        mentions.push(user.id);
    }
    Ok(mentions)
}

fn tell(kind: Kind, viewer: &Viewer, dialogue: &dialogue::Model, comment: CommentId, mentions: Vec<UserId>) -> Entry {
    let entry = Entry::of(kind, viewer.actor(), dialogue);
    // In the mentioned users' own feed, too.
    let entry = mentions.iter().map(|user| user.0).fold(entry, Entry::about);
    entry.with(|detail| {
        detail.comment = Some(comment);
        detail.mentions = mentions;
    })
}

/// A page of each dialogue's comments, from old to new. The viewer sees the dialogues: whoever has their rows has that.
pub async fn pages(
    db: &impl ConnectionTrait,
    dialogues: &[DialogueId],
    args: &PageArgs,
) -> Result<HashMap<Uuid, Page<comment::Model>>> {
    let window: Window<CommentId> = args.window()?;
    let list = |id| comment::Entity::find().filter(comment::Column::DialogueId.eq(id));
    ranked::pages(db, dialogues.iter().map(|id| (id.0, list(*id))), comment::Column::Id, &window).await
}

/// How many each dialogue has; of one that has none, nothing.
pub async fn counts(db: &impl ConnectionTrait, dialogues: &[DialogueId]) -> Result<Vec<(DialogueId, i64)>> {
    Ok(comment::Entity::find()
        .select_only()
        .column(comment::Column::DialogueId)
        .column_as(comment::Column::Id.count(), "count")
        .filter(comment::Column::DialogueId.is_in(dialogues.iter().copied()))
        .group_by(comment::Column::DialogueId)
        .into_tuple()
        .all(db)
        .await?)
}

/// Those of the comments whose dialogues the viewer may see.
pub async fn by_ids(db: &impl ConnectionTrait, viewer: &Viewer, ids: &[CommentId]) -> Result<Vec<comment::Model>> {
    let dialogue = Expr::col(comment::Column::DialogueId.as_column_ref());
    let named = comment::Entity::find().filter(comment::Column::Id.is_in(ids.iter().copied()));
    Ok(named.filter(policy::visible_each(viewer, dialogue)).all(db).await?)
}

/// Whom comments call.
pub async fn mentioned(db: &impl ConnectionTrait, ids: &[CommentId]) -> Result<Vec<comment_mention::Model>> {
    let query = comment_mention::Entity::find().filter(comment_mention::Column::CommentId.is_in(ids.iter().copied()));
    Ok(query.order_by_asc(comment_mention::Column::UserId).all(db).await?)
}
