//! Cards: contractors, deals, projects and tasks, from the chat to the card and back.

use serde_json::{Value, json};

use crate::harness::client::Answer;
use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Someone, World};

mod filters;
mod merging;
mod mirroring;
mod rights;
mod statements;
mod values;

stories!(World:
    from_a_message_to_a_won_deal_all_stands_in_the_timeline,
    what_is_made_in_a_dialogue_is_one_event,
    linking_twice_is_linking_once,
    the_latest_linked_deal_is_the_current_one,
    an_event_of_a_card_stands_in_the_timeline_of_each_of_its_dialogues,
    a_linked_contractor_takes_the_client_with_all_their_dialogues,
    a_page_of_cards_nests_all_that_belongs_to_each,
    lists_are_filtered_and_paged,
);

/// A funnel and its stages.
struct Funnel {
    id: String,
    new: String,
    won: String,
}

async fn funnel(world: &World) -> Funnel {
    let create = "mutation($input: CreateFunnelInput!) { createFunnel(input: $input) { funnel { id stages { id } } } }";
    let input = json!({ "name": "Sales", "stages": [{ "name": "New" }, { "name": "Won", "kind": "WON" }] });
    let answer = world.admin.api.run(create, json!({ "input": input })).await;
    Funnel {
        id: answer.get("createFunnel.funnel.id"),
        new: answer.get("createFunnel.funnel.stages.0.id"),
        won: answer.get("createFunnel.funnel.stages.1.id"),
    }
}

/// `createDeal`, `updateDeal`, …: `act` and the noun, with the fields of its input.
#[track_caller]
fn change(someone: &Someone, act: &str, noun: &str, input: &Value) -> impl Future<Output = Answer> + use<> {
    let (field, card) = (format!("{act}{noun}"), noun.to_lowercase());
    let input_type = format!("{}{}{noun}Input", act[..1].to_uppercase(), &act[1..]);
    let document = format!("mutation($input: {input_type}!) {{ {field}(input: $input) {{ {card} {{ id }} }} }}");
    someone.api.run(&document, json!({ "input": input }))
}

/// Makes a card; gives its id.
#[track_caller]
fn create(someone: &Someone, noun: &str, input: Value) -> impl Future<Output = String> + use<> {
    let path = format!("create{noun}.{}.id", noun.to_lowercase());
    let answer = change(someone, "create", noun, &input);
    async move { answer.await.get(&path) }
}

/// `linkDeal`, `unlinkTask`, …
#[track_caller]
fn link(someone: &Someone, mutation: &str, dialogue: &str, card: &str) -> impl Future<Output = Answer> + use<> {
    let noun = mutation.trim_start_matches("un").trim_start_matches("link").to_lowercase();
    let document = format!(
        "mutation($dialogue: ID!, $card: ID!) {{ {mutation}(dialogueId: $dialogue, {noun}Id: $card) {{ dialogue {{ id }} }} }}"
    );
    someone.api.run(&document, json!({ "dialogue": dialogue, "card": card }))
}

/// These fields of a card, as somebody sees it; null where they do not.
#[track_caller]
fn card(someone: &Someone, noun: &str, id: &str, fields: &str) -> impl Future<Output = Value> + use<> {
    let document = format!("query($id: ID!) {{ node(id: $id) {{ ... on {noun} {{ {fields} }} }} }}");
    let answer = someone.api.run(&document, json!({ "id": id }));
    async move { answer.await.at("node").clone() }
}

/// The kinds of events in a card's activity, as somebody sees it.
async fn activity(someone: &Someone, noun: &str, id: &str) -> Vec<String> {
    let found = card(someone, noun, id, "activity(first: 100) { nodes { kind } }").await;
    let events = found["activity"]["nodes"].as_array().expect("a page").clone();
    kinds(&events).into_iter().map(str::to_owned).collect()
}

