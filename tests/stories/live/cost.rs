//! What following costs the database: no more for many than for one.

use serde_json::{Value, json};

use crate::harness::feed;
use crate::harness::socket::{Operation, Socket};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, World};

stories!(World:
    counters_cost_no_more_however_many_follow_them,
    an_event_costs_no_more_however_many_follow_it,
    batches_cost_no_more_wherever_their_followers_began,
    what_is_unread_is_read_for_all_together,
    what_happens_at_once_is_told_in_one_batch,
);

const FEW: usize = 1;
const MANY: usize = 12;
const TRIES: usize = 5;

/// An employee who follows.
struct Follower {
    told: Operation,
    _socket: Socket,
}

impl Follower {
    async fn new(world: &World, document: &str, variables: Value) -> Self {
        let user = world.user("EMPLOYEE").await;
        let socket = Socket::connect(&format!("{}/graphql", world.server.url), user.api.token.as_deref()).await;
        let told = socket.subscribe(document, variables);
        socket.ping().await;
        Self { told, _socket: socket }
    }
}

/// Statements for a client's message that everybody is told of, with few and with many who follow. Of several tries the
/// fewest: whatever the process does beside it comes on top.
async fn costs(world: &World, document: &str, is_told: impl Fn(&Value, i64) -> bool) -> [u64; 2] {
    let channel: Channel = world.connect_channel("Shop").await;
    let statements = &world.server.running().app.metrics.statements;
    let (mut followers, mut written) = (Vec::new(), 0);
    let mut costs = [u64::MAX; 2];
    for (cost, count) in costs.iter_mut().zip([FEW, MANY]) {
        while followers.len() < count {
            // Each begins at another place of the log.
            let after = feed::cursor(&world.admin.api).await;
            world.take(&channel, &Person::new(5_700).says("Before")).await;
            let variables = if document.contains("$after") { json!({ "after": after }) } else { json!({}) };
            followers.push(Follower::new(world, document, variables).await);
        }
        for _ in 0..TRIES {
            let before = statements.get();
            written += 1;
            world.take(&channel, &Person::new(5_700 + written).says("Hello")).await;
            for follower in &mut followers {
                while !is_told(&follower.told.next().await["data"], written) {}
            }
            *cost = statements.get().saturating_sub(before).min(*cost);
        }
    }
    costs
}

/// The process does this and that beside it; were something read for each, it would be at least one statement for each.
fn agree(few: u64, many: u64) {
    assert!(many < few + (MANY - FEW) as u64, "{many} statements for {MANY}, {few} for {FEW}");
}

/// The message of the one who wrote last is among these events.
fn is_in(events: &Value, written: i64) -> bool {
    let name = Person::new(5_700 + written).name;
    let is_told = |event: &Value| event["message"]["author"]["name"] == json!(name);
    events.as_array().is_some_and(|events| events.iter().any(is_told))
}

async fn counters_cost_no_more_however_many_follow_them(world: World) {
    let document = "subscription { inbox { unassigned { count } } }";
    // One dialogue more is that of who wrote before.
    let is_told = |data: &Value, written| data["inbox"]["unassigned"]["count"] == json!(written + 1);
    let [few, many] = costs(&world, document, is_told).await;
    agree(few, many);
}

const EVENT: &str =
    "kind dialogue { id client { name } } ... on MessageEvent { message { text author { ... on Client { name } } } }";

async fn an_event_costs_no_more_however_many_follow_it(world: World) {
    let document = format!("subscription($after: String) {{ events(after: $after) {{ {EVENT} }} }}");
    let [few, many] = costs(&world, &document, |data, written| is_in(&json!([data["events"]]), written)).await;
    agree(few, many);
}

async fn batches_cost_no_more_wherever_their_followers_began(world: World) {
    let document = format!("subscription($after: String) {{ eventBatches(after: $after) {{ events {{ {EVENT} }} }} }}");
    let [few, many] = costs(&world, &document, |data, written| is_in(&data["eventBatches"]["events"], written)).await;
    agree(few, many);
}

async fn what_is_unread_is_read_for_all_together(world: World) {
    let document = format!(
        "subscription($after: String) {{ events(after: $after, filter: {{ kinds: [MESSAGE_ADDED] }}) {{
            {EVENT} dialogue {{ unreadCount group viewerCan {{ reply }} }} }} }}"
    );
    let [few, many] = costs(&world, &document, |data, written| is_in(&json!([data["events"]]), written)).await;
    agree(few, many);
}

async fn what_happens_at_once_is_told_in_one_batch(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(5_790), "Hello").await;
    let document = "subscription($after: String) { eventBatches(after: $after) { live cursor events { cursor ... on TagEvent { tag { name } } } } }";
    let after = feed::cursor(&world.admin.api).await;
    let mut follower = Follower::new(&world, document, json!({ "after": after })).await;
    let tag = "mutation($d: ID!, $n: [String!]!) { addTags(dialogueId: $d, names: $n) { dialogue { id } } }";
    let names: Vec<String> = (10..40).map(|number| format!("tag {number}")).collect();
    world.admin.api.run(tag, json!({ "d": dialogue, "n": names })).await.data();
    let log = world.events_after(&after).await;
    let mut told: Vec<Value> = Vec::new();
    let mut batches = 0;
    while told.len() < log.len() {
        let batch = follower.told.next().await["data"]["eventBatches"].take();
        assert_eq!(batch["live"], true);
        let events = batch["events"].as_array().expect("a list").clone();
        // The first tells that there is no more of the past.
        batches += usize::from(!events.is_empty());
        told.extend(events);
    }
    assert_eq!(feed::cursors(&told), feed::cursors(&log));
    assert_eq!(batches, 1, "{} events of one change", told.len());
}
