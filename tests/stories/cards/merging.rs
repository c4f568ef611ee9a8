//! Two contractors that turn out to be one.

use serde_json::{Value, json};

use super::{card, create, funnel};
use crate::harness::client::Answer;
use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Someone, World};

stories!(World:
    merging_moves_everything_and_what_is_past_leads_to_the_one_that_stayed,
    two_clients_are_one_contractor_once_they_are_linked,
    a_contractor_is_merged_once,
    two_merges_at_once_end_in_one_contractor,
);

#[track_caller]
fn merge(someone: &Someone, kept: &str, merged: &str) -> impl Future<Output = Answer> + use<> {
    let document = "mutation($kept: ID!, $merged: ID!) {
        mergeContractors(contractorId: $kept, mergedId: $merged) { contractor { id clients { id } } }
    }";
    someone.api.run(document, json!({ "kept": kept, "merged": merged }))
}

async fn contractor(world: &World, dialogue: &str) -> String {
    let found = world.admin.dialogue(dialogue, "contractor { id }").await;
    found["contractor"]["id"].as_str().expect("the client has one").to_owned()
}

async fn merging_moves_everything_and_what_is_past_leads_to_the_one_that_stayed(world: World) {
    let channel = world.connect_channel("Shop").await;
    let first = world.write(&channel, &Person::new(6201), "Hello").await;
    let second = world.write(&channel, &Person::new(6202), "It is me, from my other phone").await;
    let (kept, merged) = (contractor(&world, &first).await, contractor(&world, &second).await);
    let deal = json!({ "title": "A", "funnelId": funnel(&world).await.id, "contractorId": merged });
    let deal = create(&world.admin, "Deal", deal).await;
    let before = world.cursor().await;

    let answer = merge(&world.admin, &kept, &merged).await;

    assert_eq!(answer.at("mergeContractors.contractor.id"), &json!(kept));
    assert_eq!(answer.get::<Vec<Value>>("mergeContractors.contractor.clients").len(), 2);
    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events), ["CONTRACTOR_MERGED"]);
    assert_eq!(events[0]["card"]["id"], json!(kept));
    assert_eq!(contractor(&world, &second).await, kept);
    let found = card(&world.admin, "Contractor", &kept, "dialogues { id } deals { id }").await;
    assert_eq!(found, json!({ "dialogues": [{ "id": second }, { "id": first }], "deals": [{ "id": deal }] }));
    let moved = card(&world.admin, "Deal", &deal, "contractor { id } activity { nodes { kind } }").await;
    assert_eq!(moved["contractor"]["id"], json!(kept));
    assert_eq!(moved["activity"]["nodes"], json!([{ "kind": "DEAL_CREATED" }, { "kind": "CONTRACTOR_MERGED" }]));
    // The past names the other, which is there no more.
    let linked =
        "events(kinds: [CONTRACTOR_LINKED]) { nodes { ... on CardEvent { card { ... on Contractor { id } } } } }";
    let linked = world.admin.dialogue(&second, linked).await;
    assert_eq!(linked["events"]["nodes"], json!([{ "card": { "id": kept } }]));
    assert_eq!(card(&world.admin, "Contractor", &merged, "id").await, Value::Null);
    let list = world.admin.api.run("{ contractors { totalCount nodes { id } } }", Value::Null).await;
    assert_eq!(list.at("contractors"), &json!({ "totalCount": 1, "nodes": [{ "id": kept }] }));
    // The one that stayed has the other's past, too: in its activity, and by the filter with either id.
    let kinds_of = |events: &Value| -> Vec<String> {
        let nodes = events["nodes"].as_array().expect("a page");
        kinds(nodes).into_iter().map(str::to_owned).collect()
    };
    let whole = ["CONTRACTOR_LINKED", "CONTRACTOR_LINKED", "DEAL_CREATED", "CONTRACTOR_MERGED"];
    let past = card(&world.admin, "Contractor", &kept, "activity { nodes { kind } }").await;
    assert_eq!(kinds_of(&past["activity"]), whole);
    for id in [&kept, &merged] {
        let filtered = "query($id: ID!) { events(filter: { contractorIds: [$id] }) { nodes { kind } } }";
        let filtered = world.admin.api.run(filtered, json!({ "id": id })).await;
        assert_eq!(kinds_of(filtered.at("events")), whole, "by {id}");
    }
    // Both dialogues tell of it.
    for dialogue in [&first, &second] {
        let events = world.admin.dialogue(dialogue, "events(last: 1) { nodes { kind } }").await;
        assert_eq!(events["events"]["nodes"], json!([{ "kind": "CONTRACTOR_MERGED" }]));
    }
}