async fn from_a_message_to_a_won_deal_all_stands_in_the_timeline(world: World) {
    let funnel = funnel(&world).await;
    let channel = world.connect_channel("Shop").await;
    world.set_channel(&channel, json!({ "funnelId": funnel.id })).await;
    let anna = Person::new(6101);
    let dialogue = world.write(&channel, &anna, "How much is it?").await;
    let made = "contractor { id name } deal { id title stage { id } contractor { id } }";
    let found = world.admin.dialogue(&dialogue, made).await;
    assert_eq!(found["contractor"]["name"], json!(anna.name));
    assert_eq!(found["deal"]["title"], json!(format!("{} — Shop", anna.name)));
    assert_eq!(found["deal"]["stage"]["id"], json!(funnel.new));
    assert_eq!(found["deal"]["contractor"]["id"], found["contractor"]["id"]);
    let deal = found["deal"]["id"].as_str().expect("an id");

    let task = create(&world.admin, "Task", json!({ "title": "Count them", "dialogueId": dialogue })).await;
    let won = json!({ "dealId": deal, "stageId": funnel.won, "amount": "1999.90", "currency": "RUB" });
    change(&world.admin, "update", "Deal", &won).await.data();

    let of_task =
        card(&world.admin, "Task", &task, "activity { nodes { kind dialogue { id } } } dialogues { id }").await;
    assert_eq!(of_task["activity"]["nodes"], json!([{ "kind": "TASK_CREATED", "dialogue": { "id": dialogue } }]));
    assert_eq!(of_task["dialogues"], json!([{ "id": dialogue }]));
    let events = "events(first: 100) { nodes { kind ... on CardEvent { changes { field from to } } } }";
    let timeline = world.admin.dialogue(&dialogue, events).await["events"]["nodes"].clone();
    let timeline = timeline.as_array().expect("a list");
    let expected =
        ["DIALOGUE_OPENED", "CONTRACTOR_LINKED", "DEAL_CREATED", "MESSAGE_ADDED", "TASK_CREATED", "DEAL_CHANGED"];
    assert_eq!(kinds(timeline), expected);
    let changes = json!([
        { "field": "stage", "from": funnel.new, "to": funnel.won },
        { "field": "amount", "from": null, "to": "1999.90" },
        { "field": "currency", "from": null, "to": "RUB" },
    ]);
    assert_eq!(timeline[5]["changes"], changes);
}

async fn what_is_made_in_a_dialogue_is_one_event(world: World) {
    let funnel = funnel(&world).await;
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6102), "Hello").await;
    let nouns = [
        ("Deal", json!({ "title": "A", "funnelId": funnel.id }), ["DEAL_CREATED", "DEAL_CREATED"]),
        ("Task", json!({ "title": "B" }), ["TASK_CREATED", "TASK_CREATED"]),
        ("Project", json!({ "name": "C" }), ["PROJECT_CREATED", "PROJECT_LINKED"]),
        ("Contractor", json!({ "name": "D" }), ["CONTRACTOR_CREATED", "CONTRACTOR_LINKED"]),
    ];
    for (noun, mut input, [alone, inside]) in nouns {
        let before = world.cursor().await;
        let first = create(&world.admin, noun, input.clone()).await;
        input["dialogueId"] = json!(dialogue);
        let second = create(&world.admin, noun, input).await;

        let events = world.events_after(&before).await;
        let told: Vec<_> = events
            .iter()
            .map(|event| (event["kind"].clone(), event["card"]["id"].clone(), event["dialogue"]["id"].clone()))
            .collect();
        let expected = [(json!(alone), json!(first), Value::Null), (json!(inside), json!(second), json!(dialogue))];
        assert_eq!(told, expected);
        assert_eq!(activity(&world.admin, noun, &second).await, [inside]);
    }
}

