//! Who sees what: every way of reading, for each role and part.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::feed::Feed;
use crate::harness::schema;
use crate::harness::socket::Socket;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Someone, World};

use super::scene::{Part, Role, Scene, Stage, set_participant};
use super::ways::{ELSEWHERE, GUARDED, OPEN, WAYS};

stories!(World: the_ways_of_reading_are_all_known, each_way_of_reading_shows_what_may_be_seen,
    a_client_and_cards_show_no_other_dialogue_than_may_be_seen,
    following_tells_what_may_be_seen, typing_is_for_who_may_see_it, files_are_for_who_may_see_their_dialogue,
    groups_and_totals_count_what_may_be_seen);

async fn the_ways_of_reading_are_all_known(world: World) {
    let (served, _) = schema::served(&world.admin.api).await;
    let mut lead_there = BTreeSet::new();
    for open in OPEN {
        let fields = served.0.get(*open).map(|found| &found.fields).into_iter().flatten();
        let guarded = fields.filter(|(_, field)| GUARDED.contains(&field.named()));
        lead_there.extend(guarded.map(|(name, _)| format!("{open}.{name}")));
    }
    let known = WAYS.iter().map(|way| way.field).chain(ELSEWHERE.iter().copied()).map(str::to_owned).collect();
    assert_eq!(lead_there, known, "the fields that lead to what is guarded, and the ways that these stories go");
}

/// A dialogue, those who may see it (each role as each that one can be in it), and an observer who may not; all see
/// another one.
struct Cast<'a> {
    scene: Scene<'a>,
    seeing: Vec<Someone>,
    /// Those of them who see no other dialogues than their own
    observers: [String; 2],
    /// Who was never in the hidden one
    stranger: Someone,
    common: String,
    person: Person,
}

impl<'a> Cast<'a> {
    async fn gather(world: &World, stage: &'a Stage) -> Self {
        let scene = Scene::play(world, stage, Role::Observer, Part::None).await;
        let person = Person::new(4_000_001);
        let common = world.write(&stage.channel, &person, "for all").await;
        let (answering, looking) = (world.user("OBSERVER").await, world.user("OBSERVER").await);
        let stranger = world.user("OBSERVER").await;
        set_participant(world, &scene.dialogue, &stage.colleague, "RESPONSIBLE").await;
        set_participant(world, &scene.dialogue, &answering, "RESPONSIBLE").await;
        set_participant(world, &scene.dialogue, &looking, "OBSERVER").await;
        for user in [&stranger, &answering, &looking] {
            set_participant(world, &common, user, "OBSERVER").await;
        }
        let observers = [answering.id.clone(), looking.id.clone()];
        let mut seeing =
            vec![world.admin.clone(), stage.colleague.clone(), answering, looking, world.user("EMPLOYEE").await];
        for (role, part) in [("ADMIN", "RESPONSIBLE"), ("ADMIN", "OBSERVER"), ("EMPLOYEE", "OBSERVER")] {
            let user = world.user(role).await;
            set_participant(world, &scene.dialogue, &user, part).await;
            seeing.push(user);
        }
        Self { scene, seeing, observers, stranger, common, person }
    }

    /// What of the hidden dialogue an answer tells.
    fn leaks(&self, answer: &Value) -> Vec<String> {
        let text = answer.to_string();
        self.scene.secrets().into_iter().filter(|secret| text.contains(secret)).collect()
    }
}

async fn each_way_of_reading_shows_what_may_be_seen(world: World) {
    let stage = Stage::set(&world).await;
    let cast = Cast::gather(&world, &stage).await;
    let (hidden, stranger) = (&cast.scene, &cast.stranger);
    let mut wrong = Vec::new();
    for way in WAYS {
        let ask = (way.ask)(hidden);
        let document = format!("{{ {ask} }}");
        let answers = cast.seeing.iter().chain([stranger]).map(|viewer| viewer.api.run(&document, Value::Null));
        let mut answers = join_all(answers).await;
        let answer = answers.pop().expect("the stranger's");
        wrong.extend((!cast.leaks(&answer.body).is_empty()).then(|| format!("seen by a stranger: {answer}")));
        let blind = answers.iter().filter(|answer| !answer.errors().is_empty() || cast.leaks(&answer.body).is_empty());
        wrong.extend(blind.map(|answer| format!("not seen: {answer}")));
        let nothing = stranger.api.run(&of_nothing(&document, &cast), Value::Null).await;
        wrong.extend((nothing.body != answer.body).then(|| format!("{answer} is not as of nothing: {}", nothing.body)));
    }
    assert!(wrong.is_empty(), "{} wrong: {}", wrong.len(), wrong.join("\n\n"));
}

