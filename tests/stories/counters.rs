//! `inbox` is exact at every request, without counting the dialogues at any.

use futures_util::future::join_all;
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::agreement::counters_agree;
use crate::harness::Backend;
use crate::harness::chance::Chance;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Someone, World};

stories!(World:
    counters_are_what_the_lists_hold_after_each_of_many_deeds,
    each_of_many_who_work_at_once_finds_their_own_work_counted,
    a_process_that_starts_goes_on_from_what_was_written_down,
    counters_cost_the_same_however_many_dialogues_there_are,
);

const DEEDS: usize = 200;
const SEED: u64 = 20_261_123;

const INBOX: &str = "{ inbox { mine { ...C } unassigned { ...C } others { ...C } closed { ...C } } }
    fragment C on InboxGroup { count unreadCount }";

async fn inbox(viewer: &Someone) -> Value {
    viewer.api.run(INBOX, Value::Null).await.at("inbox").clone()
}

async fn update_user(world: &World, user: &Someone, change: Value) {
    let mut input = change;
    input["userId"] = json!(user.id);
    let update = "mutation($input: UpdateUserInput!) { updateUser(input: $input) { user { id } } }";
    world.admin.api.run(update, json!({ "input": input })).await.data();
}

/// What may be done as things stand, or comes at a bad time.
async fn act(who: &Someone, mutation: &str, id: &str) {
    let answer = who.act(mutation, "dialogueId", id).await;
    assert!(answer.errors().is_empty() || answer.error_code() == "CONFLICT", "{answer}");
}

async fn mark_read(who: &Someone, dialogue: &str, which: &str) {
    let list = format!("messages({which}: 2) {{ nodes {{ id }} }}");
    let message = who.dialogue(dialogue, &list).await["messages"]["nodes"][0]["id"].clone();
    who.mark_read(dialogue, message.as_str().expect("an id")).await;
}

struct Cast {
    channels: [Channel; 2],
    people: Vec<Person>,
    /// Who may do everything.
    able: Vec<Someone>,
    /// Who is let into dialogues.
    observer: Someone,
    /// An employee now, an observer then.
    changing: Someone,
    /// Works here, and does not.
    leaving: Someone,
}

impl Cast {
    fn everybody(&self) -> Vec<&Someone> {
        self.able.iter().chain([&self.observer, &self.changing]).collect()
    }

    /// One deed that chance picks.
    async fn act(&mut self, world: &World, chance: &mut Chance, dialogues: &mut Vec<String>, number: usize) {
        let sort = if dialogues.len() < 4 { 0 } else { chance.below(20) };
        let (channel, person) = (chance.one_of(&self.channels), chance.one_of(&self.people));
        if sort < 5 {
            let written = world.write(channel, person, "Hello").await;
            if !dialogues.contains(&written) {
                dialogues.push(written);
            }
            return;
        }
        let id = chance.one_of(dialogues).clone();
        let who = chance.one_of(&self.able);
        let whom = [chance.one_of(&self.able), &self.observer, &self.changing, &self.leaving][chance.below(4) as usize];
        match sort {
            5 | 6 => drop(who.send(&id, "Hi").await),
            7 | 8 => act(who, "closeDialogue", &id).await,
            9 => act(who, "reopenDialogue", &id).await,
            10 => act(who, "claimDialogue", &id).await,
            11..=13 => {
                let role = ["RESPONSIBLE", "OBSERVER"][chance.below(2) as usize];
                let set = "mutation($id: ID!, $user: ID!, $role: ParticipantRole!) {
                    setParticipant(dialogueId: $id, userId: $user, role: $role) { dialogue { id } } }";
                let answer = who.api.run(set, json!({ "id": id, "user": whom.id, "role": role })).await;
                // Whoever does not work here just now cannot be named.
                assert!(answer.errors().is_empty() || whom.id == self.leaving.id, "{answer}");
            }
            14 => {
                let remove = "mutation($id: ID!, $user: ID!) {
                    removeParticipant(dialogueId: $id, userId: $user) { dialogue { id } } }";
                who.api.run(remove, json!({ "id": id, "user": whom.id })).await.data();
            }
            15 => mark_read(who, &id, "first").await,
            16 => mark_read(who, &id, "last").await,
            17 => update_user(world, &self.leaving, json!({ "isActive": chance.below(2) == 0 })).await,
            18 => {
                let role = ["EMPLOYEE", "OBSERVER"][chance.below(2) as usize];
                update_user(world, &self.changing, json!({ "role": role })).await;
            }
            // Somebody new, to whom everything is read.
            _ if number > DEEDS / 3 && self.able.len() < 5 => self.able.push(world.user("EMPLOYEE").await),
            _ => {
                let mine = "{ dialogues(first: 1, filter: { unreadOnly: true }) { nodes { id } } }";
                let unread: Vec<Value> = who.api.run(mine, Value::Null).await.get("dialogues.nodes");
                if let Some(unread) = unread.first().and_then(|node| node["id"].as_str()) {
                    mark_read(who, unread, "last").await;
                }
            }
        }
    }
}

