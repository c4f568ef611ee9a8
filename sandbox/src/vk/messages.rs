//! Messages of a community: sending with the key against a repeat, changing, removing, and having them shown.

use std::time::{Instant, SystemTime};

use serde_json::{Value, json};

use super::api::{Asked, Refusal, Result, refuse, wrong};
use super::state::{Message, SentFile, State};

/// The longest text that goes through, in characters.
const TEXT: usize = 4096;

pub fn send(state: &mut State, asked: &Asked<'_>) -> Result {
    let several = asked.ints("peer_ids");
    let single = asked.int("peer_id").or_else(|| asked.int("user_id"));
    let is_plain = several.is_empty() || state.plain_answers;
    let peer = several.first().copied().or(single).ok_or_else(|| wrong("peer_id is undefined"))?;
    let random_id = asked.int("random_id").ok_or_else(|| wrong("random_id is a required parameter"))?;
    let sent = send_to(state, asked, peer, random_id);
    // What goes wrong with one recipient of a list stands beside it.
    match sent {
        Ok((id, _)) if is_plain => Ok(json!(id)),
        Ok((id, number)) => Ok(json!([{ "peer_id": peer, "message_id": id, "conversation_message_id": number }])),
        Err(Refusal(code @ 900..=902, words)) if !is_plain => Ok(json!([{
            "peer_id": peer,
            "message_id": 0,
            "conversation_message_id": 0,
            "error": { "code": code, "description": words },
        }])),
        Err(refusal) => Err(refusal),
    }
}

/// The community's and the conversation's number of the message.
fn send_to(
    state: &mut State,
    asked: &Asked<'_>,
    peer: i64,
    random_id: i64,
) -> std::result::Result<(i64, i64), Refusal> {
    let text = asked.text("message").to_owned();
    if text.chars().count() > TEXT {
        return Err(refuse(914));
    }
    let attachments = attachments(state, asked)?;
    if text.trim().is_empty() && attachments.is_empty() {
        return Err(wrong("message is empty or invalid"));
    }
    let dialog = state.group(asked.group).dialog(peer);
    if dialog.is_blocked {
        return Err(refuse(900));
    }
    if !dialog.is_allowed {
        return Err(refuse(901));
    }
    if let Some(before) = dialog.messages.iter().find(|message| random_id != 0 && message.random_id == random_id) {
        return Ok((before.id, before.number));
    }
    let reply_to = replied(asked)?;
    if let Some(number) = reply_to
        && dialog.message(number).is_none_or(|message| message.is_deleted)
    {
        return Err(wrong("forward: there is no such message"));
    }
    let message = Writing { peer, is_out: true, text, random_id, reply_to, attachments };
    let (id, number, shown) = keep(state, asked.group, message, json!({}));
    let event = state.event(asked.group, "message_reply", shown);
    state.held.push((asked.group, event));
    Ok((id, number))
}

/// The number of the message that `forward` answers.
fn replied(asked: &Asked<'_>) -> std::result::Result<Option<i64>, Refusal> {
    if asked.text("forward").is_empty() {
        return Ok(None);
    }
    let forward: Value = serde_json::from_str(asked.text("forward")).map_err(|_| wrong("forward"))?;
    let is_reply = forward["is_reply"] == true || forward["is_reply"] == 1;
    let number = forward["conversation_message_ids"][0].as_i64();
    number.filter(|_| is_reply && forward["peer_id"].is_i64()).map(Some).ok_or_else(|| wrong("forward"))
}

/// What a message is made of.
pub struct Writing {
    pub peer: i64,
    pub is_out: bool,
    pub text: String,
    pub random_id: i64,
    pub reply_to: Option<i64>,
    pub attachments: Vec<(String, SentFile)>,
}

/// Keeps a message, and gives its numbers and how VK shows it; `fields` come on top.
pub fn keep(state: &mut State, group: i64, writing: Writing, fields: Value) -> (i64, i64, Value) {
    let of = state.group(group);
    let id = of.next();
    let dialog = of.dialog(writing.peer);
    let asked_for = fields["conversation_message_id"].as_i64();
    let number = asked_for.unwrap_or(dialog.last + 1);
    dialog.last = dialog.last.max(number);
    let Writing { peer, is_out, text, random_id, reply_to, attachments } = writing;
    let (names, files): (Vec<String>, Vec<SentFile>) = attachments.into_iter().unzip();
    let mut shown = json!({
        "date": seconds(),
        "from_id": if is_out { -group } else { peer },
        "id": id,
        "version": 10_000_000 + id,
        "out": i64::from(is_out),
        "fwd_messages": [],
        "important": false,
        "is_hidden": false,
        "attachments": shown(&names, &files),
        "conversation_message_id": number,
        "text": text,
        "peer_id": peer,
        "random_id": random_id,
    });
    if let Some(replied) = reply_to {
        shown["reply_message"] = json!({ "conversation_message_id": replied, "peer_id": peer, "text": "" });
    }
    if let (Some(shown), Some(fields)) = (shown.as_object_mut(), fields.as_object()) {
        shown.extend(fields.clone());
    }
    let message = Message {
        id,
        number,
        peer,
        is_out,
        text: shown["text"].as_str().unwrap_or_default().to_owned(),
        random_id,
        reply_to,
        files,
        attachments: names,
        edits: 0,
        is_deleted: false,
        shown: shown.clone(),
        at: Instant::now(),
    };
    dialog.messages.push(message);
    (id, number, shown)
}