async fn two_clients_are_one_contractor_once_they_are_linked(world: World) {
    let (shop, help) = (world.connect_channel("Shop").await, world.connect_channel("Help").await);
    let first = world.write(&shop, &Person::new(6221), "Hello").await;
    let second = world.write(&help, &Person::new(6222), "It is me").await;
    let (one, other) = (contractor(&world, &first).await, contractor(&world, &second).await);
    let before = world.cursor().await;
    super::link(&world.admin, "linkContractor", &second, &one).await.data();
    assert_eq!(kinds(&world.events_after(&before).await), ["CONTRACTOR_LINKED"]);
    let found = card(&world.admin, "Contractor", &one, "clients { id } dialogues { id }").await;
    assert_eq!(found["clients"].as_array().expect("a list").len(), 2);
    assert_eq!(found["dialogues"], json!([{ "id": second }, { "id": first }]));
    let left = card(&world.admin, "Contractor", &other, "clients { id } activity(last: 1) { nodes { kind } }").await;
    assert_eq!(left["clients"], json!([]));
    assert_eq!(
        left["activity"]["nodes"],
        json!([{ "kind": "CONTRACTOR_LINKED" }]),
        "that the client left stands there"
    );
}

async fn a_contractor_is_merged_once(world: World) {
    let [first, second, third] =
        ["A", "B", "C"].map(|name| create(&world.admin, "Contractor", json!({ "name": name })));
    let (first, second, third) = (first.await, second.await, third.await);
    assert_eq!(merge(&world.admin, &first, &first).await.error_field(), Some("mergedId"));
    merge(&world.admin, &second, &third).await.data();
    assert_eq!(merge(&world.admin, &first, &third).await.error_code(), "NOT_FOUND");
    assert_eq!(merge(&world.admin, &third, &first).await.error_code(), "NOT_FOUND");
    let changed = json!({ "contractorId": third, "name": "D" });
    assert_eq!(super::change(&world.admin, "update", "Contractor", &changed).await.error_code(), "NOT_FOUND");
    // What named the third leads through the second to the first.
    merge(&world.admin, &first, &second).await.data();
    let events = "{ events(filter: { kinds: [CONTRACTOR_CREATED] }) {
        nodes { ... on CardEvent { card { ... on Contractor { id } } } }
    } }";
    let events = world.admin.api.run(events, Value::Null).await;
    assert_eq!(events.at("events.nodes"), &json!(vec![json!({ "card": { "id": first } }); 3]));
}

async fn two_merges_at_once_end_in_one_contractor(world: World) {
    let channel = world.connect_channel("Shop").await;
    let first = world.write(&channel, &Person::new(6211), "Hello").await;
    let second = world.write(&channel, &Person::new(6212), "Hello").await;
    let (one, other) = (contractor(&world, &first).await, contractor(&world, &second).await);

    let (there, back) = tokio::join!(merge(&world.admin, &one, &other), merge(&world.admin, &other, &one));

    let (done, refused) = if there.errors().is_empty() { (there, back) } else { (back, there) };
    assert_eq!(done.get::<Vec<Value>>("mergeContractors.contractor.clients").len(), 2);
    assert_eq!(refused.error_code(), "NOT_FOUND");
    assert_eq!(contractor(&world, &first).await, contractor(&world, &second).await);
}
