//! What each answer of the fixtures means for a message. The stories tell what comes of it.

use std::time::Duration;

use super::server::{answer, bot, page};
use super::wire::{send, text};
use super::{fixture, names};
use crate::messenger::viber::{client::CallError, fault};
use crate::messenger::{Fault, Messenger as _, Secret};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    Sent,
    Final,
    Unreachable,
    Broken,
    Passing,
}

#[tokio::test]
async fn every_status_means_what_the_table_says() {
    let mut tried = 0;
    for name in names("responses").into_iter().filter(|name| name.starts_with("error") || name.starts_with("send")) {
        let recorded = fixture("responses", &name);
        let expected = match recorded["body"]["status"].as_i64() {
            None => Means::Passing,
            Some(0) => Means::Sent,
            Some(5 | 6) => Means::Unreachable,
            Some(2 | 7..=10 | 15) => Means::Broken,
            Some(12) => Means::Passing,
            Some(_) => Means::Final,
        };
        let (bot, _) = bot([answer(&recorded)]).await;
        let means = match send(&bot, &text("Здравствуйте")).await {
            Ok(ids) => {
                assert_eq!(ids, ["5900000000000990001"]);
                Means::Sent
            }
            Err(Fault::Final { unreachable: true, .. }) => Means::Unreachable,
            Err(Fault::Final { .. }) => Means::Final,
            Err(Fault::Broken { .. }) => Means::Broken,
            Err(Fault::Passing { whole_channel, .. }) => {
                assert!(!whole_channel, "{name}");
                Means::Passing
            }
        };
        assert_eq!(means, expected, "{name}");
        tried += 1;
    }
    assert!(tried >= 30, "only {tried}");
}

#[tokio::test]
async fn a_client_who_may_get_no_more_is_left_alone_for_as_long_as_the_limit_lasts() {
    let (bot, _) = bot([answer(&fixture("responses", "error-12-hourly-user-limit.json"))]).await;
    match send(&bot, &text("x")).await {
        Err(Fault::Passing { retry_after: Some(wait), whole_channel: false, .. }) => {
            assert!(wait * 9 > Duration::from_secs(3600), "ten tries have nine waits between them");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_proxys_pages_are_not_vibers_word() {
    for (status, body) in [
        (401, "<html>"),
        (403, "{\"status\":2}"),
        (404, "not found"),
        (200, "<html>"),
        (200, "{}"),
        (200, "{\"status\":\"0\"}"),
        (302, ""),
        (500, "{\"status\":0,\"message_token\":1}"),
    ] {
        let (bot, _) = bot([page(status, body)]).await;
        let fault = send(&bot, &text("x")).await.unwrap_err();
        assert!(matches!(fault, Fault::Passing { whole_channel: false, .. }), "{status} {body}: {fault:?}");
    }
    let slow = super::server::Answer { retry_after: Some(7), ..page(429, "<html>") };
    let (slowed, _) = bot([slow]).await;
    let fault = send(&slowed, &text("x")).await.unwrap_err();
    let seven = Some(Duration::from_secs(7));
    assert!(
        matches!(fault, Fault::Passing { retry_after, whole_channel: true, .. } if retry_after == seven),
        "{fault:?}"
    );
    let (full, _) = bot([page(413, "<html>")]).await;
    assert!(matches!(send(&full, &text("x")).await, Err(Fault::Final { unreachable: false, .. })));
}

#[test]
fn words_hold_no_address() {
    let message = "bad media https://inbox.example/media/1/2.secret/file.jpg?a=b in request".to_owned();
    let fault = fault::of_call(CallError::Refused { status: 3, message });
    assert_eq!(fault.words(), "Viber refused it: bad media … in request (3)");
    assert_eq!(fault::said(" \n"), None);
    let fault = fault::of_call(CallError::Refused { status: -7, message: String::new() });
    assert_eq!(fault.words(), "Viber refused it (-7)");
}

#[tokio::test]
async fn an_address_that_is_not_taken_is_told_of_with_words() {
    for (name, part) in [
        ("set_webhook-endpoint-not-200.json", Some("got no 200 from there, but 419")),
        ("set_webhook-invalid-url.json", Some("certificate")),
        ("error-02-invalidAuthToken.json", Some("token")),
        ("set_webhook-ok.json", None),
        ("set_webhook-ok-filtered.json", None),
        ("set_webhook-removed.json", None),
    ] {
        let (bot, script) = bot([answer(&fixture("responses", name))]).await;
        let done = bot.subscribe("https://inbox.example/webhooks/viber/1", &Secret::new("unused")).await;
        match part {
            Some(part) => assert!(done.unwrap_err().words().contains(part), "{name}"),
            None => done.unwrap(),
        }
        let [got] = script.got().try_into().unwrap();
        assert_eq!(got.path, "/pa/set_webhook");
        assert_eq!((&got.body["send_name"], &got.body["send_photo"]), (&true.into(), &true.into()));
    }
}
