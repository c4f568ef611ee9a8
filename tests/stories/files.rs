//! Files: what clients send, fetched after the message, which waits for none of them; and what is sent to them.

mod bounds;
mod pieces;
mod previews;
mod serving;
mod store;
mod sweeping;
pub mod uploads;

use reqwest::multipart::{Form, Part};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::client::{Answer, Api};
use crate::harness::story::stories;
use crate::harness::updates::{Person, document};
use crate::harness::world::{Someone, World};
use colloquy_sandbox::telegram::Fault;

stories!(World:
    a_file_is_known_by_the_message_and_fetched_afterwards,
    a_slow_download_delays_no_message_and_no_other_file,
    a_file_that_cannot_be_had_leaves_the_history,
    a_download_that_breaks_off_is_tried_again,
    a_file_waits_for_a_token_that_works_again,
    only_who_sees_the_dialogue_gets_the_file,
    what_an_edit_replaced_is_removed,
);

/// What somebody asks of a file's address, as they are signed in.
fn ask(api: &Api, url: &str) -> RequestBuilder {
    let request = reqwest::Client::builder().no_proxy().build().expect("a client").get(url);
    match &api.token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

fn part(name: &str, content_type: &str, bytes: impl Into<Vec<u8>>) -> Part {
    Part::bytes(bytes.into()).file_name(name.to_owned()).mime_str(content_type).expect("a content type")
}

/// Posts a form to `/files`.
async fn post(api: &Api, form: Form) -> Response {
    let mut request =
        reqwest::Client::builder().no_proxy().build().expect("a client").post(format!("{}/files", api.url));
    if let Some(token) = &api.token {
        request = request.bearer_auth(token);
    }
    request.multipart(form).send().await.expect("an answer")
}

/// Uploads a file; gives its id.
pub async fn upload(api: &Api, name: &str, content_type: &str, bytes: impl Into<Vec<u8>>) -> String {
    let response = post(api, Form::new().part("file", part(name, content_type, bytes))).await;
    let status = response.status();
    let body: Value = response.json().await.expect("JSON");
    assert_eq!(status, StatusCode::OK, "{body}");
    body["id"].as_str().expect("an id").to_owned()
}

/// The status and code of an upload that is refused.
async fn refused(response: Response) -> (u16, String) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.expect("JSON");
    assert!(body["errors"][0]["message"].is_string(), "{body}");
    (status, body["errors"][0]["extensions"]["code"].as_str().expect("a code").to_owned())
}

/// Sends a message with files.
pub async fn send(api: &Api, dialogue: &str, text: &str, files: &[&str]) -> Answer {
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
    api.run(send, json!({ "input": { "dialogueId": dialogue, "text": text, "fileIds": files } })).await
}

/// These fields of a file; null where they may not see it.
async fn file(api: &Api, id: &str, fields: &str) -> Value {
    let node = format!("query($id: ID!) {{ node(id: $id) {{ ... on File {{ {fields} }} }} }}");
    api.run(&node, json!({ "id": id })).await.at("node").clone()
}

/// How many bytes are kept, a number for each file in the folder.
fn kept(world: &World) -> Vec<u64> {
    let folder = world.database.dir.path().join("files");
    let entries = std::fs::read_dir(folder).expect("the files' folder");
    let mut sizes: Vec<u64> = entries.map(|entry| entry.expect("an entry").metadata().expect("a file").len()).collect();
    sizes.sort_unstable();
    sizes
}

/// The files of a dialogue's messages, in order.
async fn files(viewer: &Someone, dialogue: &str) -> Vec<Value> {
    let fields = "messages { nodes { attachments { ... on File { id name state size contentType url signedUrl } } } }";
    let read = viewer.dialogue(dialogue, fields).await;
    let messages = read["messages"]["nodes"].as_array().expect("messages").iter();
    messages.flat_map(|message| message["attachments"].as_array().expect("a list").clone()).collect()
}