/// The same with the hidden dialogue's ids replaced by those of nothing.
fn of_nothing(document: &str, cast: &Cast) -> String {
    let secrets = cast.scene.secrets();
    let hidden = secrets.iter().filter(|secret| document.contains(*secret));
    hidden.fold(document.to_owned(), |document, secret| {
        let kind = secret.split_once('_').map_or("", |(kind, _)| kind);
        document.replace(secret, &format!("{kind}_{}", Uuid::now_v7().simple()))
    })
}

async fn a_client_and_cards_show_no_other_dialogue_than_may_be_seen(world: World) {
    let stage = Stage::set(&world).await;
    let looking = world.user("OBSERVER").await;
    // One client in two channels, and everything linked to both dialogues, of which one is seen.
    let person = Person::new(4_000_002);
    let seen = world.write(&stage.channel, &person, "seen").await;
    let hidden = world.write(&stage.spare_channel, &person, "hidden").await;
    set_participant(&world, &seen, &looking, "OBSERVER").await;
    let make = "mutation($d: ID!) {
        createProject(input: { dialogueId: $d, name: \"Both\" }) { project { id } }
        createTask(input: { dialogueId: $d, title: \"Both\" }) { task { id } }
    }";
    let made = world.admin.api.run(make, json!({ "d": seen })).await;
    let link = "mutation($d: ID!, $deal: ID!, $project: ID!, $task: ID!) {
        linkDeal(dialogueId: $d, dealId: $deal) { dialogue { id } }
        linkProject(dialogueId: $d, projectId: $project) { dialogue { id } }
        linkTask(dialogueId: $d, taskId: $task) { dialogue { id } }
    }";
    let cards = json!({
        "d": hidden,
        "deal": world.admin.dialogue(&seen, "deal { id }").await["deal"]["id"],
        "project": made.at("createProject.project.id"),
        "task": made.at("createTask.task.id"),
    });
    world.admin.api.run(link, cards).await.data();
    let below = "dialogues { id } activity(last: 20) { nodes { kind dialogue { id } } }";
    let through = format!(
        "client {{ dialogues {{ id }} contractor {{ id }} }}
        contractor {{ {below} clients {{ id dialogues {{ id }} }} deals {{ id dialogues {{ id }} }} }}
        deals {{ {below} }} projects {{ {below} }} tasks {{ {below} }}"
    );
    let lists = "{ clients { nodes { dialogues { id } } } contractors { nodes { dialogues { id } } }
        deals { nodes { dialogues { id } } } projects { nodes { dialogues { id } } } tasks { nodes { dialogues { id } } } }";
    for (viewer, sees) in [(&world.admin, true), (&looking, false)] {
        let read = viewer.dialogue(&seen, &through).await;
        for part in ["client", "contractor", "deals", "projects", "tasks"] {
            let told = read[part].to_string();
            assert_eq!(told.contains(&hidden), sees, "{part}: {told}");
            assert!(told.contains(&seen), "{part}: {told}");
        }
        let listed = viewer.api.run(lists, Value::Null).await;
        for list in ["clients", "contractors", "deals", "projects", "tasks"] {
            let told = listed.at(list).to_string();
            assert_eq!(told.contains(&hidden), sees, "{list}: {told}");
            assert!(told.contains(&seen), "{list}: {told}");
        }
    }
}

async fn following_tells_what_may_be_seen(world: World) {
    let start = world.cursor().await;
    let stage = Stage::set(&world).await;
    let cast = Cast::gather(&world, &stage).await;
    // From the start of it all, and from now on.
    let mut feeds = Vec::new();
    for viewer in cast.seeing.iter().chain([&cast.stranger]) {
        feeds.push((viewer, world.follow(&viewer.api, Some(&start)).await));
        feeds.push((viewer, world.follow(&viewer.api, None).await));
    }
    let batches = batches(&cast.stranger, &start).await;

    happen(&world, &stage.channel, &cast).await;

    for (viewer, mut feed) in feeds {
        let sees = viewer.id != cast.stranger.id;
        let told = Value::from(until_the_end(&mut feed, &cast.common).await);
        let leaks = cast.leaks(&told);
        assert_eq!(!leaks.is_empty(), sees, "{leaks:?} told to {}: {told:#}", viewer.id);
    }
    let (_socket, mut batches) = batches;
    loop {
        let batch = batches.next().await;
        let told = batch["data"]["eventBatches"]["events"].as_array().expect("events").clone();
        assert_eq!(cast.leaks(&batch), Vec::<String>::new());
        if told.iter().any(|event| is_the_end(event, &cast.common)) {
            break;
        }
    }
}

async fn batches(viewer: &Someone, after: &str) -> (Socket, crate::harness::socket::Operation) {
    let socket = Socket::connect(&format!("{}/graphql", viewer.api.url), viewer.api.token.as_deref()).await;
    let document = "subscription($after: String) { eventBatches(after: $after) {
        events { kind cursor dialogue { id } ... on AccessEvent { dialogueId } } cursor live
    } }";
    let operation = socket.subscribe(document, json!({ "after": after }));
    (socket, operation)
}

