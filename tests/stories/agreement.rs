//! After hundreds of random operations what was followed, what is read and what stands agree.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::chance::Chance;
use crate::harness::client::Answer;
use crate::harness::feed::{Feed, cursors, events};
use crate::harness::socket::{Operation, Socket};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Someone, World};

stories!(World: five_hundred_random_operations_leave_everything_in_agreement);

const OPERATIONS: usize = 500;
/// So many are under way at a time.
const AT_ONCE: usize = 5;
const PEOPLE: i64 = 8;
const SEED: u64 = 20_261_122;

/// What the events say of a dialogue.
#[derive(Debug, Default, PartialEq)]
struct Told {
    is_open: bool,
    /// By user
    parts: BTreeMap<String, String>,
    tags: BTreeSet<String>,
    comments: BTreeSet<String>,
    /// In order, with what became of those that were sent
    messages: Vec<(String, Option<String>)>,
    last_activity: String,
}

impl Told {
    fn take(&mut self, event: &Value) {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let kind = text("/kind");
        match kind.as_str() {
            "DIALOGUE_OPENED" | "DIALOGUE_REOPENED" => self.is_open = true,
            "DIALOGUE_CLOSED" => self.is_open = false,
            "PARTICIPANT_ADDED" => {
                let before = self.parts.insert(text("/user/id"), text("/role"));
                assert_eq!(before, None, "added twice: {event:#}");
            }
            "PARTICIPANT_REMOVED" => assert_eq!(self.parts.remove(&text("/user/id")), Some(text("/role"))),
            "TAG_ADDED" => assert!(self.tags.insert(text("/tag/id")), "added twice: {event:#}"),
            "TAG_REMOVED" => assert!(self.tags.remove(&text("/tag/id")), "not there: {event:#}"),
            "COMMENT_ADDED" => self.added_comment(&text("/comment/id")),
            "MESSAGE_ADDED" => {
                let queued = event["message"]["origin"] != "CLIENT";
                self.messages.push((text("/message/id"), queued.then(|| "QUEUED".to_owned())));
            }
            "MESSAGE_DELIVERY_CHANGED" => {
                let id = text("/message/id");
                let message = self.messages.iter_mut().find(|(known, _)| *known == id).expect("it was added before");
                message.1 = Some(text("/deliveryStatus"));
            }
            _ => {}
        }
        let activity = ["DIALOGUE_OPENED", "DIALOGUE_REOPENED", "DIALOGUE_CLOSED", "MESSAGE_ADDED"];
        if activity.contains(&kind.as_str()) {
            self.last_activity = text("/at");
        }
    }

    /// One that was deleted since has no id any more.
    fn added_comment(&mut self, id: &str) {
        if !id.is_empty() {
            assert!(self.comments.insert(id.to_owned()), "added twice: {id}");
        }
    }
}

struct Cast {
    channels: Vec<Channel>,
    people: Vec<Person>,
    employees: Vec<Someone>,
    observer: Someone,
}

async fn five_hundred_random_operations_leave_everything_in_agreement(world: World) {
    let mut cast = Cast {
        channels: vec![world.connect_channel("Shop").await, world.connect_channel("Help").await],
        people: (6700..6700 + PEOPLE).map(Person::new).collect(),
        employees: vec![world.admin.clone(), world.user("EMPLOYEE").await, world.user("EMPLOYEE").await],
        observer: world.user("OBSERVER").await,
    };
    let queue: Vec<&str> = cast.employees.iter().map(|one| one.id.as_str()).collect();
    let settings =
        json!({ "queueUserIds": queue, "welcomeText": "Welcome!", "autoReplyEnabled": true, "autoReplyText": "Soon" });
    world.set_channel(&cast.channels[0], settings).await;
    let start = world.cursor().await;
    let mut live = world.follow(&world.admin.api, None).await;
    let mut observed = world.follow(&cast.observer.api, None).await;
    let everybody = cast.employees.iter().chain([&cast.observer]);
    let mut counted = join_all(everybody.map(|one| Counted::follow(&world, one.clone()))).await;

    let mut chance = Chance::new(SEED);
    // Everybody has written once, so that there is something to work on.
    let mut dialogues = Vec::new();
    for person in &cast.people {
        let channel = chance.one_of(&cast.channels);
        dialogues.push(world.write(channel, person, "Hello").await);
    }
    cast.employees.push(cast.observer.clone());
    for _ in 0..OPERATIONS / AT_ONCE {
        let operations: Vec<_> = (0..AT_ONCE).map(|_| draw(&mut chance, &world, &cast, &dialogues)).collect();
        join_all(operations).await;
    }

    // Whatever was sent arrives; then nothing changes any more.
    let log = settled(&world.admin, &start).await;
    let last = cursors(&log).pop().expect("much happened").to_owned();
    let followed = live.until_cursor(&last).await;
    let facts = |events: &[Value]| -> Vec<Value> { events.iter().map(fact).collect() };
    assert_eq!(facts(&followed), facts(&log), "followed and read");

    let all: Vec<String> = everybodys(&world).await;
    for dialogue in &all {
        agree(&world.admin, dialogue, &log).await;
    }
    for viewer in &mut counted {
        let counters = counters_agree(&viewer.who).await;
        viewer.until(&counters).await;
    }
    // One who sees only their own: what they followed stands in what they may read now, in the same order.
    let theirs = events(&cast.observer.api, Some(&start)).await;
    let theirs = cursors(&theirs);
    if let Some(last) = theirs.last() {
        let heard = observed.until_cursor(last).await;
        let all = cursors(&log);
        let granted_or_in_log = heard.iter().filter(|event| !kind_is(event, "ACCESS_"));
        let places: Vec<Option<usize>> =
            granted_or_in_log.map(|event| all.iter().position(|cursor| event["cursor"] == *cursor)).collect();
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{places:?}");
    }
}

