//! The log: what each change tells, in which order, and to whom.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::feed::{Feed, TOLD, cursor, cursors, events, kinds};
use crate::harness::socket::Socket;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Someone, World};

stories!(World:
    each_change_is_told_once_and_doing_it_again_is_not,
    settings_make_no_events,
    every_way_of_reading_gives_the_same_order,
    filters_by_kinds_leave_access_out_unless_they_name_it,
    filters_by_dialogues_let_what_has_no_dialogue_pass,
    a_filter_is_the_same_live_and_in_the_past,
    a_cursor_of_another_log_is_refused_in_words,
    batches_move_the_cursor_past_what_is_filtered_out,
    the_past_is_told_as_it_was,
);

/// Does something twice; gives the kinds of the events of the first time, and there must be none of the second.
async fn twice(world: &World, document: &str, variables: Value) -> Vec<String> {
    let mut told = Vec::new();
    for time in 0..2 {
        let before = world.cursor().await;
        world.admin.api.run(document, variables.clone()).await.data();
        let events = world.events_after(&before).await;
        match time {
            0 => told = kinds(&events).into_iter().map(str::to_owned).collect(),
            _ => assert!(events.is_empty(), "{:?} for doing it again: {document}", kinds(&events)),
        }
    }
    told
}

async fn each_change_is_told_once_and_doing_it_again_is_not(world: World) {
    let channel = world.connect_channel("Shop").await;
    let employee = world.user("EMPLOYEE").await;
    let dialogue = world.write(&channel, &Person::new(6201), "Hello").await;
    let message = world.admin.messages(&dialogue).await[0]["id"].clone();
    let client = world.admin.dialogue(&dialogue, "client { id }").await["client"]["id"].clone();
    let id =
        json!({ "id": dialogue, "user": employee.id, "message": message, "client": client, "channel": channel.id });
    let told = async |document: &str| twice(&world, document, id.clone()).await;

    let claim = "mutation($id: ID!) { claimDialogue(dialogueId: $id) { dialogue { id } } }";
    assert_eq!(told(claim).await, ["PARTICIPANT_ADDED"]);
    let observe = "mutation($id: ID!, $user: ID!) { setParticipant(dialogueId: $id, userId: $user, role: OBSERVER) { dialogue { id } } }";
    assert_eq!(told(observe).await, ["PARTICIPANT_ADDED"]);
    let answer = "mutation($id: ID!, $user: ID!) { setParticipant(dialogueId: $id, userId: $user, role: RESPONSIBLE) { dialogue { id } } }";
    assert_eq!(told(answer).await, ["PARTICIPANT_REMOVED", "PARTICIPANT_ADDED"]);
    let remove =
        "mutation($id: ID!, $user: ID!) { removeParticipant(dialogueId: $id, userId: $user) { dialogue { id } } }";
    assert_eq!(told(remove).await, ["PARTICIPANT_REMOVED"]);
    let tag = "mutation($id: ID!) { addTags(dialogueId: $id, names: [\"vip\", \"wholesale\"]) { dialogue { id } } }";
    assert_eq!(told(tag).await, ["TAG_ADDED", "TAG_ADDED"]);
    let read =
        "mutation($id: ID!, $message: ID!) { markRead(dialogueId: $id, upToMessageId: $message) { dialogue { id } } }";
    assert_eq!(told(read).await, ["DIALOGUE_READ"]);
    let close = "mutation($id: ID!) { closeDialogue(dialogueId: $id) { dialogue { id } } }";
    assert_eq!(told(close).await, ["DIALOGUE_CLOSED"]);
    let reopen = "mutation($id: ID!) { reopenDialogue(dialogueId: $id) { dialogue { id } } }";
    assert_eq!(told(reopen).await, ["DIALOGUE_REOPENED"]);
    let block = "mutation($client: ID!) { blockClient(clientId: $client, blocked: true) { client { id } } }";
    assert_eq!(told(block).await, ["CLIENT_CHANGED"]);
    let name = "mutation($channel: ID!) { updateChannel(input: { channelId: $channel, name: \"Store\", welcomeText: \"Hi\" }) { channel { id } } }";
    assert_eq!(told(name).await, ["CHANNEL_CHANGED"]);
    let queue = "mutation($channel: ID!, $user: ID!) { updateChannel(input: { channelId: $channel, queueUserIds: [$user] }) { channel { id } } }";
    assert_eq!(told(queue).await, ["CHANNEL_CHANGED"]);

    let tags = world.admin.dialogue(&dialogue, "tags { id }").await["tags"].clone();
    let id = json!({ "id": dialogue, "tags": [tags[0]["id"], tags[1]["id"]] });
    let untag = "mutation($id: ID!, $tags: [ID!]!) { removeTags(dialogueId: $id, tagIds: $tags) { dialogue { id } } }";
    assert_eq!(twice(&world, untag, id).await, ["TAG_REMOVED", "TAG_REMOVED"]);

    let add = "mutation($input: AddCommentInput!) { addComment(input: $input) { comment { id } } }";
    let before = world.cursor().await;
    let answer = world.admin.api.run(add, json!({ "input": { "dialogueId": dialogue, "text": "Note" } })).await;
    assert_eq!(kinds(&world.events_after(&before).await), ["COMMENT_ADDED"]);
    let comment = json!({ "comment": answer.at("addComment.comment.id") });
    let edit = "mutation($comment: ID!) { editComment(commentId: $comment, text: \"Better\") { comment { id } } }";
    assert_eq!(twice(&world, edit, comment.clone()).await, ["COMMENT_EDITED"]);
    let before = world.cursor().await;
    let delete = "mutation($comment: ID!) { deleteComment(commentId: $comment) { dialogue { id } } }";
    world.admin.api.run(delete, comment).await.data();
    assert_eq!(kinds(&world.events_after(&before).await), ["COMMENT_DELETED"]);

    let before = world.cursor().await;
    world.admin.act("disconnectChannel", "channelId", &channel.id).await.data();
    world.admin.act("disconnectChannel", "channelId", &channel.id).await.data();
    assert_eq!(kinds(&world.events_after(&before).await), ["CHANNEL_CHANGED"]);
}