async fn counters_are_what_the_lists_hold_after_each_of_many_deeds(world: World) {
    let mut cast = Cast {
        channels: [world.connect_channel("Shop").await, world.connect_channel("Help").await],
        people: (8800..8807).map(Person::new).collect(),
        able: vec![world.admin.clone(), world.user("EMPLOYEE").await],
        observer: world.user("OBSERVER").await,
        changing: world.user("EMPLOYEE").await,
        leaving: world.user("EMPLOYEE").await,
    };
    let queue = json!({ "queueUserIds": [cast.able[1].id, cast.leaving.id] });
    world.set_channel(&cast.channels[0], queue).await;
    // What is done by one process is counted by the other at once.
    let other = match world.backend {
        Backend::Postgres => Some(world.another().await),
        Backend::Sqlite => None,
    };
    let mut chance = Chance::new(SEED);
    let mut dialogues = Vec::new();
    for number in 0..DEEDS {
        cast.act(&world, &mut chance, &mut dialogues, number).await;
        let asking = cast.everybody().into_iter().map(async |one| {
            let counted = counters_agree(one).await;
            if let Some(other) = &other {
                assert_eq!(inbox(&one.at(&other.url)).await, counted, "in another process, after {number}");
            }
        });
        join_all(asking).await;
    }
    let all = inbox(&world.admin).await;
    let groups =
        ["mine", "unassigned", "others", "closed"].map(|group| all[group]["count"].as_i64().expect("a number"));
    assert_eq!(groups.iter().sum::<i64>(), dialogues.len() as i64);
    assert!(dialogues.len() > 10 && cast.able.len() == 5, "enough has happened: {groups:?}");
}

async fn each_of_many_who_work_at_once_finds_their_own_work_counted(world: World) {
    const PEOPLE: usize = 6;
    const EACH: usize = 5;
    let channel = world.connect_channel("Shop").await;
    let mut employees = Vec::new();
    for _ in 0..PEOPLE {
        employees.push(world.user("EMPLOYEE").await);
    }
    let mut dialogues = Vec::new();
    for number in 0..PEOPLE * EACH {
        dialogues.push(world.write(&channel, &Person::new(8820 + number as i64), "Hello").await);
    }
    join_all(employees.iter().zip(dialogues.chunks(EACH)).map(async |(one, own)| {
        for (number, dialogue) in own.iter().enumerate() {
            one.act("claimDialogue", "dialogueId", dialogue).await.data();
            let mine = &inbox(one).await["mine"];
            assert_eq!(mine, &json!({ "count": number + 1, "unreadCount": 1 }), "of {}", one.id);
            mark_read(one, dialogue, "last").await;
            assert_eq!(inbox(one).await["mine"]["unreadCount"], 0, "of {}", one.id);
            // Gives up waiting: that the others' counters are being moved on for them too ends with nobody.
            let given_up = one.api.request(INBOX, &Value::Null).send();
            let _ = tokio::time::timeout(std::time::Duration::from_micros(number as u64 * 300), given_up).await;
        }
    }))
    .await;
    for one in &employees {
        let counted = counters_agree(one).await;
        assert_eq!(counted["others"]["count"], json!((PEOPLE - 1) * EACH));
    }
}

/// Runs statements on the database while no server does.
async fn behind_its_back(world: &mut World, statements: &[&str]) {
    world.server.stop().await;
    let db = sea_orm::Database::connect(&world.database.url).await.expect("the database answers");
    for statement in statements {
        db.execute_unprepared(statement).await.expect("a statement runs");
    }
    db.close().await.expect("it ends");
    world.restart().await;
}

/// So much that nobody follows it.
const MUCH: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20001)
    INSERT INTO events (position, mark, batch, at, kind, detail)
    SELECT (SELECT position FROM log_heads) + i, 1, 9000000 + i, 0, 'DIALOGUE_CLOSED', '{\"subjects\":[]}' FROM n";

