//! Files both ways: Viber fetches ours from an address of ours, and we fetch its from one that runs out in an hour.

use std::time::Duration;

use colloquy_sandbox::viber::{Content, Fault, User};
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use super::{begin, delivery};
use crate::harness::story::stories;
use crate::harness::world::{Channel, World};
use crate::stories::files::uploads::PIXEL;

stories!(World:
    a_picture_is_fetched_by_viber_byte_for_byte,
    a_text_and_a_file_are_two_messages_and_receipts_are_of_either,
    what_arrived_of_a_message_does_not_end_the_sending_of_the_rest,
    a_file_that_viber_refuses_is_refused_with_words,
    a_file_is_fetched_within_its_hour,
    an_address_that_has_run_out_leaves_the_history,
);

async fn upload(world: &World, name: &str, content_type: &str, bytes: &[u8]) -> String {
    let part = Part::bytes(bytes.to_vec()).file_name(name.to_owned()).mime_str(content_type).expect("a content type");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let token = world.admin.api.token.as_deref().expect("signed in");
    let post = client.post(format!("{}/files", world.server.url)).bearer_auth(token);
    let response = post.multipart(Form::new().part("file", part)).send().await.expect("an answer");
    response.json::<Value>().await.expect("JSON")["id"].as_str().expect("an id").to_owned()
}

async fn send(world: &World, dialogue: &str, text: &str, files: &[String]) -> String {
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
    let input = json!({ "dialogueId": dialogue, "text": text, "fileIds": files });
    world.admin.api.run(send, json!({ "input": input })).await.get("sendMessage.message.id")
}

