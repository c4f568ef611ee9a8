//! The long poll against recorded answers.

use colloquy_sandbox::vk::{FakeVk, Fault as Planned};
use serde_json::{Value, json};

use super::{ANNA, GROUP, Vk, community};
use crate::messenger::{Fault, Messenger as _, Polled};

async fn begin() -> (FakeVk, Vk, String) {
    let (fake, vk) = community().await;
    let vk = vk.with_patience(std::time::Duration::from_secs(5));
    let first = vk.poll(None).await.unwrap();
    assert!(first.updates.is_empty(), "the cursor is kept before anything is waited for");
    let cursor = first.cursor.unwrap();
    (fake, vk, cursor)
}

fn ts(polled: &Polled) -> Value {
    let cursor: Value = serde_json::from_str(polled.cursor.as_deref().unwrap()).unwrap();
    cursor["ts"].clone()
}

#[tokio::test]
async fn polling_is_turned_on_and_hands_events_out_in_order() {
    let (fake, vk, cursor) = begin().await;
    assert_eq!(fake.polled_events(GROUP).len(), super::super::read::EVENTS.len());
    for text in ["one", "two"] {
        fake.happen(GROUP, &fake.says(GROUP, ANNA, text)).await;
    }
    let polled = vk.poll(Some(&cursor)).await.unwrap();
    let texts: Vec<&Value> = polled.updates.iter().map(|update| &update["object"]["message"]["text"]).collect();
    assert_eq!(texts, ["one", "two"]);
    fake.happen(GROUP, &fake.says(GROUP, ANNA, "three")).await;
    let next = vk.poll(polled.cursor.as_deref()).await.unwrap();
    assert_eq!(next.updates.len(), 1, "only what is new");
    let call = &fake.calls("longpoll")[0];
    assert_eq!((call.text("act"), call.text("wait")), ("a_check", "25"));
}

#[tokio::test]
async fn every_answer_leads_on() {
    for (answer, updates, expected) in [
        ("longpoll-updates", 1, json!("18")),
        ("longpoll-empty", 0, json!("18")),
        ("longpoll-failed-1", 0, json!("30")),
        // The moment holds, and the key is another.
        ("longpoll-failed-2", 0, json!("16")),
        ("longpoll-failed-3", 0, json!("17")),
    ] {
        let (fake, vk, cursor) = begin().await;
        fake.push(GROUP, json!({}));
        fake.change_key(GROUP);
        fake.fail_next("longpoll", Planned::Status(answer));
        let polled = vk.poll(Some(&cursor)).await.unwrap();
        assert_eq!((polled.updates.len(), ts(&polled)), (updates, expected), "{answer}");
        let is_new = polled.cursor.as_deref().unwrap().contains("key-200000001-1+");
        assert_eq!(is_new, answer.ends_with("failed-2") || answer.ends_with("failed-3"), "{answer}");
    }
    for strange in [json!({ "failed": 4 }), json!({ "failed": null }), json!({ "failed": 1 })] {
        let (fake, vk, cursor) = begin().await;
        fake.push(GROUP, json!({}));
        fake.fail_poll(GROUP, strange.clone());
        assert_eq!(ts(&vk.poll(Some(&cursor)).await.unwrap()), json!("17"), "{strange}: from now on");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_passing_or_begun_anew() {
    let (fake, vk, cursor) = begin().await;
    for strange in [json!({}), json!({ "updates": [] }), json!({ "ts": [], "updates": [] }), json!([])] {
        fake.fail_poll(GROUP, strange.clone());
        assert!(matches!(vk.poll(Some(&cursor)).await, Err(Fault::Passing { .. })), "{strange}");
    }
    fake.fail_next("longpoll", Planned::Html502);
    assert!(matches!(vk.poll(Some(&cursor)).await, Err(Fault::Passing { .. })));
    for broken in ["", "17", "{}", r#"{"server":"","key":"k","ts":"1"}"#, r#"{"server":5,"key":"k","ts":"1"}"#] {
        assert_eq!(ts(&vk.poll(Some(broken)).await.unwrap()), json!("16"), "{broken:?}");
    }
    // A server that is gone: the moment holds at the one that is there now.
    let elsewhere = cursor.replace("/whp/", "/gone/").replace("\"16\"", "\"9\"");
    assert_eq!(ts(&vk.poll(Some(&elsewhere)).await.unwrap()), json!("9"));
    fake.revoke(super::TOKEN, GROUP, true);
    assert!(matches!(vk.poll(None).await, Err(Fault::Broken { .. })));
}
