//! Queries and mutations over an open socket: answered as over HTTP, with the rights of the moment.

use serde_json::{Value, json};

use crate::harness::client::Api;
use crate::harness::socket::Socket;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Someone, World};

stories!(World: a_socket_answers_as_http_does, a_socket_asks_with_the_role_of_the_moment);

async fn connect(api: &Api) -> Socket {
    Socket::connect(&format!("{}/graphql", api.url), api.token.as_deref()).await
}

/// What a socket answers, in the form that HTTP has; it must complete the operation, which an error does by itself.
async fn ask(socket: &Socket, document: &str, variables: Value) -> Value {
    let mut operation = socket.subscribe(document, variables);
    let mut message = operation.message().await;
    match message["type"].as_str() {
        Some("next") => {
            operation.completed().await;
            message["payload"].take()
        }
        Some("error") => json!({ "errors": message["payload"] }),
        _ => panic!("{message} is no answer to {document}"),
    }
}

/// The code of the only error.
fn code(answer: &Value) -> &str {
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("no errors in {answer}"));
    assert_eq!(errors.len(), 1, "{answer}");
    errors[0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("no code in {answer}"))
}

async fn a_socket_answers_as_http_does(world: World) {
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(8021), "hello").await;
    let hidden = world.write(&channel, &Person::new(8022), "secret").await;
    let observer = world.user("OBSERVER").await;
    world.admin.set_participant(&dialogue, &observer.id, "OBSERVER").await;
    let ids = json!({ "d": dialogue, "h": hidden });
    // Each can be asked twice, and the second answer is as the first.
    let documents = [
        "{ viewer { id name role } channels { id name state } inbox { others { count unreadCount } mine { count } } }",
        "query($d: ID!) { dialogue(id: $d) { id group unreadCount viewerCan { reply comment } messages { nodes { text } } } }",
        "query($h: ID!) { dialogue(id: $h) { id } node(id: $h) { id } dialogues { totalCount nodes { id } } }",
        "query($d: ID!, $h: ID!) { nodes(ids: [$d, $h, \"nonsense\"]) { id __typename } }",
        "{ dialogues(first: 0) { totalCount } }",
        "{ users(first: 1, after: \"nonsense\") { totalCount } }",
        "mutation($h: ID!) { closeDialogue(dialogueId: $h) { dialogue { id } } }",
        "mutation($d: ID!) { closeDialogue(dialogueId: $d) { dialogue { id } } }",
        "mutation($d: ID!) { addTags(dialogueId: $d, names: []) { dialogue { id } } no: closeDialogue(dialogueId: \"x\") { dialogue { id } } }",
        "mutation { createFunnel(input: { name: \"x\", stages: [] }) { funnel { id } } }",
        "query($d: ID!) { dialogue(id: $d) { nothing } }",
        "query($d: Int!) { dialogue(id: $d) { id } }",
        "query($missing: ID!) { dialogue(id: $missing) { id } }",
        "{ broken",
        "",
    ];
    for someone in [&world.admin, &observer] {
        let socket = connect(&someone.api).await;
        for document in documents {
            let by_http = someone.api.run(document, ids.clone()).await.body;
            assert_eq!(ask(&socket, document, ids.clone()).await, by_http, "{document}");
        }
    }

    // What is done over one is there for the other.
    let socket = connect(&world.admin.api).await;
    let send = "mutation($d: ID!) { sendMessage(input: { dialogueId: $d, text: \"by socket\", idempotencyKey: \"once\" }) { message { id } } }";
    let sent = ask(&socket, send, ids.clone()).await;
    let again = world.admin.api.run(send, ids.clone()).await;
    assert_eq!(again.body, sent, "the same key, the same message");
    assert_eq!(world.telegram.wait_for_sent(1).await[0].text.as_deref(), Some("by socket"));
    let messages = world.admin.messages(&dialogue).await;
    assert_eq!(messages.last().map(|message| &message["id"]), Some(&sent["data"]["sendMessage"]["message"]["id"]));
}

async fn a_socket_asks_with_the_role_of_the_moment(world: World) {
    let user = world.user("ADMIN").await;
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(8031), "hello").await;
    let socket = connect(&user.api).await;
    let funnel =
        "mutation { createFunnel(input: { name: \"Sales\", stages: [{ name: \"New\" }] }) { funnel { name } } }";
    let comment = "mutation($d: ID!) { addComment(input: { dialogueId: $d, text: \"look\" }) { comment { text } } }";
    let seen = "query($d: ID!) { dialogue(id: $d) { id } viewer { role } }";
    let id = json!({ "d": dialogue });
    assert_eq!(ask(&socket, funnel, json!({})).await["data"]["createFunnel"]["funnel"]["name"], "Sales");

    set_role(&world.admin, &user, "EMPLOYEE").await;
    assert_eq!(code(&ask(&socket, funnel, json!({})).await), "FORBIDDEN");
    assert_eq!(ask(&socket, comment, id.clone()).await["data"]["addComment"]["comment"]["text"], "look");
    let answer = ask(&socket, seen, id.clone()).await;
    assert_eq!(answer["data"], json!({ "dialogue": { "id": dialogue }, "viewer": { "role": "EMPLOYEE" } }));

    set_role(&world.admin, &user, "OBSERVER").await;
    assert_eq!(code(&ask(&socket, comment, id.clone()).await), "NOT_FOUND");
    let answer = ask(&socket, seen, id.clone()).await;
    assert_eq!(answer["data"], json!({ "dialogue": null, "viewer": { "role": "OBSERVER" } }));
    world.admin.set_participant(&dialogue, &user.id, "OBSERVER").await;
    let send = "mutation($d: ID!) { sendMessage(input: { dialogueId: $d, text: \"no\" }) { message { id } } }";
    assert_eq!(code(&ask(&socket, send, id.clone()).await), "FORBIDDEN");

    // And the other way: who is promoted need not connect again.
    set_role(&world.admin, &user, "ADMIN").await;
    assert_eq!(ask(&socket, funnel, json!({})).await["data"]["createFunnel"]["funnel"]["name"], "Sales");
}

async fn set_role(by: &Someone, user: &Someone, role: &str) {
    let update = "mutation($id: ID!, $role: Role!) { updateUser(input: { userId: $id, role: $role }) { user { id } } }";
    by.api.run(update, json!({ "id": user.id, "role": role })).await.data();
}
