//! The callback servers of a community: where VK posts its events to.
//!
//! A community has up to ten, and others' stand beside ours: only what has our address, or our title and the form of our
//! addresses, is touched.

use serde_json::Value;
use url::Url;

use super::client::{CallError, VERSION, Vk, unreadable};
use super::fault;
use super::read::{EVENTS, OTHER_EVENTS, int_of, str_of};
use crate::messenger::{Fault, Secret};

/// What our servers are called in the community's settings; up to 14 characters.
const TITLE: &str = "colloquy";
/// How the path of an address of ours goes on after what `PUBLIC_URL` has.
const DOOR: &str = "/webhooks/vk/";

/// The answer that proves an address ours. VK changes it now and then.
pub async fn confirmation(vk: &Vk) -> Result<String, Fault> {
    let group = [("group_id", vk.group().to_string())];
    let answer = vk.call("groups.getCallbackConfirmationCode", &group).await.map_err(fault::of_call)?;
    let code =
        str_of(&answer, "code").filter(|code| code.bytes().all(|b| b.is_ascii_alphanumeric()) && !code.is_empty());
    code.map(str::to_owned).ok_or_else(|| fault::of_call(unreadable()))
}

/// Has the events that we read posted to `url`, with `secret` in them. VK tries the address out meanwhile.
pub async fn subscribe(vk: &Vk, url: &str, secret: &Secret) -> Result<(), Fault> {
    let mut known = servers(vk).await?.into_iter().filter(|server| server.url == url).map(|server| server.id);
    let told = [
        ("group_id", vk.group().to_string()),
        ("url", url.to_owned()),
        ("title", TITLE.to_owned()),
        ("secret_key", secret.expose().to_owned()),
    ];
    let before = known.next();
    let id = match before {
        Some(id) => {
            let told: Vec<_> = told.into_iter().chain([("server_id", id.to_string())]).collect();
            vk.call("groups.editCallbackServer", &told).await.map_err(fault::of_call)?;
            id
        }
        None => {
            let added = vk.call("groups.addCallbackServer", &told).await.map_err(fault::of_call)?;
            int_of(&added, "server_id").ok_or_else(|| fault::of_call(unreadable()))?
        }
    };
    // Of several with one address each would bring everything.
    for id in known {
        remove(vk, id).await?;
    }
    let mut settings = vec![("server_id", id.to_string())];
    settings.extend(chosen(vk));
    let chosen = vk.call("groups.setCallbackSettings", &settings).await;
    if chosen.is_err() && before.is_none() {
        // A further try may be for another address: none is left that nobody would remove. What failed first is told.
        let _ = remove(vk, id).await;
    }
    chosen.map(drop).map_err(fault::of_call)
}

/// Removes the servers of that address; where none is known, those that can only be ours.
pub async fn unsubscribe(vk: &Vk, url: Option<&str>) -> Result<(), Fault> {
    for server in servers(vk).await? {
        let is_ours = match url {
            Some(url) => server.url == url,
            None => server.title == TITLE && leads_to_a_door(&server.url),
        };
        if is_ours {
            remove(vk, server.id).await?;
        }
    }
    Ok(())
}

/// The choice of events, for `groups.setCallbackSettings` and `groups.setLongPollSettings`.
pub fn chosen(vk: &Vk) -> Vec<(&'static str, String)> {
    let mut settings = vec![("group_id", vk.group().to_string()), ("api_version", VERSION.to_owned())];
    settings.extend(EVENTS.iter().map(|event| (*event, "1".to_owned())));
    settings.extend(OTHER_EVENTS.iter().map(|event| (*event, "0".to_owned())));
    settings
}

struct Server {
    id: i64,
    url: String,
    title: String,
}

async fn servers(vk: &Vk) -> Result<Vec<Server>, Fault> {
    let group = [("group_id", vk.group().to_string())];
    let answer = vk.call("groups.getCallbackServers", &group).await.map_err(fault::of_call)?;
    let server = |of: &Value| {
        let text = |key| str_of(of, key).unwrap_or_default().to_owned();
        Some(Server { id: int_of(of, "id")?, url: text("url"), title: text("title") })
    };
    Ok(answer["items"].as_array().into_iter().flatten().filter_map(server).collect())
}

async fn remove(vk: &Vk, id: i64) -> Result<(), Fault> {
    let server = [("group_id", vk.group().to_string()), ("server_id", id.to_string())];
    match vk.call("groups.deleteCallbackServer", &server).await {
        // Somebody else was faster.
        Ok(_) | Err(CallError::Refused { code: 100, .. }) => Ok(()),
        Err(error) => Err(fault::of_call(error)),
    }
}

fn leads_to_a_door(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.path().contains(DOOR))
}