fn kind_is(event: &Value, start: &str) -> bool {
    event["kind"].as_str().is_some_and(|kind| kind.starts_with(start))
}

/// What an event says that does not change later: answers show things as they are now.
fn fact(event: &Value) -> Value {
    let fields = ["cursor", "kind", "at", "actor", "dialogue", "deliveryStatus", "user", "role"];
    let mut fact: Value = fields.iter().map(|field| ((*field).to_owned(), event[*field].clone())).collect();
    fact["message"] = event["message"]["id"].clone();
    fact["tag"] = event["tag"]["id"].clone();
    fact
}

/// One operation that chance picks. That it comes at a bad time is no fault; that it fails otherwise is one.
fn draw<'a>(
    chance: &mut Chance,
    world: &'a World,
    cast: &'a Cast,
    dialogues: &'a [String],
) -> impl Future<Output = ()> + use<'a> {
    let dialogue = chance.one_of(dialogues);
    let (who, whom) = (chance.one_of(&cast.employees[..3]), chance.one_of(&cast.employees));
    let (person, channel) = (chance.one_of(&cast.people), chance.one_of(&cast.channels));
    let (sort, part, tag) = (chance.below(16), chance.below(2), chance.below(4));
    async move {
        let id = json!({ "id": dialogue, "user": whom.id, "tag": format!("tag {tag}") });
        let run = async |document: &str, variables: Value| harmless(&who.api.run(document, variables).await);
        match sort {
            0..=3 => world.take(channel, &person.says("Hello")).await,
            4 => {
                let update = person.says("Helo");
                let edit = person.edits(&update, json!({ "text": "Hello" }));
                let (first, second) = tokio::join!(world.deliver(channel, &update), world.deliver(channel, &edit));
                assert_eq!((first.as_u16(), second.as_u16()), (200, 200));
            }
            5 => world.take(channel, &person.blocks(part == 0)).await,
            6 | 7 => {
                let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
                run(send, json!({ "input": { "dialogueId": dialogue, "text": "Hi" } })).await;
            }
            8 => run("mutation($id: ID!) { closeDialogue(dialogueId: $id) { dialogue { id } } }", id).await,
            9 => run("mutation($id: ID!) { reopenDialogue(dialogueId: $id) { dialogue { id } } }", id).await,
            10 => run("mutation($id: ID!) { claimDialogue(dialogueId: $id) { dialogue { id } } }", id).await,
            11 => {
                let set = "mutation($id: ID!, $user: ID!, $role: ParticipantRole!) {
                    setParticipant(dialogueId: $id, userId: $user, role: $role) { dialogue { id } } }";
                let role = ["RESPONSIBLE", "OBSERVER"][part as usize];
                run(set, json!({ "id": dialogue, "user": whom.id, "role": role })).await;
            }
            12 => {
                let remove = "mutation($id: ID!, $user: ID!) { removeParticipant(dialogueId: $id, userId: $user) { dialogue { id } } }";
                run(remove, id).await;
            }
            13 => {
                run(
                    "mutation($id: ID!, $tag: String!) { addTags(dialogueId: $id, names: [$tag]) { dialogue { id } } }",
                    id,
                )
                .await
            }
            14 => {
                let read = "query($id: ID!) { dialogue(id: $id) { tags { id } messages(last: 1) { nodes { id } } comments(last: 1) { nodes { id author { id } } } } }";
                let found = who.api.run(read, id.clone()).await;
                let found = found.at("dialogue");
                if part == 0 {
                    let untag = "mutation($id: ID!, $tags: [ID!]!) { removeTags(dialogueId: $id, tagIds: $tags) { dialogue { id } } }";
                    let tags: Vec<&Value> =
                        found["tags"].as_array().expect("tags").iter().map(|tag| &tag["id"]).collect();
                    run(untag, json!({ "id": dialogue, "tags": tags })).await;
                } else {
                    let mark = "mutation($id: ID!, $message: ID!) { markRead(dialogueId: $id, upToMessageId: $message) { dialogue { id } } }";
                    run(mark, json!({ "id": dialogue, "message": found["messages"]["nodes"][0]["id"] })).await;
                }
            }
            _ => {
                let comment = "mutation($input: AddCommentInput!) { addComment(input: $input) { comment { id } } }";
                run(comment, json!({ "input": { "dialogueId": dialogue, "text": "Note" } })).await;
            }
        }
    }
}