/// Something in the hidden dialogue, and last something that all may see.
async fn happen(world: &World, channel: &Channel, cast: &Cast<'_>) {
    let admin = &world.admin;
    let hidden = &cast.scene.dialogue;
    let comment = "mutation($d: ID!) { addComment(input: { dialogueId: $d, text: \"secret\" }) { comment { id } } }";
    admin.api.run(comment, json!({ "d": hidden })).await.data();
    let tag = "mutation($d: ID!) { addTags(dialogueId: $d, names: [\"last\"]) { dialogue { id } } }";
    for dialogue in [hidden, &cast.common] {
        admin.close(dialogue).await;
        admin.api.run(tag, json!({ "d": dialogue })).await.data();
    }
    // A message of the client, who opens the common one again.
    world.write(channel, &cast.person, "the end").await;
}

fn is_the_end(event: &Value, common: &str) -> bool {
    event["kind"] == "DIALOGUE_REOPENED" && event["dialogue"]["id"] == *common
}

async fn until_the_end(feed: &mut Feed, common: &str) -> Vec<Value> {
    feed.until(|event| is_the_end(event, common)).await
}

async fn typing_is_for_who_may_see_it(world: World) {
    let stage = Stage::set(&world).await;
    let cast = Cast::gather(&world, &stage).await;
    let document =
        "subscription($d: ID!) { typing(dialogueId: $d) { dialogue { id } actor { ... on User { id } } until } }";
    let mut following = Vec::new();
    for viewer in &cast.seeing[1..] {
        let socket = Socket::connect(&format!("{}/graphql", viewer.api.url), viewer.api.token.as_deref()).await;
        let operation = socket.subscribe(document, json!({ "d": cast.scene.dialogue }));
        socket.ping().await;
        following.push((socket, operation));
    }
    let typing = "mutation($d: ID!) { setTyping(dialogueId: $d) { dialogue { id } } }";
    world.admin.api.run(typing, json!({ "d": cast.scene.dialogue })).await.data();
    for (_, operation) in &mut following {
        let told = operation.next().await;
        assert_eq!(told["data"]["typing"]["actor"]["id"], json!(world.admin.id), "{told}");
    }

    let stranger = &cast.stranger.api;
    let socket = Socket::connect(&format!("{}/graphql", stranger.url), stranger.token.as_deref()).await;
    let mut refusals = Vec::new();
    for id in [cast.scene.dialogue.clone(), format!("dlg_{}", Uuid::now_v7().simple()), "nonsense".into()] {
        let mut operation = socket.subscribe(document, json!({ "d": id }));
        let message = operation.message().await;
        let errors = message["payload"]["errors"].as_array().or(message["payload"].as_array()).cloned();
        let error = errors.unwrap_or_default().into_iter().next().unwrap_or_else(|| panic!("{message} is no refusal"));
        refusals.push(json!([error["message"], error["extensions"]["code"]]));
    }
    assert_eq!(refusals[0][1], "NOT_FOUND");
    assert!(refusals.iter().all(|refusal| *refusal == refusals[0]), "{refusals:?}");
}

