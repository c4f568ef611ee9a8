//! What a page of cards costs: no more statements for many cards than for two.

use serde_json::{Value, json};

use super::{Funnel, create, funnel};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, World};

stories!(World: a_page_of_cards_costs_no_more_statements_for_more_cards,
    an_answer_that_grows_out_of_hand_is_cut_off);

/// A dialogue with a card of each kind, a comment, a tag, and all that these have.
async fn fill(world: &World, channel: &Channel, funnel: &Funnel, number: i64) {
    let dialogue = world.write(channel, &Person::new(6400 + number), "Hello").await;
    let contractor = world.admin.dialogue(&dialogue, "contractor { id }").await["contractor"]["id"].clone();
    let deal = json!({
        "title": "Deal", "funnelId": funnel.id, "dialogueId": dialogue, "contractorId": contractor,
        "responsibleId": world.admin.id,
    });
    create(&world.admin, "Deal", deal).await;
    let project = create(&world.admin, "Project", json!({ "name": "Project", "dialogueId": dialogue })).await;
    let task = json!({
        "title": "Task", "projectId": project, "dialogueId": dialogue, "responsibleId": world.admin.id,
    });
    create(&world.admin, "Task", task).await;
    let more = "mutation($d: ID!, $u: [ID!]) {
        addComment(input: { dialogueId: $d, text: \"Look\", mentionIds: $u }) { comment { id } }
        addTags(dialogueId: $d, names: [\"vip\"]) { dialogue { id } }
        claimDialogue(dialogueId: $d) { dialogue { id } }
    }";
    world.admin.api.run(more, json!({ "d": dialogue, "u": [world.admin.id] })).await.data();
}

const DIALOGUE: &str = "id client { id name contractor { id } } channel { id name queue { id } funnel { id } }
    participants { role user { id } } tags { id name } group unreadCount viewerCan { reply }
    lastMessage { id text author { ... on User { id } ... on Client { id } } attachments { ... on File { id } } }
    messages(last: 3) { totalCount nodes { id text } } comments(first: 3) { totalCount nodes { id mentions { id } } }
    events(last: 3) { nodes { kind ... on MessageEvent { message { id } } ... on CardEvent { card { ... on Deal { id } } } } }
    contractor { id } deal { id } deals { id } projects { id } tasks { id }";

fn document(list: &str, size: i64) -> String {
    let activity = "activity(last: 3) { nodes { kind actor { ... on User { id } } dialogue { id } } }";
    let fields = match list {
        "deals" => "funnel { id stages { id } } stage { id name } responsible { id } contractor { id clients { id } }",
        "contractors" => "clients { id dialogues { id } } deals { id stage { id } }",
        "projects" => "tasks(first: 3) { totalCount nodes { id responsible { id } } }",
        _ => "project { id } responsible { id }",
    };
    format!(
        "{{ {list}(first: {size}) {{ totalCount nodes {{ id {fields} {activity} dialogues {{ {DIALOGUE} }} }} }} }}"
    )
}

/// The fewest of several tries: whatever the process does beside it comes on top.
async fn cost(world: &World, list: &str, size: i64) -> u64 {
    let statements = &world.server.running().app.metrics.statements;
    let mut fewest = u64::MAX;
    for _ in 0..5 {
        let before = statements.get();
        let answer = world.admin.api.run(&document(list, size), Value::Null).await;
        assert_eq!(answer.get::<Vec<Value>>(&format!("{list}.nodes")).len() as i64, size);
        fewest = fewest.min(statements.get() - before);
    }
    fewest
}

async fn an_answer_that_grows_out_of_hand_is_cut_off(world: World) {
    const EACH: i64 = 18;
    let funnel = funnel(&world).await;
    let channel = world.connect_channel("Shop").await;
    let mut dialogues = Vec::new();
    for number in 0..EACH {
        dialogues.push(world.write(&channel, &Person::new(6460 + number), "Hello").await);
    }
    for _ in 0..EACH {
        let deal = create(&world.admin, "Deal", json!({ "title": "Deal", "funnelId": funnel.id })).await;
        let link = |(n, dialogue)| {
            format!("d{n}: linkDeal(dialogueId: {dialogue:?}, dealId: {deal:?}) {{ dialogue {{ id }} }}")
        };
        let links: Vec<String> = dialogues.iter().enumerate().map(link).collect();
        world.admin.api.run(&format!("mutation {{ {} }}", links.join(" ")), Value::Null).await.data();
    }
    // Little, by what lists most often hold; and 18⁴ lists as it is.
    let all = "{ deals { nodes { dialogues { deals { dialogues { deals { id } } } } } } }";
    let answer = world.admin.api.run(all, Value::Null).await;
    assert_eq!(answer.errors()[0]["extensions"]["code"], "QUERY_TOO_COMPLEX");
    let less = "{ deals { nodes { dialogues { deals { dialogues { id } } } } } }";
    let answer = world.admin.api.run(less, Value::Null).await;
    assert_eq!(answer.at("deals.nodes.0.dialogues.0.deals.0.dialogues").as_array().expect("a list").len(), 18);
}

async fn a_page_of_cards_costs_no_more_statements_for_more_cards(world: World) {
    let funnel = funnel(&world).await;
    let channel = world.connect_channel("Shop").await;
    for number in 0..50 {
        fill(&world, &channel, &funnel, number).await;
    }
    for list in ["contractors", "deals", "projects", "tasks"] {
        let (few, many) = (cost(&world, list, 2).await, cost(&world, list, 50).await);
        assert!(few > 20, "{list}: {few} statements are fewer than what was asked for");
        // What is read in parallel is now and then read by one statement and now and then by two; a statement for each of
        // the cards, of any of their fields, would be 48 more.
        assert!(many < few + 24, "{list}: {many} statements for 50 cards, {few} for 2");
    }
}
