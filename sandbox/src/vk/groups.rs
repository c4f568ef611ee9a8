//! Communities: who they are, their callback servers and their long polling.

use std::collections::HashSet;

use serde_json::{Value, json};
use url::Url;

use super::api::{Asked, Refusal, Result, refuse, wrong};
use super::state::{CallbackServer, State};

/// The most that a community may have.
const SERVERS: usize = 10;

pub fn get_by_id(state: &mut State, asked: &Asked<'_>) -> Result {
    let old_form = state.old_form;
    let group = state.group(asked.group);
    let list = json!([{
        "id": asked.group,
        "name": group.name,
        "screen_name": group.screen_name,
        "is_closed": 0,
        "type": "group",
    }]);
    Ok(if old_form { list } else { json!({ "groups": list, "profiles": [] }) })
}

pub fn confirmation_code(state: &mut State, asked: &Asked<'_>) -> Result {
    asked.own_group()?;
    Ok(json!({ "code": state.group(asked.group).code }))
}

pub fn servers(state: &mut State, asked: &Asked<'_>) -> Result {
    asked.own_group()?;
    let servers = &state.group(asked.group).servers;
    let item = |server: &CallbackServer| {
        json!({
            "id": server.id,
            "title": server.title,
            "creator_id": 1,
            "url": server.url,
            "secret_key": server.secret,
            "status": server.status,
        })
    };
    Ok(json!({ "count": servers.len(), "items": servers.iter().map(item).collect::<Vec<Value>>() }))
}

/// Address, title and secret, as VK takes them.
fn told(asked: &Asked<'_>) -> std::result::Result<(String, String, String), Refusal> {
    let (url, title, secret) = (asked.text("url"), asked.text("title"), asked.text("secret_key"));
    if !Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
        return Err(wrong("url"));
    }
    if title.is_empty() || title.chars().count() > 14 {
        return Err(wrong("title"));
    }
    if secret.chars().count() > 50 {
        return Err(wrong("secret_key"));
    }
    Ok((url.to_owned(), title.to_owned(), secret.to_owned()))
}

pub fn add_server(state: &mut State, asked: &Asked<'_>) -> Result {
    asked.own_group()?;
    let (url, title, secret) = told(asked)?;
    let group = state.group(asked.group);
    if group.servers.len() >= SERVERS {
        return Err(refuse(2000));
    }
    let id = group.next();
    group.servers.push(CallbackServer { id, url, title, secret, status: "unconfigured", events: HashSet::new() });
    Ok(json!({ "server_id": id }))
}

pub fn edit_server(state: &mut State, asked: &Asked<'_>) -> Result {
    asked.own_group()?;
    let (url, title, secret) = told(asked)?;
    let server = server(state, asked)?;
    if server.url != url {
        server.status = "unconfigured";
    }
    (server.url, server.title, server.secret) = (url, title, secret);
    Ok(json!(1))
}

pub fn delete_server(state: &mut State, asked: &Asked<'_>) -> Result {
    asked.own_group()?;
    let id = server(state, asked)?.id;
    state.group(asked.group).servers.retain(|server| server.id != id);
    Ok(json!(1))
}

fn server<'a>(state: &'a mut State, asked: &Asked<'_>) -> std::result::Result<&'a mut CallbackServer, Refusal> {
    let id = asked.int("server_id");
    let mut servers = state.group(asked.group).servers.iter_mut();
    servers.find(|server| Some(server.id) == id).ok_or_else(|| wrong("server_id not found"))
}

pub fn choose_for_server(state: &mut State, asked: &Asked<'_>) -> Result {
    asked.own_group()?;
    server(state, asked)?;
    let server = server(state, asked)?;
    choose(&mut server.events, asked)?;
    Ok(json!(1))
}

pub fn choose_for_poll(state: &mut State, asked: &Asked<'_>) -> Result {
    asked.own_group()?;
    let poll = &mut state.group(asked.group).long_poll;
    if let Some(enabled) = asked.int("enabled") {
        poll.is_enabled = enabled == 1;
    }
    choose(&mut poll.events, asked)?;
    Ok(json!(1))
}

/// 1 chooses an event, 0 does not, and what is not named stays as it was.
fn choose(events: &mut HashSet<String>, asked: &Asked<'_>) -> std::result::Result<(), Refusal> {
    if asked.text("api_version").is_empty() {
        return Err(wrong("api_version"));
    }
    for (event, choice) in asked.arguments {
        let is_setting = matches!(event.as_str(), "group_id" | "server_id" | "enabled" | "api_version" | "v");
        match choice.as_str() {
            Some("1") if !is_setting => drop(events.insert(event.clone())),
            Some("0") if !is_setting => drop(events.remove(event)),
            _ if is_setting => {}
            _ => return Err(wrong(event)),
        }
    }
    Ok(())
}

pub fn poll_server(state: &mut State, asked: &Asked<'_>) -> Result {
    asked.own_group()?;
    let poll = &state.group(asked.group).long_poll;
    if !poll.is_enabled {
        return Err(wrong("longpoll for this group is not enabled"));
    }
    let server = format!("{}/whp/{}", asked.url, asked.group);
    Ok(json!({ "key": poll.key, "server": server, "ts": poll.ts.to_string() }))
}