fn harmless(answer: &Answer) {
    if !answer.errors().is_empty() {
        assert_eq!(answer.error_code(), "CONFLICT", "{answer}");
    }
}

/// The log, once all that was queued has been sent.
pub(super) async fn settled(admin: &Someone, start: &str) -> Vec<Value> {
    let unsent = |log: &[Value]| {
        let queued = log.iter().filter(|e| e["kind"] == "MESSAGE_ADDED" && e["message"]["origin"] != "CLIENT").count();
        queued - log.iter().filter(|event| event["kind"] == "MESSAGE_DELIVERY_CHANGED").count()
    };
    let mut log = events(&admin.api, Some(start)).await;
    let mut feed = Feed::follow(&admin.api, log.last().and_then(|event| event["cursor"].as_str())).await;
    while unsent(&log) > 0 {
        log.push(feed.next().await);
    }
    log
}

async fn everybodys(world: &World) -> Vec<String> {
    let answer = world.admin.api.run("{ dialogues(first: 100) { nodes { id } } }", Value::Null).await;
    answer
        .get::<Vec<Value>>("dialogues.nodes")
        .iter()
        .map(|node| node["id"].as_str().expect("an id").to_owned())
        .collect()
}

/// A dialogue as it stands is what its events tell, and its timeline is they.
pub(super) async fn agree(admin: &Someone, dialogue: &str, log: &[Value]) {
    let own: Vec<&Value> = log.iter().filter(|event| event["dialogue"]["id"] == dialogue).collect();
    let mut told = Told::default();
    own.iter().for_each(|event| told.take(event));

    let fields = "state lastActivityAt participants { user { id } role } tags { id }
        comments(first: 100) { nodes { id } } lastMessage { id } messages(first: 100) { totalCount }";
    let read = admin.dialogue(dialogue, fields).await;
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = |value: &Value| value.as_array().expect("a list").clone();
    let standing = Told {
        is_open: read["state"] == "OPEN",
        parts: list(&read["participants"]).iter().map(|one| (text(&one["user"]["id"]), text(&one["role"]))).collect(),
        tags: list(&read["tags"]).iter().map(|tag| text(&tag["id"])).collect(),
        comments: list(&read["comments"]["nodes"]).iter().map(|comment| text(&comment["id"])).collect(),
        messages: messages(admin, dialogue).await,
        last_activity: text(&read["lastActivityAt"]),
    };
    assert_eq!(standing, told, "{dialogue}");
    assert_eq!(read["messages"]["totalCount"], json!(told.messages.len()));
    assert_eq!(read["lastMessage"]["id"].as_str(), told.messages.last().map(|(id, _)| id.as_str()));

    let mut timeline = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = "query($id: ID!, $after: String) { dialogue(id: $id) { events(first: 50, after: $after) { nodes { cursor } pageInfo { hasNextPage endCursor } } } }";
        let answer = admin.api.run(page, json!({ "id": dialogue, "after": after })).await;
        timeline.extend(answer.get::<Vec<Value>>("dialogue.events.nodes"));
        if answer.at("dialogue.events.pageInfo.hasNextPage") == &json!(false) {
            break;
        }
        after = answer.at("dialogue.events.pageInfo.endCursor").clone();
    }
    // CLIENT_CHANGED stands in the timelines of all that the client has.
    let timeline: Vec<&str> = cursors(&timeline);
    let own: Vec<&str> = own.iter().filter_map(|event| event["cursor"].as_str()).collect();
    let missing: Vec<&&str> = own.iter().filter(|cursor| !timeline.contains(cursor)).collect();
    assert!(missing.is_empty(), "{missing:?} of {dialogue}");
    let in_log: Vec<&str> = cursors(log).into_iter().filter(|cursor| timeline.contains(cursor)).collect();
    assert_eq!(timeline, in_log, "in the log's order");
}