async fn settings_make_no_events(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(6211), "Hello").await;
    let tag = "mutation($id: ID!) { addTags(dialogueId: $id, names: [\"vip\"]) { dialogue { tags { id } } } }";
    let tag = world.admin.api.run(tag, json!({ "id": dialogue })).await.at("addTags.dialogue.tags.0.id").clone();
    let before = world.cursor().await;
    let employee = world.user("EMPLOYEE").await;
    let rename =
        "mutation($id: ID!) { updateTag(tagId: $id, name: \"Very important\", color: \"#ff0000\") { tag { id } } }";
    world.admin.api.run(rename, json!({ "id": tag })).await.data();
    let rename = "mutation($id: ID!) { updateUser(input: { userId: $id, name: \"Renamed\", password: \"another long one\" }) { user { id } } }";
    world.admin.api.run(rename, json!({ "id": employee.id })).await.data();
    let funnel = "mutation { createFunnel(input: { name: \"Sales\", stages: [{ name: \"New\" }] }) { funnel { id } } }";
    world.admin.api.run(funnel, Value::Null).await.data();
    assert_eq!(kinds(&world.events_after(&before).await), Vec::<&str>::new());
}

/// Nodes of a connection of events: the cursors, in order.
fn nodes(of: &Value) -> Vec<Value> {
    of["nodes"].as_array().expect("nodes").iter().map(|event| event["cursor"].clone()).collect()
}

