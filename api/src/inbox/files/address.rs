//! Addresses by which files are had without signing in: signed, for one purpose, for a while.

use colloquy_entity::*;
use sea_orm::EntityTrait;

use crate::app::App;
use crate::error::Result;
use crate::messenger::sanitize;

use super::types;

/// How long an address for a page is valid, in milliseconds.
const PAGE: i64 = 5 * 60 * 1000;
/// How long one for a messenger is, in milliseconds: a client's device may be offline for 14 days, and a message may wait
/// before that.
const MESSENGER: i64 = 20 * 24 * 60 * 60 * 1000;

/// What an address gives: a signature for one is none for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A file, for a page.
    File,
    /// Its preview, for a page.
    Preview,
    /// A file, for a messenger that fetches it.
    Messenger,
}

impl Purpose {
    fn of(self, file: AttachmentId) -> String {
        match self {
            Self::File => format!("file {file}"),
            Self::Preview => format!("preview {file}"),
            Self::Messenger => format!("messenger {file}"),
        }
    }
}

/// Where the file is for who may see its dialogue, with their token; once it is READY.
pub fn url(app: &App, file: &attachment::Model) -> String {
    format!("{}/files/{}", app.base_url(), file.id)
}

/// Where a page gets the file for five minutes; once it is READY.
pub fn signed_url(app: &App, file: &attachment::Model) -> Option<String> {
    (file.state == Some(FileState::Ready)).then(|| page(app, Purpose::File, file.id, ""))
}

/// The same for its preview, where there is one.
pub fn preview_url(app: &App, file: &attachment::Model) -> Option<String> {
    file.preview_as.as_ref().map(|_| page(app, Purpose::Preview, file.id, "/preview"))
}

fn page(app: &App, purpose: Purpose, id: AttachmentId, path: &str) -> String {
    let until = Time::now().plus(PAGE);
    let signature = app.secrets.sign(&purpose.of(id), until);
    format!("{}/files/{id}{path}?until={}&signature={signature}", app.base_url(), until.0)
}

/// Where a messenger fetches the file from: an address that ends as its name does, since some go by that. `None` where
/// the outside cannot reach us.
pub fn public_url(app: &App, file: &attachment::Model) -> Option<String> {
    let base = app.config.public_url.as_ref()?;
    let until = Time::now().plus(MESSENGER);
    let signature = app.secrets.sign(&Purpose::Messenger.of(file.id), until);
    Some(format!("{base}/media/{}/{}.{signature}/file.{}", file.id, until.0, extension(file)))
}

/// Of the content type for what is shown, whatever it is called; else of the name.
fn extension(file: &attachment::Model) -> String {
    let content_type = file.content_type.as_deref().unwrap_or(types::ANY);
    let usual = sanitize::extension(content_type);
    let of_name = file.name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    let of_name =
        of_name.filter(|name| (1..=16).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric()));
    // "bin" is one of those that Viber refuses.
    let usual = if usual == "bin" { "dat" } else { usual };
    if types::is_shown(content_type) { usual.to_owned() } else { of_name.unwrap_or(usual.to_owned()) }
}

/// A file by an address that was signed for who might see it: the signature stands for their rights.
pub async fn by_signature(
    app: &App,
    purpose: Purpose,
    id: AttachmentId,
    until: Time,
    signature: &str,
) -> Result<Option<attachment::Model>> {
    if !app.secrets.verify_signature(&purpose.of(id), until, signature) {
        return Ok(None);
    }
    let found = attachment::Entity::find_by_id(id).one(app.db.read()).await?;
    let Some(file) = found.filter(|file| file.kind == AttachmentKind::File) else { return Ok(None) };
    // Nobody has the files of a message that was deleted, whoever was given their address before.
    let is_deleted = match file.message_id {
        Some(message) => {
            let message = message::Entity::find_by_id(message).one(app.db.read()).await?;
            message.is_none_or(|message| message.deleted_at.is_some())
        }
        None => false,
    };
    Ok((!is_deleted).then_some(file))
}