async fn get(api: &Api, url: &Value) -> (StatusCode, Vec<u8>) {
    let url = url.as_str().expect("an address");
    let mut request = reqwest::Client::builder().no_proxy().build().expect("a client").get(url);
    if let Some(token) = &api.token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.expect("an answer");
    (response.status(), response.bytes().await.expect("a body").to_vec())
}

async fn a_file_is_known_by_the_message_and_fetched_afterwards(world: World) {
    let channel = world.connect_channel("Shop").await;
    let gate = world.telegram.gated_file("price", "nine ninety");
    let mut feed = world.follow(&world.admin.api, None).await;
    let anna = Person::new(5951);
    world.take(&channel, &anna.sends(document("price", 11))).await;
    let dialogue = world.dialogue(&channel, &anna).await;
    let added = feed.until(|event| event["kind"] == "MESSAGE_ADDED").await;

    let [file] = &files(&world.admin, &dialogue).await[..] else { panic!("one file") };
    assert_eq!((&file["name"], &file["state"], &file["size"]), (&json!("price.txt"), &json!("PENDING"), &json!(11)));
    assert_eq!(get(&world.admin.api, &file["url"]).await.0, StatusCode::NOT_FOUND, "not yet");
    assert_eq!(file["signedUrl"], Value::Null);

    gate.release();
    let changed = feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
    let message = &added.last().expect("one")["message"]["id"];
    assert_eq!(&changed.last().expect("one")["message"]["id"], message);
    let [file] = &files(&world.admin, &dialogue).await[..] else { panic!("one file") };
    assert_eq!((&file["state"], &file["contentType"]), (&json!("READY"), &json!("text/plain")));
    let expected = (StatusCode::OK, b"nine ninety".to_vec());
    assert_eq!(get(&world.admin.api, &file["url"]).await, expected);
    let anybody = Api::anonymous(&world.server.url);
    assert_eq!(get(&anybody, &file["signedUrl"]).await, expected, "by its address alone");
    assert_eq!(get(&anybody, &file["url"]).await.0, StatusCode::UNAUTHORIZED);
}

async fn a_slow_download_delays_no_message_and_no_other_file(world: World) {
    let channel = world.connect_channel("Shop").await;
    let gate = world.telegram.gated_file("slow", vec![7; 100_000]);
    world.telegram.file("quick", "!");
    let mut feed = world.follow(&world.admin.api, None).await;
    let anna = Person::new(5952);
    world.take(&channel, &anna.sends(document("slow", 100_000))).await;
    world.telegram.wait_for_calls("file", 1).await;

    world.take(&channel, &anna.says("Did you get it?")).await;
    let dialogue = world.dialogue(&channel, &anna).await;
    let id = world.admin.send(&dialogue, "It is coming").await;
    feed.until_delivery(&id, "SENT").await;
    world.take(&channel, &anna.sends(document("quick", 1))).await;
    feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;

    let states =
        async || files(&world.admin, &dialogue).await.iter().map(|file| file["state"].clone()).collect::<Vec<_>>();
    assert_eq!(states().await, ["PENDING", "READY"]);
    gate.release();
    feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
    assert_eq!(states().await, ["READY", "READY"]);
}

async fn a_file_that_cannot_be_had_leaves_the_history(world: World) {
    let channel = world.connect_channel("Shop").await;
    world.telegram.file("large", vec![0; (20 << 20) + 1]);
    let mut feed = world.follow(&world.admin.api, None).await;
    let anna = Person::new(5953);
    let mut update = anna.sends(document("large", (20 << 20) + 1));
    update["message"]["caption"] = json!("The film");
    world.take(&channel, &update).await;
    feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;

    let dialogue = world.dialogue(&channel, &anna).await;
    let [message] = &world.admin.messages(&dialogue).await[..] else { panic!("one message") };
    assert_eq!(message["text"], "The film");
    let [file] = &files(&world.admin, &dialogue).await[..] else { panic!("one file") };
    assert_eq!((&file["name"], &file["state"]), (&json!("large.txt"), &json!("FAILED")));
    assert_eq!(file["size"], json!((20 << 20) + 1));
    assert_eq!(get(&world.admin.api, &file["url"]).await.0, StatusCode::NOT_FOUND);
}