async fn every_way_of_reading_gives_the_same_order(world: World) {
    let channel = world.connect_channel("Shop").await;
    let people: Vec<Person> = (6221..6225).map(Person::new).collect();
    let before = world.cursor().await;
    let mut live = world.follow(&world.admin.api, None).await;
    let changes = people.iter().map(|person| async {
        let dialogue = world.write(&channel, person, "Hello").await;
        world.admin.act("claimDialogue", "dialogueId", &dialogue).await.data();
        world.write(&channel, person, "Are you there?").await;
        world.admin.close(&dialogue).await;
        dialogue
    });
    let dialogues = join_all(changes).await;

    let log = world.events_after(&before).await;
    let followed = live.until_cursor(log.last().expect("events")["cursor"].as_str().expect("a cursor")).await;
    assert_eq!(cursors(&followed), cursors(&log), "live");
    let mut resumed = world.follow(&world.admin.api, Some(&before)).await;
    let resumed = resumed.until_cursor(cursors(&log).last().expect("one")).await;
    assert_eq!(cursors(&resumed), cursors(&log), "resumed");
    for dialogue in &dialogues {
        let own: Vec<&Value> = log
            .iter()
            .filter(|event| event["dialogue"]["id"] == json!(dialogue))
            .map(|event| &event["cursor"])
            .collect();
        let fields = "events { nodes { cursor } } contractor { activity { nodes { cursor kind } } }
            client { name } messages { nodes { id } }";
        let read = world.admin.dialogue(dialogue, fields).await;
        assert_eq!(nodes(&read["events"]).iter().collect::<Vec<_>>(), own, "its timeline");
        let activity = &read["contractor"]["activity"];
        let of_contractor: Vec<Value> = nodes(activity);
        let in_log: Vec<&Value> = own.into_iter().filter(|cursor| of_contractor.contains(cursor)).collect();
        assert_eq!(of_contractor.iter().collect::<Vec<_>>(), in_log, "its contractor's activity");
        assert!(
            activity["nodes"].as_array().is_some_and(|all| all.iter().any(|one| one["kind"] == "CONTRACTOR_LINKED"))
        );
    }
}

/// An observer who is let in and out, and what happened meanwhile; the kinds of events that `filter` gives them.
async fn filtered(someone: &Someone, after: &str, filter: Value) -> Vec<String> {
    let document = format!(
        "query($filter: EventFilter, $after: String) {{ events(filter: $filter, after: $after) {{ nodes {{ ...Told }} }} }} {TOLD}"
    );
    let answer = someone.api.run(&document, json!({ "filter": filter, "after": after })).await;
    let found: Vec<Value> = answer.get("events.nodes");
    kinds(&found).into_iter().map(str::to_owned).collect()
}

async fn filters_by_kinds_leave_access_out_unless_they_name_it(world: World) {
    let channel = world.connect_channel("Shop").await;
    let observer = world.user("OBSERVER").await;
    let dialogue = world.write(&channel, &Person::new(6231), "Hello").await;
    let before = world.cursor().await;
    let mut live = Feed::follow_filtered(&observer.api, json!({ "kinds": ["DIALOGUE_CLOSED"] }), None).await;
    world.admin.set_participant(&dialogue, &observer.id, "OBSERVER").await;
    world.admin.close(&dialogue).await;

    assert_eq!(
        filtered(&observer, &before, Value::Null).await,
        ["PARTICIPANT_ADDED", "ACCESS_GRANTED", "DIALOGUE_CLOSED"]
    );
    assert_eq!(filtered(&observer, &before, json!({ "kinds": ["DIALOGUE_CLOSED"] })).await, ["DIALOGUE_CLOSED"]);
    let named = json!({ "kinds": ["DIALOGUE_CLOSED", "ACCESS_GRANTED"] });
    assert_eq!(filtered(&observer, &before, named).await, ["ACCESS_GRANTED", "DIALOGUE_CLOSED"]);
    assert_eq!(live.next().await["kind"], "DIALOGUE_CLOSED");
}