/// The attachments that a call names: only what was saved before can be sent.
fn attachments(state: &State, asked: &Asked<'_>) -> std::result::Result<Vec<(String, SentFile)>, Refusal> {
    let named = asked.text("attachment").split(',').filter(|name| !name.is_empty());
    let one = |name: &str| {
        // `<kind><owner>_<id>`, and perhaps `_<key>`.
        // A voice has two names.
        let name = name.replacen("audio_message", "doc", 1);
        let plain = name.splitn(3, '_').take(2).collect::<Vec<_>>().join("_");
        let file = state.saved.get(&plain).cloned().ok_or_else(|| wrong("attachment"))?;
        Ok((plain, file))
    };
    let all: Vec<_> = named.map(one).collect::<std::result::Result<_, Refusal>>()?;
    if all.len() > 10 { Err(wrong("attachment: too many")) } else { Ok(all) }
}

/// Attachments as VK shows them: with addresses of its own.
fn shown(names: &[String], files: &[SentFile]) -> Vec<Value> {
    let one = |(name, file): (&String, &SentFile)| {
        let at = name.find(|c: char| c == '-' || c.is_ascii_digit())?;
        let (owner, id) = name[at..].split_once('_')?;
        let (owner, id) = (owner.parse::<i64>().ok()?, id.parse::<i64>().ok()?);
        let url = format!("https://vk.example/{name}");
        let mut of = json!({ "owner_id": owner, "id": id, "access_key": "k3y" });
        match file.kind.as_str() {
            "photo" => of["sizes"] = json!([{ "type": "x", "url": url, "width": 604, "height": 453 }]),
            "audio_message" => of["link_ogg"] = json!(url),
            _ => (of["url"], of["title"], of["size"]) = (json!(url), json!(file.name), json!(file.bytes.len())),
        }
        let kind = &file.kind;
        Some(json!({ "type": kind, (kind): of }))
    };
    names.iter().zip(files).filter_map(one).collect()
}

/// A message of the community's own; what is not named is gone from it.
pub fn edit(state: &mut State, asked: &Asked<'_>) -> Result {
    let peer = asked.int("peer_id").ok_or_else(|| wrong("peer_id"))?;
    let number = asked.int("cmid").or_else(|| asked.int("conversation_message_id")).ok_or_else(|| wrong("cmid"))?;
    let text = asked.text("message").to_owned();
    if text.chars().count() > TEXT {
        return Err(refuse(914));
    }
    let (names, files): (Vec<String>, Vec<SentFile>) = attachments(state, asked)?.into_iter().unzip();
    if text.trim().is_empty() && names.is_empty() {
        return Err(wrong("message is empty or invalid"));
    }
    let found = state.group(asked.group).dialog(peer).message(number);
    let message = found.filter(|message| message.is_out && !message.is_deleted).ok_or_else(|| wrong("cmid"))?;
    message.text.clone_from(&text);
    (message.attachments, message.files) = (names, files);
    message.edits += 1;
    message.shown["text"] = json!(text);
    message.shown["attachments"] = json!(shown(&message.attachments, &message.files));
    message.shown["update_time"] = json!(seconds());
    let object = message.shown.clone();
    if state.edits_echo {
        let event = state.event(asked.group, "message_edit", object);
        state.held.push((asked.group, event));
    }
    Ok(json!(1))
}

pub fn delete(state: &mut State, asked: &Asked<'_>) -> Result {
    let peer = asked.int("peer_id").ok_or_else(|| wrong("peer_id"))?;
    let dialog = state.group(asked.group).dialog(peer);
    let mut remove = |number: i64| {
        let message = dialog.message(number).filter(|message| !message.is_deleted);
        let done = message.map(|message| message.is_deleted = true).is_some();
        json!({ "peer_id": peer, "message_id": 0, "conversation_message_id": number, "response": i64::from(done) })
    };
    let numbers = asked.ints("cmids");
    if numbers.is_empty() || asked.text("delete_for_all") != "1" {
        return Err(wrong("cmids"));
    }
    Ok(numbers.into_iter().map(&mut remove).collect())
}

pub fn get(state: &mut State, asked: &Asked<'_>) -> Result {
    let group = state.group(asked.group);
    let mut items: Vec<Value> = Vec::new();
    if let Some(peer) = asked.int("peer_id") {
        let dialog = group.dialog(peer);
        let numbers = asked.ints("conversation_message_ids").into_iter().chain(asked.ints("cmids"));
        items.extend(numbers.filter_map(|number| shown_of(dialog.message(number).as_deref())));
    } else {
        items.extend(asked.ints("message_ids").into_iter().filter_map(|id| shown_of(group.by_id(id))));
    }
    Ok(json!({ "count": items.len(), "items": items }))
}

fn shown_of(message: Option<&Message>) -> Option<Value> {
    message.filter(|message| !message.is_deleted).map(|message| message.shown.clone())
}

/// Now, in seconds since 1970.
pub fn seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
