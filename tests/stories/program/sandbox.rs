//! The sandbox beside the server: a person plays clients of three messengers, and is answered.

use std::time::Duration;

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::harness::client::Api;
use crate::harness::feed::Feed;
use crate::harness::process::Program;
use crate::harness::scratch::Scratch;

/// How long a failing story waits.
const PATIENCE: Duration = Duration::from_secs(30);

/// The sandbox's page.
struct Page {
    url: String,
    http: reqwest::Client,
}

impl Page {
    /// The state, once it is as wanted.
    async fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut events = self.http.get(format!("{}api/events", self.url)).send().await.expect("events");
        let mut read = String::new();
        let found = async {
            loop {
                let piece = events.chunk().await.expect("it goes on").expect("it does not end");
                read.push_str(&String::from_utf8_lossy(&piece));
                while let Some((event, rest)) = read.split_once("\n\n") {
                    let state: Option<Value> =
                        event.strip_prefix("data: ").map(|data| serde_json::from_str(data).expect("JSON"));
                    read = rest.to_owned();
                    if let Some(state) = state.filter(|state| wanted(state)) {
                        return state;
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("waited for {what}"))
    }

    async fn write(&self, phone: &str, form: Form) {
        let url = format!("{}api/phones/{phone}/messages", self.url);
        let answer = self.http.post(url).multipart(form).send().await.expect("an answer");
        assert_eq!(answer.status(), 204, "{:?}", answer.text().await);
    }

    async fn act(&self, method: reqwest::Method, path: &str, body: Value) {
        let request = self.http.request(method, format!("{}api/{path}", self.url)).json(&body);
        assert_eq!(request.send().await.expect("an answer").status(), 204, "{path}");
    }
}

/// The messages of a phone.
fn messages(state: &Value, phone: &str) -> Vec<Value> {
    let phones = state["phones"].as_array().expect("phones").iter();
    let of = phones.filter(|one| one["id"] == phone).flat_map(|one| one["messages"].as_array().expect("a list"));
    of.cloned().collect()
}

fn answered(state: &Value, phone: &str) -> bool {
    messages(state, phone).iter().any(|message| message["from"] == "COMPANY")
}

/// The program with the sandbox, and its page.
async fn start(settings: &[(&str, &str)]) -> (Program, Page) {
    let arguments = ["serve", "--demo", "--sandbox", "127.0.0.1:0"];
    let mut program = Program::run(env!("CARGO_BIN_EXE_colloquy").into(), &arguments, settings).await;
    let url = program.line("Write as a client of Telegram, VK and Viber at ").await.expect("the page's address");
    let http = Api::anonymous(&url).http;
    (program, Page { url, http })
}

async fn sign_in(program: &Program) -> Api {
    let sign_in = "mutation($input: SignInInput!) { signIn(input: $input) { token } }";
    let input = json!({ "email": "admin@example.com", "password": "colloquy-demo" });
    let anonymous = Api::anonymous(program.url());
    let token: String = anonymous.run(sign_in, json!({ "input": input })).await.get("signIn.token");
    anonymous.with_token(&token)
}

#[tokio::test]
async fn a_newcomer_writes_as_a_client_of_each_messenger_and_is_answered() {
    let (program, page) = start(&[]).await;
    let html = page.http.get(&page.url).send().await.expect("the page");
    assert!(html.status() == 200 || html.status() == 404, "a program without pages says so: {}", html.status());
    let api = sign_in(&program).await;
    let state = page.until("channels", |state| state["bots"].as_array().is_some_and(|bots| bots.len() == 3)).await;

    for phone in state["phones"].as_array().expect("phones") {
        let id = phone["id"].as_str().expect("an id");
        let mut feed = Feed::follow(&api, None).await;
        let photo =
            Part::bytes(&b"not much of a picture"[..]).file_name("note.txt").mime_str("text/plain").expect("a type");
        page.write(id, Form::new().text("text", "Hello from the sandbox").part("file", photo)).await;

        let events = feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
        let dialogue = events.last().expect("one")["dialogue"]["id"].as_str().expect("an id").to_owned();
        let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
        let input = json!({ "dialogueId": dialogue, "text": "And hello to you" });
        let sent: String = api.run(send, json!({ "input": input })).await.get("sendMessage.message.id");
        let state = page.until("the answer", |state| answered(state, id)).await;

        let shown = messages(&state, id);
        assert_eq!((&shown[0]["from"], &shown[0]["files"][0]["size"]), (&json!("CLIENT"), &json!(21)));
        assert_eq!(shown.last().expect("some")["text"], "And hello to you");
        if !phone["botId"].as_str().expect("a bot").starts_with("telegram") {
            page.act(reqwest::Method::POST, &format!("phones/{id}/read"), json!({})).await;
            feed.until_delivery(&sent, "READ").await;
        }
        page.act(reqwest::Method::PATCH, &format!("phones/{id}"), json!({ "isBlocked": true })).await;
        feed.until(|event| event["kind"] == "CLIENT_CHANGED").await;
    }

    // What goes wrong is told by the channel, and what works again, too.
    let bot = "telegram:7000000001";
    page.act(reqwest::Method::PATCH, &format!("bots/{bot}"), json!({ "fail": "TOKEN_REVOKED" })).await;
    page.act(reqwest::Method::PATCH, "phones/1", json!({ "isBlocked": false })).await;
    let mut feed = Feed::follow(&api, None).await;
    page.write("1", Form::new().text("text", "Still there?")).await;
    let events = feed.until(|event| event["kind"] == "MESSAGE_ADDED").await;
    let dialogue = events.last().expect("one")["dialogue"]["id"].clone();
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
    api.run(send, json!({ "input": { "dialogueId": dialogue, "text": "Yes" } })).await.data();
    feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
    page.act(reqwest::Method::PATCH, &format!("bots/{bot}"), json!({ "fail": "NONE" })).await;
    feed.until(|event| event["kind"] == "CHANNEL_CHANGED").await;
}

#[tokio::test]
async fn who_starts_it_again_goes_on_with_the_same_dialogues() {
    let home = Scratch::new();
    let database = format!("sqlite://{}", home.path().join("colloquy.db").display());
    let settings = [("DATABASE_URL", database.as_str())];
    let mut dialogues = Vec::new();
    for text in ["Before", "After"] {
        let (program, page) = start(&settings).await;
        let api = sign_in(&program).await;
        let state = page.until("channels", |state| state["bots"].as_array().is_some_and(|bots| bots.len() == 3)).await;
        for phone in state["phones"].as_array().expect("phones") {
            let id = phone["id"].as_str().expect("an id");
            let mut feed = Feed::follow(&api, None).await;
            page.write(id, Form::new().text("text", text)).await;
            let events = feed.until(|event| event["message"]["text"] == text).await;
            let dialogue = events.last().expect("one")["dialogue"]["id"].clone();
            let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
            let input = json!({ "dialogueId": dialogue, "text": "Yes" });
            api.run(send, json!({ "input": input })).await.data();
            page.until("the answer", |state| answered(state, id)).await;
            dialogues.push(dialogue);
        }
        assert_eq!(program.terminate().await.code(), Some(0));
    }
    assert_eq!(dialogues[..3], dialogues[3..]);
}