async fn linking_twice_is_linking_once(world: World) {
    let funnel = funnel(&world).await;
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6103), "Hello").await;
    for (noun, input) in [
        ("Deal", json!({ "title": "A", "funnelId": funnel.id })),
        ("Task", json!({ "title": "B" })),
        ("Project", json!({ "name": "C" })),
    ] {
        let id = create(&world.admin, noun, input).await;
        let before = world.cursor().await;
        for mutation in ["link", "link", "unlink", "unlink", "link"] {
            link(&world.admin, &format!("{mutation}{noun}"), &dialogue, &id).await.data();
        }
        let events = world.events_after(&before).await;
        let upper = noun.to_uppercase();
        let expected = [format!("{upper}_LINKED"), format!("{upper}_UNLINKED"), format!("{upper}_LINKED")];
        assert_eq!(kinds(&events), expected);
        for event in &events {
            assert_eq!((&event["card"]["id"], &event["dialogue"]["id"]), (&json!(id), &json!(dialogue)));
        }
        let missing = link(&world.admin, &format!("link{noun}"), &dialogue, "dea_1").await;
        assert_eq!(missing.error_code(), "NOT_FOUND");
    }
}

async fn the_latest_linked_deal_is_the_current_one(world: World) {
    let funnel = funnel(&world).await;
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6104), "Hello").await;
    let mut deals = Vec::new();
    for title in ["first", "second", "third"] {
        deals.push(create(&world.admin, "Deal", json!({ "title": title, "funnelId": funnel.id })).await);
    }
    // Not in the order in which they were made, and the last as quickly as can be.
    for place in [2, 0, 1] {
        link(&world.admin, "linkDeal", &dialogue, &deals[place]).await.data();
    }
    let found = world.admin.dialogue(&dialogue, "deal { id } deals { id }").await;
    assert_eq!(found["deal"]["id"], json!(deals[1]));
    assert_eq!(found["deals"], json!([{ "id": deals[1] }, { "id": deals[0] }, { "id": deals[2] }]));

    link(&world.admin, "linkDeal", &dialogue, &deals[2]).await.data();
    assert_eq!(world.admin.dialogue(&dialogue, "deal { id }").await["deal"]["id"], json!(deals[1]));
    link(&world.admin, "unlinkDeal", &dialogue, &deals[1]).await.data();
    assert_eq!(world.admin.dialogue(&dialogue, "deal { id }").await["deal"]["id"], json!(deals[0]));
}

async fn an_event_of_a_card_stands_in_the_timeline_of_each_of_its_dialogues(world: World) {
    let channel = world.connect_channel("Shop").await;
    let first = world.write(&channel, &Person::new(6105), "Hello").await;
    let second = world.write(&channel, &Person::new(6106), "Hello").await;
    let task = create(&world.admin, "Task", json!({ "title": "A", "dialogueId": first })).await;
    link(&world.admin, "linkTask", &second, &task).await.data();
    change(&world.admin, "update", "Task", &json!({ "taskId": task, "state": "DONE" })).await.data();
    link(&world.admin, "unlinkTask", &first, &task).await.data();
    change(&world.admin, "update", "Task", &json!({ "taskId": task, "state": "OPEN" })).await.data();

    let fields = "events(first: 100, kinds: [TASK_CREATED, TASK_LINKED, TASK_CHANGED, TASK_UNLINKED]) {
        nodes { kind dialogue { id } }
    }";
    let told = async |dialogue: &str| {
        let events = world.admin.dialogue(dialogue, fields).await["events"]["nodes"].clone();
        let events = events.as_array().expect("a list").clone();
        let tell = |event: &Value| (event["kind"].clone(), event["dialogue"]["id"].clone());
        events.iter().map(tell).collect::<Vec<_>>()
    };
    let event = |kind: &str, dialogue: &str| (json!(kind), json!(dialogue));
    let shared = [event("TASK_LINKED", &second), event("TASK_CHANGED", &second), event("TASK_UNLINKED", &first)];
    let mut in_first = vec![event("TASK_CREATED", &first)];
    in_first.extend(shared.clone());
    let mut in_second = shared.to_vec();
    in_second.push(event("TASK_CHANGED", &second));
    assert_eq!(told(&first).await, in_first);
    assert_eq!(told(&second).await, in_second);
}

