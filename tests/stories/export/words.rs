//! What the API says, in the words of an export.

use serde_json::{Value, json};

use crate::harness::client::Api;

const FIELDS: &str =
    "id channel { id name kind } client { id name username } contractor { id name } state isReachable openedAt
    closedAt lastActivityAt lastMessage { id } participants { user { id name } role } tags { id name }
    deals { id title } projects { id name } tasks { id title } messages(first: 100) { totalCount nodes {
        id origin text createdAt sentAt albumId forwardedFrom editedAt deletedAt
        author { __typename ... on User { id user: name } ... on Client { id client: name } }
        replyTo { id } delivery { status at failure attempts }
        attachments {
            __typename
            ... on File { id kind name contentType size state url width height duration }
            ... on Location { latitude longitude title }
            ... on SharedContact { contact: name phone }
        }
    } }";

/// The dialogues that somebody sees of these, in this order.
async fn read(api: &Api, ids: &[String]) -> Vec<Value> {
    let mut all = Vec::new();
    for id in ids {
        let document = format!("query($id: ID!) {{ dialogue(id: $id) {{ {FIELDS} }} }}");
        all.push(api.run(&document, json!({ "id": id })).await.at("dialogue").clone());
    }
    all.retain(|dialogue| !dialogue.is_null());
    all
}

fn list(all: &Value, pointer: &str) -> Value {
    all.as_array().expect("a list").iter().map(|one| one.pointer(pointer).expect("it is there").clone()).collect()
}

/// Those as lines.
pub async fn dialogues(api: &Api, ids: &[String]) -> Vec<Value> {
    read(api, ids).await.iter().map(dialogue).collect()
}

fn dialogue(of: &Value) -> Value {
    let part = |role: &str| -> Value {
        of["participants"].as_array().expect("a list").iter().filter(|one| one["role"] == role).cloned().collect()
    };
    json!({
        "id": of["id"],
        "channelId": of["channel"]["id"], "channelName": of["channel"]["name"], "channelKind": of["channel"]["kind"],
        "clientId": of["client"]["id"], "clientName": of["client"]["name"], "clientUsername": of["client"]["username"],
        "contractorId": of["contractor"]["id"], "contractorName": of["contractor"]["name"],
        "state": of["state"], "isReachable": of["isReachable"],
        "openedAt": of["openedAt"], "closedAt": of["closedAt"], "lastActivityAt": of["lastActivityAt"],
        "lastMessageId": of["lastMessage"]["id"], "messageCount": of["messages"]["totalCount"],
        "responsibleIds": list(&part("RESPONSIBLE"), "/user/id"), "responsibleNames": list(&part("RESPONSIBLE"), "/user/name"),
        "observerIds": list(&part("OBSERVER"), "/user/id"), "observerNames": list(&part("OBSERVER"), "/user/name"),
        "tagIds": list(&of["tags"], "/id"), "tagNames": list(&of["tags"], "/name"),
        "dealIds": list(&of["deals"], "/id"), "dealNames": list(&of["deals"], "/title"),
        "projectIds": list(&of["projects"], "/id"), "projectNames": list(&of["projects"], "/name"),
        "taskIds": list(&of["tasks"], "/id"), "taskNames": list(&of["tasks"], "/title"),
    })
}

/// Their messages as lines.
pub async fn messages(api: &Api, ids: &[String]) -> Vec<Value> {
    let dialogues = read(api, ids).await;
    let of = |dialogue: &Value| -> Vec<Value> {
        let nodes = dialogue["messages"]["nodes"].as_array().expect("messages");
        nodes.iter().map(|node| message(dialogue, node)).collect()
    };
    dialogues.iter().flat_map(of).collect()
}

fn message(dialogue: &Value, of: &Value) -> Value {
    let name = if of["author"]["__typename"] == "User" { "user" } else { "client" };
    let mut attachments = of["attachments"].clone();
    for one in attachments.as_array_mut().expect("a list") {
        let one = one.as_object_mut().expect("an object");
        if let Some(name) = one.remove("contact") {
            one.insert("name".into(), name);
        }
        if let Some(url) = one.get_mut("url") {
            *url = json!(url.as_str().expect("an address").split_once("/files/").expect("a file's").1);
        }
    }
    json!({
        "id": of["id"], "dialogueId": dialogue["id"],
        "channelId": dialogue["channel"]["id"], "channelName": dialogue["channel"]["name"],
        "clientId": dialogue["client"]["id"], "clientName": dialogue["client"]["name"],
        "origin": of["origin"], "authorId": of["author"]["id"], "authorName": of["author"][name],
        "text": of["text"], "attachments": attachments, "replyToId": of["replyTo"]["id"],
        "createdAt": of["createdAt"], "sentAt": of["sentAt"], "albumId": of["albumId"],
        "forwardedFrom": of["forwardedFrom"], "editedAt": of["editedAt"], "deletedAt": of["deletedAt"],
        "deliveryStatus": of["delivery"]["status"], "deliveryAt": of["delivery"]["at"],
        "failure": of["delivery"]["failure"], "attempts": of["delivery"]["attempts"],
    })
}

/// Events as lines, as far as stories read them.
pub fn events(read: &[Value]) -> Vec<Value> {
    read.iter().map(event).collect()
}

fn event(of: &Value) -> Value {
    let text = match of["message"]["text"].is_null() {
        true => &of["comment"]["text"],
        false => &of["message"]["text"],
    };
    let dialogue = if of["__typename"] == "AccessEvent" { &of["dialogueId"] } else { &of["dialogue"]["id"] };
    json!({
        "cursor": of["cursor"], "kind": of["kind"], "at": of["at"], "actorId": of["actor"]["id"], "dialogueId": dialogue,
        "messageId": of["message"]["id"], "deliveryStatus": of["deliveryStatus"], "text": text,
        "role": of["role"], "tagId": of["tag"]["id"], "tagName": of["tag"]["name"],
        "clientId": of["client"]["id"], "clientName": of["client"]["name"], "channelId": of["channel"]["id"],
        "cardId": of["card"]["id"], "changes": if of["changes"].is_null() { json!([]) } else { of["changes"].clone() },
    })
}

/// The same of an export's lines.
pub fn of_events(lines: &[Value]) -> Vec<Value> {
    let known = event(&Value::Null);
    let keep = |line: &Value| {
        let fields = known.as_object().expect("an object").keys();
        Value::Object(fields.map(|field| (field.clone(), line[field].clone())).collect())
    };
    for line in lines {
        for (id, name) in [("actorId", "actorName"), ("cardId", "cardName"), ("userId", "userName")] {
            assert_eq!(line[id].is_null(), line[name].is_null(), "{line:#}");
        }
    }
    lines.iter().map(keep).collect()
}