async fn a_process_that_starts_goes_on_from_what_was_written_down(mut world: World) {
    let channel = world.connect_channel("Shop").await;
    let employee = world.user("EMPLOYEE").await;
    let observer = world.user("OBSERVER").await;
    let mut dialogues = Vec::new();
    for number in 0..4 {
        dialogues.push(world.write(&channel, &Person::new(8870 + number), "Hello").await);
    }
    employee.act("claimDialogue", "dialogueId", &dialogues[0]).await.data();
    world.admin.set_participant(&dialogues[1], &observer.id, "OBSERVER").await;
    world.admin.close(&dialogues[2]).await;
    for one in [&world.admin, &employee, &observer] {
        counters_agree(one).await;
    }

    // What is written down differs from what a count would give: so it shows which of the two is told.
    behind_its_back(&mut world, &["UPDATE counters SET closed = closed + 1000"]).await;
    let at = |world: &World, one: &Someone| one.at(&world.server.url);
    let closed = async |world: &World, one: &Someone| inbox(&at(world, one)).await["closed"]["count"].clone();
    assert_eq!(closed(&world, &employee).await, 1001, "nobody has counted");
    assert_eq!(closed(&world, &observer).await, 1000);
    world.admin.close(&dialogues[0]).await;
    world.admin.close(&dialogues[1]).await;
    let counted = inbox(&at(&world, &employee)).await;
    assert_eq!(counted["closed"], json!({ "count": 1003, "unreadCount": 3 }), "moved on by what happened");
    assert_eq!((&counted["mine"]["count"], &counted["unassigned"]["count"]), (&json!(0), &json!(1)));
    assert_eq!(closed(&world, &observer).await, 1001);

    // Whose role has changed since it was written is counted.
    update_user(&world, &observer, json!({ "role": "EMPLOYEE" })).await;
    assert_eq!(closed(&world, &observer).await, 1003, "what all see is known");
    behind_its_back(&mut world, &["DELETE FROM counters"]).await;
    for one in [&world.admin, &employee, &observer] {
        counters_agree(&at(&world, one)).await;
    }
    let much = [MUCH, "UPDATE log_heads SET position = position + 20001", "UPDATE counters SET closed = closed + 1000"];
    behind_its_back(&mut world, &much).await;
    for one in [&world.admin, &employee, &observer] {
        counters_agree(&at(&world, one)).await;
    }
}

/// The fewest statements of several tries of the same: whatever the process does beside it comes on top.
async fn cost(world: &World, mut prepare: impl AsyncFnMut(usize)) -> u64 {
    let statements = &world.server.running().app.metrics.statements;
    let mut fewest = u64::MAX;
    for number in 0..4 {
        prepare(number).await;
        let before = statements.get();
        inbox(&world.admin).await;
        fewest = fewest.min(statements.get() - before);
    }
    fewest
}

async fn counters_cost_the_same_however_many_dialogues_there_are(world: World) {
    const FEW: usize = 20;
    const MANY: usize = 300;
    let channel = world.connect_channel("Shop").await;
    let people: Vec<Person> = (0..MANY as i64).map(|number| Person::new(9100 + number)).collect();
    let write = async |people: &[Person]| {
        for ten in people.chunks(10) {
            let updates: Vec<Value> = ten.iter().map(|person| person.says("Hello")).collect();
            join_all(updates.iter().map(|update| world.take(&channel, update))).await;
        }
    };
    let costs = async |people: &[Person]| {
        [
            cost(&world, async |_| ()).await,
            cost(&world, async |number| write(&people[number..=number]).await).await,
            cost(&world, async |_| write(&people[..FEW]).await).await,
        ]
    };
    write(&people[..FEW]).await;
    let few = costs(&people).await;
    write(&people[FEW..]).await;
    let many = costs(&people).await;
    assert_eq!(inbox(&world.admin).await["unassigned"], json!({ "count": MANY, "unreadCount": MANY }));
    assert!(few[0] > 0 && few[2] > few[0], "something is looked up: {few:?}");
    // What the process does beside it may come in between, each time; a statement for each event would be 19 more.
    for (few, many) in few.into_iter().zip(many) {
        assert!(many < few + 6, "{many} statements for {MANY} dialogues, {few} for {FEW}");
    }
    assert!(few[2] < few[1] + 6, "{few:?}: the same for one event and for many");

    // What no event tells of is not noticed: nobody goes through the table.
    let db = world.server.running().app.db.write();
    db.execute_unprepared("UPDATE dialogues SET state = 'CLOSED'").await.expect("a statement runs");
    assert_eq!(inbox(&world.admin).await["closed"]["count"], 0);
}