async fn a_linked_contractor_takes_the_client_with_all_their_dialogues(world: World) {
    let (shop, support) = (world.connect_channel("Shop").await, world.connect_channel("Support").await);
    let anna = Person::new(6107);
    let first = world.write(&shop, &anna, "Hello").await;
    let second = world.write(&support, &anna, "Help").await;
    let old: Value = world.admin.dialogue(&first, "contractor { id }").await["contractor"]["id"].clone();
    let company = create(&world.admin, "Contractor", json!({ "name": "Acme", "kind": "COMPANY" })).await;
    let before = world.cursor().await;

    link(&world.admin, "linkContractor", &second, &company).await.data();
    link(&world.admin, "linkContractor", &first, &company).await.data();

    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events), ["CONTRACTOR_LINKED", "CONTRACTOR_LINKED"]);
    let dialogues: Vec<_> = events.iter().map(|event| event["dialogue"]["id"].clone()).collect();
    assert_eq!(dialogues, [json!(first), json!(second)]);
    let fields = "kind clients { name } dialogues { id } activity { nodes { kind } }";
    let found = card(&world.admin, "Contractor", &company, fields).await;
    assert_eq!(found["kind"], "COMPANY");
    assert_eq!(found["clients"], json!([{ "name": anna.name }]));
    assert_eq!(found["dialogues"], json!([{ "id": second }, { "id": first }]));
    let old = card(&world.admin, "Contractor", old.as_str().expect("an id"), "clients { id }").await;
    assert_eq!(old["clients"], json!([]));
    // A new dialogue of theirs is the company's, too.
    let third = world.connect_channel("Returns").await;
    let third = world.write(&third, &anna, "It broke").await;
    assert_eq!(world.admin.dialogue(&third, "contractor { id }").await["contractor"]["id"], json!(company));
}

async fn a_page_of_cards_nests_all_that_belongs_to_each(world: World) {
    let funnel = funnel(&world).await;
    let channel = world.connect_channel("Shop").await;
    let project = create(&world.admin, "Project", json!({ "name": "Launch" })).await;
    let mut expected = Vec::new();
    for number in 0..3 {
        let dialogue = world.write(&channel, &Person::new(6110 + number), "Hello").await;
        let found = world.admin.dialogue(&dialogue, "contractor { id } client { id }").await;
        let deal = json!({
            "title": format!("Deal {number}"), "funnelId": funnel.id, "dialogueId": dialogue,
            "contractorId": found["contractor"]["id"], "responsibleId": world.admin.id,
        });
        let deal = create(&world.admin, "Deal", deal).await;
        change(&world.admin, "update", "Deal", &json!({ "dealId": deal, "stageId": funnel.won })).await.data();
        let task = json!({ "title": format!("Task {number}"), "projectId": project, "dialogueId": dialogue });
        let task = create(&world.admin, "Task", task).await;
        expected.push(json!({
            "funnel": { "stages": [{ "id": funnel.new }, { "id": funnel.won }] },
            "stage": { "id": funnel.won },
            "first": { "nodes": [{ "kind": "DEAL_CREATED" }], "pageInfo": { "hasNextPage": true } },
            "last": { "nodes": [{ "kind": "DEAL_CHANGED" }], "pageInfo": { "hasPreviousPage": true } },
            "responsible": { "id": world.admin.id },
            "contractor": {
                "id": found["contractor"]["id"], "clients": [found["client"]], "deals": [{ "id": deal }],
                "dialogues": [{ "id": dialogue }],
            },
            "dialogues": [{ "id": dialogue, "tasks": [{ "id": task, "project": { "id": project } }] }],
        }));
    }
    let deals = "{ deals { totalCount nodes {
        funnel { stages { id } } stage { id } responsible { id }
        first: activity(first: 1) { nodes { kind } pageInfo { hasNextPage } }
        last: activity(last: 1) { nodes { kind } pageInfo { hasPreviousPage } }
        contractor { id clients { id } deals { id } dialogues { id } }
        dialogues { id tasks { id project { id } } }
    } } }";
    let answer = world.admin.api.run(deals, Value::Null).await;
    assert_eq!(answer.at("deals"), &json!({ "totalCount": 3, "nodes": expected }));

    let wrong = "{ deals { nodes { activity(after: \"AAAA\") { nodes { kind } } } } }";
    let answer = world.admin.api.run(wrong, Value::Null).await;
    assert_eq!(answer.errors()[0]["extensions"]["field"], "after");

    let tasks =
        "{ projects { nodes { tasks(first: 2) { totalCount nodes { title } pageInfo { hasNextPage endCursor } } } } }";
    let answer = world.admin.api.run(tasks, Value::Null).await;
    let page = answer.at("projects.nodes.0.tasks");
    assert_eq!(page["totalCount"], 3);
    assert_eq!(page["nodes"], json!([{ "title": "Task 0" }, { "title": "Task 1" }]));
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let rest = "query($after: String) { projects { nodes { tasks(after: $after) { nodes { title } pageInfo { hasNextPage } } } } }";
    let answer = world.admin.api.run(rest, json!({ "after": page["pageInfo"]["endCursor"] })).await;
    let rest = json!({ "nodes": [{ "title": "Task 2" }], "pageInfo": { "hasNextPage": false } });
    assert_eq!(answer.at("projects.nodes.0.tasks"), &rest);
}