async fn a_picture_is_fetched_by_viber_byte_for_byte(world: World) {
    let (_, _, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let picture = upload(&world, "Фото.png", "image/png", PIXEL).await;
    let id = send(&world, &dialogue, "Смотрите", &[picture]).await;
    feed.until_delivery(&id, "SENT").await;
    let [call] = &world.viber.sent()[..] else { panic!("one message") };
    assert_eq!((call.kind.as_deref(), call.text.as_deref()), (Some("picture"), Some("Смотрите")));
    let fetched = world.viber.wait_for_fetched(call.message_token.expect("it was taken")).await;
    assert_eq!((fetched.status, fetched.trouble.as_deref()), (Some(200), None));
    assert_eq!((&fetched.bytes[..], fetched.content_type.as_deref()), (PIXEL, Some("image/png")));

    let url = call.arguments["media"].as_str().expect("an address");
    assert!(url.starts_with(&format!("{}/media/", world.server.url)) && url.ends_with(".png"), "{url}");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let (head, end) = url.rsplit_once('/').expect("a path");
    let guessed = format!("{}0/{end}", &head[..head.len() - 1]);
    let other = format!("{}1/{end}", &head[..head.len() - 1]);
    let mut opened = 0;
    for url in [guessed, other] {
        opened += i32::from(client.get(url).send().await.expect("an answer").status() == 200);
    }
    assert!(opened <= 1, "of two last digits one is wrong at least");
}

async fn a_text_and_a_file_are_two_messages_and_receipts_are_of_either(world: World) {
    let (channel, anna, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    // Of each message: what its two receipts tell, in both orders, and how it ends.
    let lost = "Viber could not deliver it: no";
    let cases = [
        (("delivered", 0), ("seen", 1), "READ", Value::Null),
        (("delivered", 0), ("failed", 1), "DELIVERED", json!(lost)),
        (("seen", 1), ("failed", 0), "READ", json!(lost)),
        (("failed", 0), ("failed", 1), "FAILED", json!(lost)),
    ];
    for (first, second, status, failure) in cases {
        for (order, held) in
            [([first, second], false), ([second, first], false), ([first, second], true), ([second, first], true)]
        {
            world.viber_tells(&channel, &anna.says("And?")).await;
            let before = world.viber.sent().len();
            let pdf = upload(&world, "Договор.pdf", "application/pdf", b"%PDF-1.7 ...").await;
            let id = send(&world, &dialogue, "Вот договор", &[pdf]).await;
            if !held {
                feed.until_delivery(&id, "SENT").await;
            }
            let sent = world.viber.wait_for_sent(before + 2).await[before..].to_vec();
            assert_eq!((sent[0].kind.as_deref(), sent[1].kind.as_deref()), (Some("text"), Some("file")));
            assert_eq!(sent[1].arguments["file_name"], "Договор.pdf");
            let tokens = [0, 1].map(|nth: usize| sent[nth].message_token.expect("it was taken"));
            for (event, nth) in order {
                let status = match event {
                    "delivered" => world.viber.delivered(&channel.token, tokens[nth]).await,
                    "seen" => world.viber.seen(&channel.token, tokens[nth]).await,
                    _ => world.viber.failed(&channel.token, tokens[nth], "no").await,
                };
                assert_eq!(status, 200);
            }
            if held {
                feed.until_delivery(&id, status).await;
            }
            let expected = json!({ "status": status, "failure": failure, "attempts": 1 });
            let mut ended = delivery(&world, &dialogue, &id).await;
            while ended != expected && held {
                // What failed beside what arrived is told after it.
                feed.until(|event| event["message"]["id"] == id).await;
                ended = delivery(&world, &dialogue, &id).await;
            }
            assert_eq!(ended, expected, "{order:?}");
            let fetched = world.viber.wait_for_fetched(tokens[1]).await;
            assert_eq!((&fetched.bytes[..], fetched.trouble), (&b"%PDF-1.7 ..."[..], None));
        }
    }
}

async fn what_arrived_of_a_message_does_not_end_the_sending_of_the_rest(world: World) {
    let (channel, anna, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let pdf = upload(&world, "a.pdf", "application/pdf", b"%PDF-1.7").await;
    let gate = world.viber.gate_next("send_message");
    let id = send(&world, &dialogue, "Here", &[pdf]).await;
    let token = world.viber.wait_for_sent(1).await[0].message_token.expect("it was taken");
    // The file meets faults until the text is delivered.
    world.viber.fail("send_message", Some(&anna.id), Fault::Html502, 4);
    gate.release();
    world.viber.wait_for_calls("send_message", 3).await;
    assert_eq!(world.viber.delivered(&channel.token, token).await, 200);
    feed.until_delivery(&id, "DELIVERED").await;
    let kinds: Vec<_> = world.viber.sent().iter().map(|call| call.kind.clone().expect("a type")).collect();
    assert_eq!(kinds, ["text", "file"], "each once");
    let ended = delivery(&world, &dialogue, &id).await;
    assert_eq!((&ended["status"], &ended["failure"]), (&json!("DELIVERED"), &Value::Null));
}

async fn a_file_that_viber_refuses_is_refused_with_words(world: World) {
    let (_, _, dialogue) = begin(&world, "Anna").await;
    let program = upload(&world, "Setup.exe", "application/octet-stream", b"MZ").await;
    let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
    let input = json!({ "dialogueId": dialogue, "text": "", "fileIds": [program] });
    let answer = world.admin.api.run(send, json!({ "input": input })).await;
    assert_eq!(answer.error_code(), "BAD_USER_INPUT");
    let words = answer.error()["message"].as_str().expect("words");
    assert!(words.contains("Setup.exe"), "{words}");
    assert!(world.viber.calls("send_message").is_empty());
}

/// A person sends a file that is at this address; gives the file as it ends.
async fn arrives(world: &World, channel: &Channel, user: &User, media: String) -> Value {
    let mut feed = world.follow(&world.admin.api, None).await;
    let event = user.sends(&Content::File(media, "price.txt".into(), 11));
    world.viber_tells(channel, &event).await;
    feed.until(|event| event["kind"] == "MESSAGE_FILE_CHANGED").await;
    let dialogue = world.viber_dialogue(channel, &user.name).await;
    let messages = world.admin.messages(&dialogue).await;
    messages.last().expect("one")["attachments"][0].clone()
}

async fn a_file_is_fetched_within_its_hour(world: World) {
    let (channel, anna, dialogue) = begin(&world, "Anna").await;
    // Passing faults are tried again at once, not when the hour is over.
    world.viber.fail_next("media", Fault::Html502);
    world.viber.fail_next("media", Fault::Reset);
    let media = world.viber.media("price.txt", "nine ninety");
    let file = arrives(&world, &channel, &anna, media).await;
    assert_eq!((&file["state"], &file["size"]), (&json!("READY"), &json!(11)));
    let fields = "messages { nodes { attachments { ... on File { url } } } }";
    let read = world.admin.dialogue(&dialogue, fields).await;
    let url = read["messages"]["nodes"][1]["attachments"][0]["url"].as_str().expect("an address").to_owned();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let token = world.admin.api.token.as_deref().expect("signed in");
    let bytes = client.get(url).bearer_auth(token).send().await.expect("an answer").bytes().await.expect("a body");
    assert_eq!(&bytes[..], b"nine ninety");
}

async fn an_address_that_has_run_out_leaves_the_history(world: World) {
    let (channel, anna, dialogue) = begin(&world, "Anna").await;
    let media = world.viber.media("price.txt", "nine ninety");
    let gone = media.replace("/media/", "/media/0");
    world.viber.advance(Duration::from_secs(3601));
    for address in [media, gone] {
        let file = arrives(&world, &channel, &anna, address).await;
        assert_eq!((&file["name"], &file["state"]), (&json!("price.txt"), &json!("FAILED")));
    }
    assert_eq!(world.admin.messages(&dialogue).await.len(), 3, "the history stays");
}