/// All messages of a dialogue, by pages.
async fn messages(admin: &Someone, dialogue: &str) -> Vec<(String, Option<String>)> {
    let page = "query($id: ID!, $after: String) { dialogue(id: $id) { messages(first: 40, after: $after) {
        nodes { id delivery { status } } pageInfo { hasNextPage endCursor } } } }";
    let mut all = Vec::new();
    let mut after = Value::Null;
    loop {
        let answer = admin.api.run(page, json!({ "id": dialogue, "after": after })).await;
        let nodes: Vec<Value> = answer.get("dialogue.messages.nodes");
        let status = |message: &Value| message["delivery"]["status"].as_str().map(str::to_owned);
        all.extend(nodes.iter().map(|message| (message["id"].as_str().expect("an id").to_owned(), status(message))));
        if answer.at("dialogue.messages.pageInfo.hasNextPage") == &json!(false) {
            return all;
        }
        after = answer.at("dialogue.messages.pageInfo.endCursor").clone();
    }
}

/// Somebody who follows their counters.
struct Counted {
    who: Someone,
    told: Operation,
    _socket: Socket,
}

impl Counted {
    async fn follow(world: &World, who: Someone) -> Self {
        let socket = Socket::connect(&format!("{}/graphql", world.server.url), who.api.token.as_deref()).await;
        let follow = "subscription { inbox { mine { ...C } unassigned { ...C } others { ...C } closed { ...C } } }
            fragment C on InboxGroup { count unreadCount }";
        let mut told = socket.subscribe(follow, Value::Null);
        // From nothing on they are moved on by what happens.
        told.next().await;
        Self { who, told, _socket: socket }
    }

    /// What was told may be of any moment, and ends in what is.
    async fn until(&mut self, counters: &Value) {
        while &self.told.next().await["data"]["inbox"] != counters {}
    }
}

/// The counters, which are what counting the list by hand gives; and so are the totals of lists by groups alone.
pub(super) async fn counters_agree(viewer: &Someone) -> Value {
    let read = "{ inbox { mine { ...C } unassigned { ...C } others { ...C } closed { ...C } }
        mine: dialogues(filter: { group: MINE }, first: 1) { totalCount }
        unassigned: dialogues(filter: { group: UNASSIGNED, state: OPEN }, first: 1) { totalCount }
        others: dialogues(filter: { group: OTHERS }, first: 1) { totalCount }
        closed: dialogues(filter: { state: CLOSED }, first: 1) { totalCount }
        unread: dialogues(filter: { unreadOnly: true }, first: 1) { totalCount }
        none: dialogues(filter: { group: MINE, state: CLOSED }, first: 1) { totalCount }
        dialogues(first: 100) { totalCount nodes { group unreadCount } } } fragment C on InboxGroup { count unreadCount }";
    let answer = viewer.api.run(read, Value::Null).await;
    let nodes: Vec<Value> = answer.get("dialogues.nodes");
    let mut all_unread = 0;
    for group in ["MINE", "UNASSIGNED", "OTHERS", "CLOSED"] {
        let of: Vec<&Value> = nodes.iter().filter(|node| node["group"] == group).collect();
        let unread = of.iter().filter(|node| node["unreadCount"] != json!(0)).count();
        let name = group.to_lowercase();
        let counter = answer.at(&format!("inbox.{name}"));
        assert_eq!(counter, &json!({ "count": of.len(), "unreadCount": unread }), "{group} of {}", viewer.id);
        assert_eq!(answer.at(&format!("{name}.totalCount")), &json!(of.len()), "the list of {group}");
        all_unread += unread;
    }
    let totals = ["dialogues", "unread", "none"].map(|list| answer.at(&format!("{list}.totalCount")));
    assert_eq!(totals, [&json!(nodes.len()), &json!(all_unread), &json!(0)]);
    answer.at("inbox").clone()
}
