//! Exports: the archive as the API tells it, a line each, by HTTP and on the command line.

mod cut;
mod filters;
mod formats;
mod resume;
mod rights;
mod words;

use std::process::{Command, Output, Stdio};

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::client::Api;
use crate::harness::feed;
use crate::harness::story::stories;
use crate::harness::updates::{Person, document, message_id};
use crate::harness::world::{Channel, Someone, World};

use words::{dialogues, events, messages};

stories!(World: an_export_says_what_the_api_says, the_command_has_everything, where_there_is_no_database_there_is_no_export);

/// An archive with something of everything.
struct Archive {
    shop: Channel,
    support: Channel,
    employee: Someone,
    observer: Someone,
    /// In the order in which they began: the observer takes part in the second alone.
    dialogues: [String; 3],
}

const QUESTION: &str = "Сколько стоит; \"доставка\", скажите?\r\nИ когда?";

impl Archive {
    async fn fill(world: &World) -> Self {
        let admin = &world.admin;
        let funnel =
            "mutation { createFunnel(input: { name: \"Sales\", stages: [{ name: \"New\" }] }) { funnel { id } } }";
        let funnel: String = admin.api.run(funnel, Value::Null).await.get("createFunnel.funnel.id");
        let (shop, support) = (world.connect_channel("Shop").await, world.connect_channel("=Support").await);
        world.set_channel(&shop, json!({ "funnelId": funnel })).await;
        let (employee, observer) = (world.user("EMPLOYEE").await, world.user("OBSERVER").await);
        let mut feed = world.follow(&admin.api, None).await;
        let [anna, boris, clara] = [(6801, "Анна \"А\""), (6802, "=Boris"), (6803, "Clara")]
            .map(|(id, name)| Person { id, name: name.into() });

        // Of the first there are more messages than are read at once.
        let first = world.write(&shop, &anna, QUESTION).await;
        world.telegram.file("price", "nine ninety");
        world.take(&shop, &anna.sends(document("price", 11))).await;
        feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
        let mut place = anna.sends(json!({ "venue": {
            "location": { "latitude": 55.75, "longitude": 37.61 }, "title": "Дом; 7", "address": "x",
        } }));
        place["message"]["location"] = place["message"]["venue"]["location"].clone();
        world.take(&shop, &place).await;
        world
            .take(&shop, &anna.sends(json!({ "contact": { "phone_number": "+79161234567", "first_name": "Яна" } })))
            .await;
        for number in 0..12 {
            world.take(&shop, &anna.says(&format!("line {number}"))).await;
        }
        let forwarded = json!({
            "text": "forwarded",
            "forward_origin": { "type": "hidden_user", "sender_user_name": "Иван", "date": 1_790_000_000 },
        });
        world.take(&shop, &anna.sends(forwarded)).await;
        let second = world.write(&support, &boris, "=HYPERLINK(\"http://127.0.0.1\")").await;
        let mut asked = boris.says("reply to this");
        world.take(&support, &asked).await;
        let edited = boris.edits(&asked, json!({ "text": "-1 edited" }));
        world.take(&support, &edited).await;
        asked["message"]["reply_to_message"] = json!({ "message_id": message_id(&edited) });
        let third = world.write(&shop, &clara, "+7 (916) 123-45-67").await;

        let answer = admin.send(&first, "It ships today.").await;
        feed.until_delivery(&answer, "SENT").await;
        let gone = admin.send(&second, "to be deleted").await;
        feed.until_delivery(&gone, "SENT").await;
        admin.act("deleteMessage", "messageId", &gone).await.data();
        let answer = employee.send(&third, "'quoted").await;
        feed.until_delivery(&answer, "SENT").await;
        let work = "mutation($first: ID!, $second: ID!, $third: ID!, $employee: ID!, $observer: ID!) {
            a: setParticipant(dialogueId: $first, userId: $employee, role: RESPONSIBLE) { dialogue { id } }
            b: setParticipant(dialogueId: $second, userId: $observer, role: OBSERVER) { dialogue { id } }
            c: addTags(dialogueId: $first, names: [\"VIP\", \"a; b\", \"=x\"]) { dialogue { id } }
            d: addTags(dialogueId: $second, names: [\"срочно\"]) { dialogue { id } }
            e: createProject(input: { name: \"Site\", dialogueId: $first }) { project { id } }
            f: createTask(input: { title: \"Call\", dialogueId: $first }) { task { id } }
            g: createTask(input: { title: \"Write\", dialogueId: $second }) { task { id } }
            h: addComment(input: { dialogueId: $second, text: \"note\" }) { comment { id } }
            i: addComment(input: { dialogueId: $second, text: \"gone\" }) { comment { id } }
            j: createContractor(input: { name: \"Ромашка\", dialogueId: $third }) { contractor { id } }
            k: createContractor(input: { name: \"Alone\" }) { contractor { id } }
            l: closeDialogue(dialogueId: $third) { dialogue { id } }
        }";
        let ids = json!({
            "first": first, "second": second, "third": third, "employee": employee.id, "observer": observer.id,
        });
        let done = admin.api.run(work, ids).await;
        let more = "mutation($comment: ID!, $kept: ID!, $merged: ID!, $task: ID!, $third: ID!, $client: ID!) {
            deleteComment(commentId: $comment) { dialogue { id } }
            mergeContractors(contractorId: $kept, mergedId: $merged) { contractor { id } }
            linkTask(dialogueId: $third, taskId: $task) { dialogue { id } }
            blockClient(clientId: $client, blocked: true) { client { id } }
        }";
        let client = admin.dialogue(&second, "client { id }").await["client"]["id"].clone();
        let ids = json!({
            "comment": done.at("i.comment.id"), "kept": done.at("k.contractor.id"), "merged": done.at("j.contractor.id"),
            "task": done.at("g.task.id"), "third": third, "client": client,
        });
        admin.api.run(more, ids).await.data();
        Self { shop, support, employee, observer, dialogues: [first, second, third] }
    }
}

/// Asks for an export; gives its status and its whole text.
async fn ask(api: &Api, query: &[(&str, &str)]) -> (StatusCode, String) {
    let response = request(api, query).send().await.expect("an answer");
    (response.status(), response.text().await.expect("a body that does not break off"))
}

fn request(api: &Api, query: &[(&str, &str)]) -> reqwest::RequestBuilder {
    let mut url = url::Url::parse(&format!("{}/export", api.url)).expect("an address");
    url.query_pairs_mut().extend_pairs(query);
    let request = api.http.get(url);
    match &api.token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

/// The lines of an export in NDJSON.
async fn export(api: &Api, query: &[(&str, &str)]) -> Vec<Value> {
    let (status, text) = ask(api, query).await;
    assert_eq!(status, StatusCode::OK, "{query:?}: {text}");
    lines(&text)
}

fn lines(text: &str) -> Vec<Value> {
    assert!(text.is_empty() || text.ends_with('\n'), "a whole last line");
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// `colloquy export` with these options on the world's database.
fn command(world: &World, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_colloquy"));
    let files = format!("file://{}", world.database.dir.path().join("files").display());
    let settings =
        [("DATABASE_URL", world.database.url.clone()), ("SECRET_KEY", "07".repeat(32)), ("FILES_URL", files)];
    command.arg("export").args(options).env_clear().envs(settings).current_dir(world.database.dir.path());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// An address that is mistyped is no archive without anything in it.
async fn where_there_is_no_database_there_is_no_export(world: World) {
    let file = world.database.dir.path().join("mistyped/colloquy.db");
    let mut command = command(&world, &[]);
    command.env("DATABASE_URL", format!("sqlite://{}", file.display()));
    let ended = tokio::task::spawn_blocking(move || command.output().expect("the program runs"));
    let output = ended.await.expect("no panic");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{said}");
    assert!(said.contains("DATABASE_URL: there is no database at") && said.lines().count() == 1, "{said}");
    assert!(!file.parent().expect("a folder").exists(), "and none is made");
}

/// Runs it to its end.
async fn run(world: &World, options: &[&str]) -> Output {
    let mut command = command(world, options);
    let ended = tokio::task::spawn_blocking(move || command.output().expect("the program runs"));
    ended.await.expect("no panic")
}

/// What it writes.
async fn written(world: &World, options: &[&str]) -> String {
    let output = run(world, options).await;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{options:?}: {:?} {errors}", output.status);
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Lines without their cursors, and without what the command line cannot know: where the server is.
fn bare(lines: &[Value]) -> Vec<Value> {
    let mut lines = lines.to_vec();
    for line in &mut lines {
        line.as_object_mut().expect("an object").remove("cursor").expect("each line has a cursor");
        for file in line.get_mut("attachments").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(url) = file.get_mut("url") {
                *url = json!(url.as_str().expect("an address").split_once("/files/").expect("a file's").1);
            }
        }
    }
    lines
}

/// That lines are these, told apart one by one.
#[track_caller]
fn same(found: &[Value], expected: &[Value]) {
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found, expected, "\nfound {found:#}\nexpected {expected:#}");
    }
    assert_eq!(found.len(), expected.len(), "so many lines");
}

async fn an_export_says_what_the_api_says(world: World) {
    let archive = Archive::fill(&world).await;
    let api = &world.admin.api;
    same(&bare(&export(api, &[("what", "dialogues")]).await), &dialogues(api, &archive.dialogues).await);
    let told = messages(api, &archive.dialogues).await;
    assert!(told.len() > 20 && told.iter().any(|message| !message["deletedAt"].is_null()), "{told:#?}");
    assert!(told.iter().any(|message| message["forwardedFrom"] == "Иван"));
    for query in [&[][..], &[("what", "messages"), ("format", "ndjson")], &[("what", ""), ("filter", "")]] {
        same(&bare(&export(api, query).await), &told);
    }
    let deleted = told.iter().find(|message| !message["deletedAt"].is_null()).expect("it keeps its place");
    assert_eq!(deleted["text"], "");
    let exported = export(api, &[("what", "events")]).await;
    let read = feed::events(api, None).await;
    same(&words::of_events(&exported), &events(&read));
    let text = |kind: &str| exported.iter().find(|event| event["kind"] == kind).expect("such an event")["text"].clone();
    assert_eq!(text("MESSAGE_ADDED"), QUESTION);
    assert_eq!(text("MESSAGE_DELETED"), "", "its text is gone from everywhere");
    assert_eq!((text("COMMENT_ADDED"), text("COMMENT_DELETED")), (json!("note"), Value::Null));
    let merged = exported.iter().find(|event| event["kind"] == "CONTRACTOR_MERGED").expect("a merge");
    assert_eq!(merged["cardName"], "Alone");
    let channel = exported.iter().find(|event| event["channelId"] == json!(archive.support.id)).expect("its change");
    assert_eq!((&channel["kind"], &channel["channelName"]), (&json!("CHANNEL_CHANGED"), &json!("=Support")));
}

async fn the_command_has_everything(world: World) {
    let archive = Archive::fill(&world).await;
    let api = &world.admin.api;
    for what in ["messages", "dialogues"] {
        let written = lines(&written(&world, &["--what", what, "--format", "ndjson"]).await);
        same(&bare(&written), &bare(&export(api, &[("what", what)]).await));
    }
    assert_eq!(written(&world, &[]).await.lines().count(), messages(api, &archive.dialogues).await.len());
    let all = lines(&written(&world, &["--what", "events", "--format", "ndjson"]).await);
    let (own, others): (Vec<Value>, Vec<Value>) =
        all.iter().cloned().partition(|event| !event["kind"].as_str().expect("a kind").starts_with("ACCESS_"));
    same(&own, &export(api, &[("what", "events")]).await);
    let told: Vec<_> = others.iter().map(|event| (&event["kind"], &event["userId"], &event["dialogueId"])).collect();
    let granted = (&json!("ACCESS_GRANTED"), &json!(archive.observer.id), &json!(archive.dialogues[1]));
    assert_eq!(told, [granted], "and nothing hidden: {all:#?}");
    // No credential is ever written.
    let everything = written(&world, &["--what", "events"]).await + &written(&world, &[]).await;
    for secret in [&archive.shop.token, api.token.as_ref().expect("signed in"), "cqt_", "cqs_", "signature="] {
        assert!(!everything.contains(secret.trim()), "{secret}");
    }
}