async fn filters_by_dialogues_let_what_has_no_dialogue_pass(world: World) {
    let channel = world.connect_channel("Shop").await;
    let observer = world.user("OBSERVER").await;
    let first = world.write(&channel, &Person::new(6241), "Hello").await;
    let second = world.write(&channel, &Person::new(6242), "Hello").await;
    let before = world.cursor().await;
    let only_first = json!({ "dialogueIds": [first] });
    let mut live = Feed::follow_filtered(&observer.api, only_first.clone(), None).await;
    world.admin.set_participant(&first, &observer.id, "OBSERVER").await;
    world.admin.set_participant(&second, &observer.id, "OBSERVER").await;
    let promote = "mutation($id: ID!) { updateUser(input: { userId: $id, role: EMPLOYEE }) { user { id } } }";
    world.admin.api.run(promote, json!({ "id": observer.id })).await.data();
    world.admin.close(&second).await;
    world.admin.close(&first).await;

    let expected = ["PARTICIPANT_ADDED", "ACCESS_GRANTED", "ACCESS_GRANTED", "DIALOGUE_CLOSED"];
    assert_eq!(filtered(&observer, &before, only_first).await, expected, "their own role is of no dialogue");
    let heard = live.until(|event| event["kind"] == "DIALOGUE_CLOSED").await;
    // The addition itself came before they were let in, as they were then.
    let heard: Vec<&str> = kinds(&heard).into_iter().filter(|kind| *kind != "PARTICIPANT_ADDED").collect();
    assert_eq!(heard, ["ACCESS_GRANTED", "ACCESS_GRANTED", "DIALOGUE_CLOSED"]);
}

async fn a_filter_is_the_same_live_and_in_the_past(world: World) {
    let shop = world.connect_channel("Shop").await;
    let help = world.connect_channel("Help").await;
    let employee = world.user("EMPLOYEE").await;
    let before = world.cursor().await;
    let first = world.write(&shop, &Person::new(6251), "Hello").await;
    let second = world.write(&help, &Person::new(6252), "Hello").await;
    let contractor = world.admin.dialogue(&first, "contractor { id }").await["contractor"]["id"].clone();
    let filters = [
        json!({ "channelIds": [shop.id] }),
        json!({ "channelIds": [shop.id, help.id], "kinds": ["MESSAGE_ADDED", "COMMENT_ADDED"] }),
        json!({ "dialogueIds": [second] }),
        json!({ "contractorIds": [contractor] }),
        json!({ "mentioningMe": true }),
        json!({ "kinds": [] }),
        json!({ "dialogueIds": [] }),
        json!({ "dialogueIds": ["dlg_nothing"] }),
    ];
    let mut live = Vec::new();
    for filter in &filters {
        live.push(Feed::follow_filtered(&employee.api, filter.clone(), Some(&before)).await);
    }
    let mut everything = world.follow(&employee.api, Some(&before)).await;
    let comment = "mutation($input: AddCommentInput!) { addComment(input: $input) { comment { id } } }";
    for dialogue in [&first, &second] {
        for mentioned in [vec![], vec![&employee.id]] {
            let input = json!({ "dialogueId": dialogue, "text": "Look", "mentionIds": mentioned });
            world.admin.api.run(comment, json!({ "input": input })).await.data();
        }
        world.admin.close(dialogue).await;
    }
    // One more that passes every filter that lets anything pass, to know where to stop reading.
    let all = world.events_after(&before).await;
    everything.until_cursor(cursors(&all).last().expect("one")).await;
    for (filter, feed) in filters.iter().zip(&mut live) {
        let past = filtered(&employee, &before, filter.clone()).await;
        let mut heard = Vec::new();
        while heard.len() < past.len() {
            heard.push(feed.next().await);
        }
        assert_eq!(kinds(&heard), past, "{filter}");
    }
    let empty = ["kinds", "dialogueIds"].map(|field| json!({ field: [] }));
    for filter in empty {
        assert!(filtered(&employee, &before, filter).await.is_empty(), "none of no kinds and of no dialogues");
    }
}

