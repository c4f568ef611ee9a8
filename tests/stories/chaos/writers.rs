//! Those who write all the time: clients by Telegram's updates, operators by mutations.

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::harness::chance::Chance;
use crate::harness::updates::Person;
use crate::harness::world::Someone;

use super::installation::{Installation, PATIENCE, PAUSE, Stage};

/// Those who write by one writer
const PEOPLE: usize = 4;
/// Telegram takes one message a second in a chat, and all have to leave.
const SENDS: usize = 8;

/// A client's texts until the storm is over. Each was acknowledged at last.
pub async fn clients(installation: &Installation, mut chance: Chance, number: i64) -> Vec<String> {
    let mut people: Vec<Person> = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    while installation.stage() == Stage::Storm {
        if people.is_empty() || (people.len() < PEOPLE && chance.below(8) == 0) {
            people.push(Person::new(9000 + number * 100 + people.len() as i64));
        }
        let person = chance.one_of(&people);
        // Several at once, of a new client too.
        let several = 1 + chance.below(3) as usize;
        let said: Vec<String> = (0..several).map(|part| format!("{} {}", person.name, texts.len() + part)).collect();
        join_all(said.iter().map(|text| bring(installation, person.says(text), chance.part()))).await;
        texts.extend(said);
    }
    texts
}

/// Telegram posts an update until it is taken, now and then once more.
pub async fn bring(installation: &Installation, update: Value, mut chance: Chance) {
    let mut times = 1 + usize::from(chance.below(8) == 0);
    while times > 0 {
        let door = installation.door_to_write(&mut chance);
        let post = installation.world.telegram.try_deliver_at(&door, &installation.channel.token, &update);
        match timeout(PATIENCE, post).await {
            Ok(Ok(StatusCode::OK)) => {
                installation.acknowledge();
                times -= 1;
                continue;
            }
            Ok(Ok(status)) => assert!(status.is_server_error(), "{status} for {update:#}"),
            // It broke off, or nobody answers there.
            Ok(Err(_)) | Err(_) => {}
        }
        sleep(PAUSE).await;
    }
}

/// What an acknowledged mutation is told by: the one event of this kind with this id.
#[derive(Debug)]
pub struct Promise {
    pub kind: &'static str,
    /// Where an event has the id
    pub place: &'static str,
    pub id: String,
}

/// A mutation. Where it makes something, the answer says what at a path.
struct Change {
    document: &'static str,
    variables: Value,
    makes: Option<(&'static str, &'static str, &'static str)>,
}

/// An operator's changes until the storm is over: what those that were answered promise. Of the others nobody knows.
pub async fn operator(installation: &Installation, who: &Someone, mut chance: Chance, name: &str) -> Vec<Promise> {
    let mut promises = Vec::new();
    let (mut number, mut sends) = (0, 0);
    while installation.stage() == Stage::Storm {
        number += 1;
        let change = draw(installation, &mut chance, &format!("{name} {number}"), sends < SENDS);
        sends += usize::from(change.document == SEND);
        let who = who.at(&installation.door_to_write(&mut chance));
        let Ok(Ok(answer)) = timeout(PATIENCE, who.api.try_run(change.document, change.variables)).await else {
            sleep(PAUSE).await;
            continue;
        };
        if !answer.errors().is_empty() {
            // Another was first, or a server is away.
            assert!(["CONFLICT", "INTERNAL"].contains(&answer.error_code()), "{answer}");
            sleep(PAUSE).await;
            continue;
        }
        installation.acknowledge();
        if let Some((kind, path, place)) = change.makes {
            promises.push(Promise { kind, place, id: answer.get(path) });
        }
    }
    promises
}

const SEND: &str = "mutation($id: ID!, $text: String!) {
    sendMessage(input: { dialogueId: $id, text: $text }) { message { id } } }";
const COMMENT: &str = "mutation($id: ID!, $text: String!) {
    addComment(input: { dialogueId: $id, text: $text }) { comment { id } } }";
const TASK: &str = "mutation($id: ID!, $text: String!) {
    createTask(input: { dialogueId: $id, title: $text }) { task { id } } }";
const TAG: &str = "mutation($id: ID!, $tag: String!) { addTags(dialogueId: $id, names: [$tag]) { dialogue { id } } }";
const CLOSE: &str = "mutation($id: ID!) { closeDialogue(dialogueId: $id) { dialogue { id } } }";
const REOPEN: &str = "mutation($id: ID!) { reopenDialogue(dialogueId: $id) { dialogue { id } } }";
const CLAIM: &str = "mutation($id: ID!) { claimDialogue(dialogueId: $id) { dialogue { id } } }";
const SET: &str = "mutation($id: ID!, $user: ID!, $role: ParticipantRole!) {
    setParticipant(dialogueId: $id, userId: $user, role: $role) { dialogue { id } } }";

fn draw(installation: &Installation, chance: &mut Chance, text: &str, may_send: bool) -> Change {
    let id = chance.one_of(&installation.dialogues);
    let with_text = json!({ "id": id, "text": text });
    let (document, variables, makes) = match chance.below(12) {
        0..=2 if may_send => (SEND, with_text, Some(("MESSAGE_ADDED", "sendMessage.message.id", "/message/id"))),
        0..=4 => (COMMENT, with_text, Some(("COMMENT_ADDED", "addComment.comment.id", "/comment/id"))),
        5 | 6 => (TASK, with_text, Some(("TASK_CREATED", "createTask.task.id", "/card/id"))),
        7 => (TAG, json!({ "id": id, "tag": format!("tag {}", chance.below(40)) }), None),
        8 => (CLOSE, json!({ "id": id }), None),
        9 => (REOPEN, json!({ "id": id }), None),
        10 => (CLAIM, json!({ "id": id }), None),
        _ => {
            let user = &chance.one_of(&installation.employees).id;
            let role = chance.one_of(&["RESPONSIBLE", "OBSERVER"]);
            (SET, json!({ "id": id, "user": user, "role": role }), None)
        }
    };
    Change { document, variables, makes }
}
