//! Uploads in three steps, and files at addresses.

use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, Query, Request, State as Shares};
use serde_json::{Map, Value, json};

use super::FakeVk;
use super::api::{self, Asked, Result, refusal, wrong};
use super::state::{SentFile, Staged, State};
use crate::socket::Cut;
use crate::wire::{self, Answer, Fault};

pub fn photo_server(asked: &Asked<'_>) -> Value {
    let url = format!("{}/upload/{}/photo?hash=SYNTH&act=do_add", asked.url, asked.group);
    json!({ "album_id": -64, "upload_url": url, "user_id": 0, "group_id": asked.group })
}

pub fn document_server(asked: &Asked<'_>) -> Result {
    let kind = asked.text("type");
    if !matches!(kind, "doc" | "audio_message" | "graffiti") || asked.int("peer_id").is_none() {
        return Err(wrong("type"));
    }
    Ok(json!({ "upload_url": format!("{}/upload/{}/{kind}?hash=SYNTH&act=add_doc", asked.url, asked.group) }))
}

/// `/upload/<group>/<kind>`: pictures by the field `photo`, everything else by `file`.
pub async fn upload(
    Shares(fake): Shares<Arc<FakeVk>>,
    ConnectInfo(connection): ConnectInfo<Cut>,
    Path((group, kind)): Path<(i64, String)>,
    request: Request,
) -> Answer {
    let (arguments, mut files) = wire::form(request).await.unwrap_or_default();
    let is_photo = kind == "photo";
    let method = if is_photo { "upload.photo" } else { "upload.doc" };
    let mut call = api::call(group, method, arguments);
    let field = if is_photo { "photo" } else { "file" };
    call.file = files.pop().filter(|file| file.field == field && !file.name.is_empty());
    let (fault, gate) = fake.shared.change(|state| state.plans.next(method, None));
    let answer = match (fault, call.file.clone()) {
        (Some(fault), _) if !fault.has_effect() => refusal(fault, &call),
        (_, None) => Answer::recorded("vk", "upload-doc-error"),
        (_, Some(file)) if is_photo && !file.content_type.starts_with("image/") => {
            Answer::recorded("vk", "upload-photo-empty")
        }
        (_, Some(upload)) => fake.shared.change(|state| {
            let key = format!("staged{}", state.staged.len() + 1);
            state.staged.insert(key.clone(), Staged { upload, kind: kind.clone() });
            let photo = json!([{ "photo": format!("{key}:x"), "sizes": [] }]).to_string();
            let body = match is_photo {
                true => json!({ "server": 857_432, "photo": photo, "hash": "8954a4da5ba06d4e" }),
                false => json!({ "file": format!("{group}|0|0|857432|{key}|SYNTH") }),
            };
            Answer::json(&body)
        }),
    };
    fake.shared.change(|state| state.calls.push(call));
    wire::pass(gate).await;
    Fault::strike(fault, &connection).await;
    answer
}

pub fn save_photo(state: &mut State, asked: &Asked<'_>) -> Result {
    let photo: Value = serde_json::from_str(asked.text("photo")).map_err(|_| wrong("photo is undefined"))?;
    let key = photo[0]["photo"].as_str().and_then(|photo| photo.split(':').next()).unwrap_or_default();
    if asked.text("hash").is_empty() || asked.int("server").is_none() {
        return Err(wrong("hash"));
    }
    let staged = state.staged.remove(key).ok_or_else(|| wrong("photo is undefined"))?;
    let name = staged.upload.name.clone();
    let (owner, id) = save(state, asked.group, "photo", name, staged);
    Ok(json!([{ "album_id": -3, "id": id, "owner_id": owner, "access_key": "k3y", "sizes": [] }]))
}

pub fn save_document(state: &mut State, asked: &Asked<'_>) -> Result {
    let key = asked.text("file").split('|').nth(4).unwrap_or_default();
    let staged = state.staged.remove(key).ok_or_else(|| wrong("file is undefined"))?;
    let (kind, size) = (staged.kind.clone(), staged.upload.bytes.len());
    let title = Some(asked.text("title")).filter(|title| !title.is_empty()).unwrap_or(&staged.upload.name).to_owned();
    let (owner, id) = save(state, asked.group, "doc", title.clone(), staged);
    let of = json!({ "id": id, "owner_id": owner, "title": title, "size": size, "access_key": "k3y" });
    Ok(json!({ "type": kind, (kind): of }))
}

/// Owner and number of what is saved now; a message can name it.
fn save(state: &mut State, group: i64, named: &str, name: String, staged: Staged) -> (i64, i64) {
    let id = 457_000_000 + state.group(group).next();
    let Staged { upload, kind } = staged;
    let file = SentFile { kind, name, content_type: upload.content_type, bytes: upload.bytes };
    state.saved.insert(format!("{named}{}_{id}", -group), file);
    (-group, id)
}

/// `/media/<path>`: what clients sent, by its address.
pub async fn media(
    Shares(fake): Shares<Arc<FakeVk>>,
    ConnectInfo(connection): ConnectInfo<Cut>,
    Path(path): Path<String>,
    Query(_): Query<Map<String, Value>>,
) -> Answer {
    let call = api::call(0, "media", Map::from_iter([("path".to_owned(), json!(path))]));
    let fault = fake.shared.change(|state| {
        state.calls.push(call.clone());
        state.plans.next("media", None).0
    });
    Fault::strike(fault, &connection).await;
    if let Some(fault) = fault {
        return refusal(fault, &call);
    }
    let Some(media) = fake.shared.read(|state| state.media.get(&path).cloned()) else {
        return Answer { status: 404, headers: Vec::new(), body: "not found".into() };
    };
    wire::pass(media.gate).await;
    Answer { status: media.status, ..Answer::bytes(&media.content_type, media.bytes) }
}