async fn a_cursor_of_another_log_is_refused_in_words(world: World) {
    let other = World::start(world.backend).await;
    let elsewhere = other.connect_channel("Shop").await;
    other.write(&elsewhere, &Person::new(6261), "Hello").await;
    let far = other.cursor().await;
    let channel = world.connect_channel("Shop").await;
    let near = world.cursor().await;
    assert_ne!(near, far);

    let read = "query($after: String) { events(after: $after) { nodes { cursor } } }";
    let follow = "subscription($after: String) { events(after: $after) { cursor } }";
    let url = format!("{}/graphql", world.server.url);
    let socket = Socket::connect(&url, world.admin.api.token.as_deref()).await;
    let refused = async |cursor: &str| {
        let answer = world.admin.api.run(read, json!({ "after": cursor })).await;
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some("after")), "{cursor}");
        let mut operation = socket.subscribe(follow, json!({ "after": cursor }));
        let message = operation.message().await;
        let error = match message["type"].as_str() {
            Some("error") => &message["payload"][0],
            _ => &message["payload"]["errors"][0],
        };
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{cursor}: {message}");
    };
    refused(&far).await;
    refused("no cursor").await;
    refused("").await;
    world.write(&channel, &Person::new(6262), "Hello").await;
    world.write(&channel, &Person::new(6263), "Hello").await;
    refused(&far).await;
    assert!(!events(&world.admin.api, Some(&near)).await.is_empty(), "our own leads on");
}

async fn batches_move_the_cursor_past_what_is_filtered_out(world: World) {
    let channel = world.connect_channel("Shop").await;
    let before = world.cursor().await;
    let dialogue = world.write(&channel, &Person::new(6271), "Hello").await;
    let socket = Socket::connect(&format!("{}/graphql", world.server.url), world.admin.api.token.as_deref()).await;
    let follow = "subscription($after: String) {
        eventBatches(filter: { kinds: [DIALOGUE_CLOSED] }, after: $after) { events { kind cursor } cursor live }
    }";
    let mut operation = socket.subscribe(follow, json!({ "after": before }));
    let batch = operation.next().await["data"]["eventBatches"].take();
    assert_eq!((&batch["events"], &batch["live"]), (&json!([]), &json!(true)), "{batch}");
    let moved = batch["cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!(moved, cursor(&world.admin.api).await, "past all that was filtered out");
    world.admin.close(&dialogue).await;
    loop {
        let batch = operation.next().await["data"]["eventBatches"].take();
        if let Some(event) = batch["events"].get(0) {
            assert_eq!(event["kind"], "DIALOGUE_CLOSED");
            assert_eq!(event["cursor"], batch["cursor"]);
            break;
        }
    }
    assert_eq!(kinds(&world.events_after(&moved).await), ["DIALOGUE_CLOSED"]);
}

async fn the_past_is_told_as_it_was(world: World) {
    let channel = world.connect_channel("Shop").await;
    let employee = world.user("EMPLOYEE").await;
    let dialogue = world.write(&channel, &Person::new(6281), "Hello").await;
    let before = world.cursor().await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let message = world.admin.send(&dialogue, "Hi").await;
    feed.until_delivery(&message, "SENT").await;
    world.admin.set_participant(&dialogue, &employee.id, "OBSERVER").await;
    world.admin.set_participant(&dialogue, &employee.id, "RESPONSIBLE").await;

    let log = world.events_after(&before).await;
    let statuses: Vec<&Value> = log
        .iter()
        .filter(|event| event["message"]["id"] == json!(message))
        .map(|event| &event["deliveryStatus"])
        .collect();
    assert_eq!(statuses, [&Value::Null, &json!("SENT")], "what it became, and only where it became so");
    let parts: Vec<(&str, &Value)> = log
        .iter()
        .filter(|event| event["user"]["id"] == json!(employee.id))
        .map(|event| (event["kind"].as_str().expect("a kind"), &event["role"]))
        .collect();
    let (looks, answers) = (json!("OBSERVER"), json!("RESPONSIBLE"));
    let expected = [("PARTICIPANT_ADDED", &looks), ("PARTICIPANT_REMOVED", &looks), ("PARTICIPANT_ADDED", &answers)];
    assert_eq!(parts, expected);
}