async fn files_are_for_who_may_see_their_dialogue(world: World) {
    let stage = Stage::set(&world).await;
    let cast = Cast::gather(&world, &stage).await;
    let file = &cast.scene.file;
    fetched(&world, file).await;
    let get = async |api: &crate::harness::client::Api, path: String| {
        let mut request = reqwest::Client::new().get(format!("{}{path}", api.url));
        if let Some(token) = &api.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.expect("an answer");
        (response.status(), response.text().await.expect("a body"))
    };
    for viewer in &cast.seeing {
        let (status, body) = get(&viewer.api, format!("/files/{file}")).await;
        assert!(status == StatusCode::OK && body.starts_with("secret of"), "{status}: {body}");
    }
    let stranger = &cast.stranger.api;
    let unseen = get(stranger, format!("/files/{file}")).await;
    assert_eq!(unseen.0, StatusCode::NOT_FOUND);
    for nothing in [format!("fil_{}", Uuid::now_v7().simple()), cast.scene.message.clone(), "nonsense".into()] {
        assert_eq!(get(stranger, format!("/files/{nothing}")).await, unseen);
    }
    let anonymous = crate::harness::client::Api::anonymous(&world.server.url);
    assert_eq!(get(&anonymous, format!("/files/{file}")).await.0, StatusCode::UNAUTHORIZED);

    // Whoever has a signed address has the file, and only that file.
    let signed = format!("{{ node(id: {file:?}) {{ ... on File {{ signedUrl }} }} }}");
    let signed: String = world.admin.api.run(&signed, Value::Null).await.get("node.signedUrl");
    let (_, query) = signed.split_once('?').expect("a signature");
    assert_eq!(get(&anonymous, format!("/files/{file}?{query}")).await.0, StatusCode::OK);
    let (until, signature) = query.split_once('&').expect("until and signature");
    let later = format!("{}0", until);
    for forged in [format!("{later}&{signature}"), format!("{until}&signature=00"), format!("{query}0")] {
        assert_ne!(get(&anonymous, format!("/files/{file}?{forged}")).await.0, StatusCode::OK, "{forged}");
    }
    let other = format!("fil_{}", Uuid::now_v7().simple());
    assert_ne!(get(&anonymous, format!("/files/{other}?{query}")).await.0, StatusCode::OK);
}

/// Waits until a file is in the store.
async fn fetched(world: &World, file: &str) {
    let document = format!("{{ node(id: {file:?}) {{ ... on File {{ state }} }} }}");
    let mut feed = world.follow(&world.admin.api, None).await;
    while world.admin.api.run(&document, Value::Null).await.at("node.state") != "READY" {
        feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
    }
}

async fn groups_and_totals_count_what_may_be_seen(world: World) {
    let stage = Stage::set(&world).await;
    let cast = Cast::gather(&world, &stage).await;
    let document = "{
        dialogues { totalCount nodes { id } } clients { totalCount nodes { id } }
        inbox { mine { ...G } unassigned { ...G } others { ...G } closed { ...G } }
    } fragment G on InboxGroup { count unreadCount }";
    let live = "subscription { inbox { mine { ...G } unassigned { ...G } others { ...G } closed { ...G } } }
        fragment G on InboxGroup { count unreadCount }";
    let total = |inbox: &Value| -> i64 {
        ["mine", "unassigned", "others", "closed"]
            .iter()
            .map(|group| inbox[group]["count"].as_i64().expect("a count"))
            .sum()
    };
    for viewer in cast.seeing.iter().chain([&cast.stranger]) {
        // There is a third, of nobody here.
        let expected = match viewer {
            stranger if stranger.id == cast.stranger.id => 1,
            observer if cast.observers.contains(&observer.id) => 2,
            _ => 3,
        };
        let answer = viewer.api.run(document, Value::Null).await;
        for list in ["dialogues", "clients"] {
            assert_eq!(answer.at(&format!("{list}.totalCount")), expected, "{answer}");
            assert_eq!(answer.get::<Vec<Value>>(&format!("{list}.nodes")).len(), expected, "{answer}");
        }
        assert_eq!(total(answer.at("inbox")), expected as i64, "{answer}");
        let socket = Socket::connect(&format!("{}/graphql", viewer.api.url), viewer.api.token.as_deref()).await;
        let told = socket.subscribe(live, json!({})).next().await;
        assert_eq!(told["data"]["inbox"], *answer.at("inbox"), "live as by query");
    }
}