async fn a_download_that_breaks_off_is_tried_again(world: World) {
    let channel = world.connect_channel("Shop").await;
    world.telegram.file("price", "nine ninety");
    world.telegram.fail_next("getFile", Fault::Html502);
    world.telegram.fail_next("file", Fault::Reset);
    let mut feed = world.follow(&world.admin.api, None).await;
    let anna = Person::new(5954);
    world.take(&channel, &anna.sends(document("price", 11))).await;
    let events = feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
    let changes = events.iter().filter(|event| event["kind"] == "MESSAGE_FILE_CHANGED").count();
    assert_eq!(changes, 1, "told once it is settled");
    let dialogue = world.dialogue(&channel, &anna).await;
    let [file] = &files(&world.admin, &dialogue).await[..] else { panic!("one file") };
    assert_eq!(file["state"], "READY");
    assert_eq!(get(&world.admin.api, &file["url"]).await.1, b"nine ninety");
    assert_eq!(world.telegram.calls("getFile").len(), 3);
}

async fn only_who_sees_the_dialogue_gets_the_file(world: World) {
    let channel = world.connect_channel("Shop").await;
    world.telegram.file("price", "nine ninety");
    let observer = world.user("OBSERVER").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let anna = Person::new(5955);
    world.take(&channel, &anna.sends(document("price", 11))).await;
    feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
    let dialogue = world.dialogue(&channel, &anna).await;
    let [file] = &files(&world.admin, &dialogue).await[..] else { panic!("one file") };

    assert_eq!(get(&observer.api, &file["url"]).await.0, StatusCode::NOT_FOUND);
    world.admin.set_participant(&dialogue, &observer.id, "OBSERVER").await;
    assert_eq!(get(&observer.api, &file["url"]).await.0, StatusCode::OK);
}

async fn what_an_edit_replaced_is_removed(world: World) {
    let channel = world.connect_channel("Shop").await;
    world.telegram.file("old", "nine ninety");
    world.telegram.file("new", "ten");
    let mut feed = world.follow(&world.admin.api, None).await;
    let anna = Person::new(5956);
    let update = anna.sends(document("old", 11));
    world.take(&channel, &update).await;
    feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
    let dialogue = world.dialogue(&channel, &anna).await;
    let [before] = &files(&world.admin, &dialogue).await[..] else { panic!("one file") };
    world.take(&channel, &anna.edits(&update, document("new", 3))).await;
    feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;

    let [after] = &files(&world.admin, &dialogue).await[..] else { panic!("one file") };
    assert_eq!(get(&world.admin.api, &after["url"]).await, (StatusCode::OK, b"ten".to_vec()));
    assert_eq!(get(&world.admin.api, &before["url"]).await.0, StatusCode::NOT_FOUND);
    let app = &world.server.running().app;
    let tomorrow = colloquy_entity::Time::now().plus(25 * 60 * 60 * 1000);
    assert_eq!(colloquy::inbox::files::sweep(app, tomorrow).await.expect("it sweeps"), 1);
    assert_eq!(kept(&world), [3]);
}

async fn a_file_waits_for_a_token_that_works_again(world: World) {
    let channel = world.connect_channel("Shop").await;
    world.telegram.file("price", "nine ninety");
    world.telegram.fail("getFile", None, Fault::Status("error-401-unauthorized"), 2);
    let anna = Person::new(5991);
    let mut feed = world.follow(&world.admin.api, None).await;
    world.take(&channel, &anna.sends(document("price", 11))).await;
    feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
    let dialogue = world.dialogue(&channel, &anna).await;
    assert_eq!(files(&world.admin, &dialogue).await[0]["state"], "READY");
    // Nothing is sent: it is asked after now and then.
    while world.admin.api.run("{ channels { state } }", Value::Null).await.at("channels.0.state") != "CONNECTED" {
        feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    }
}