async fn lists_are_filtered_and_paged(world: World) {
    let funnel = funnel(&world).await;
    for title in ["Ёлка зелёная", "100% wool", "100 socks"] {
        create(&world.admin, "Deal", json!({ "title": title, "funnelId": funnel.id })).await;
        create(&world.admin, "Task", json!({ "title": title })).await;
        create(&world.admin, "Project", json!({ "name": title })).await;
        create(&world.admin, "Contractor", json!({ "name": title, "phone": "+7 900 000-00-00" })).await;
    }
    for (list, name) in [("deals", "title"), ("tasks", "title"), ("projects", "name"), ("contractors", "name")] {
        let document = format!(
            "query($text: String, $first: Int, $after: String) {{ {list}(text: $text, first: $first, after: $after) {{
                totalCount nodes {{ {name} }} pageInfo {{ hasNextPage endCursor }}
            }} }}"
        );
        let ask = |variables| world.admin.api.run(&document, variables);
        for (text, found) in [("елка", "Ёлка зелёная"), ("100%", "100% wool"), ("SOCKS", "100 socks")] {
            let answer = ask(json!({ "text": text })).await;
            assert_eq!(answer.at(&format!("{list}.nodes")), &json!([{ name: found }]), "{text}");
            assert_eq!(answer.at(&format!("{list}.totalCount")), 1);
        }
        let page = ask(json!({ "first": 2 })).await;
        assert_eq!(page.at(&format!("{list}.totalCount")), 3);
        let after = page.at(&format!("{list}.pageInfo.endCursor"));
        let rest = ask(json!({ "first": 2, "after": after })).await;
        assert_eq!(rest.at(&format!("{list}.nodes")), &json!([{ name: "100 socks" }]));
        assert_eq!(rest.at(&format!("{list}.pageInfo.hasNextPage")), false);
        assert_eq!(ask(json!({ "first": 0 })).await.error_field(), Some("first"));
    }
    let filtered = "query($stage: ID, $none: ID) {
        at: deals(stageId: $stage) { totalCount } none: deals(funnelId: $none) { totalCount }
        open: tasks(state: OPEN) { totalCount } done: tasks(state: DONE) { totalCount }
    }";
    let answer = world.admin.api.run(filtered, json!({ "stage": funnel.new, "none": "fun_1" })).await;
    let totals = ["at", "none", "open", "done"].map(|list| answer.get::<i64>(&format!("{list}.totalCount")));
    assert_eq!(totals, [3, 0, 3, 0]);
}
