//! Receipts: in whatever order a message's come, and however often, it ends in the same state.

use colloquy_sandbox::viber::{Fault, User};
use serde_json::{Value, json};

use super::{begin, delivery};
use crate::harness::feed::Feed;
use crate::harness::story::stories;
use crate::harness::world::{Channel, World};

stories!(World:
    statuses_in_all_orders_end_in_the_same_state,
    who_has_seen_a_message_has_seen_what_came_before,
    a_failure_before_a_message_that_was_seen_ends_alike_in_both_orders,
    a_message_that_did_not_arrive_after_all_can_be_sent_again,
    receipts_of_others_change_nothing,
    a_receipt_that_comes_ten_times_at_once_is_told_once,
);

/// What happens to a message, beside being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happens {
    /// The answer to the sending arrives.
    Answered,
    /// It is on a device, by the first such event and the second.
    Delivered,
    DeliveredAgain,
    Seen,
    Failed,
}

use Happens::{Answered, Delivered, DeliveredAgain, Failed, Seen};

/// All orders of these.
fn orders(of: &[Happens]) -> Vec<Vec<Happens>> {
    if of.is_empty() {
        return vec![Vec::new()];
    }
    let begin_with = |first: &Happens| {
        let rest: Vec<Happens> = of.iter().copied().filter(|other| other != first).collect();
        orders(&rest).into_iter().map(|order| [vec![*first], order].concat()).collect::<Vec<_>>()
    };
    of.iter().flat_map(begin_with).collect()
}

/// Sends a message to which all this happens in this order; how it ends, and how it came there.
async fn end(
    world: &World,
    channel: &Channel,
    feed: &mut Feed,
    dialogue: &str,
    order: &[Happens],
) -> (Value, Vec<Value>) {
    let before = world.cursor().await;
    let mut gate = Some(world.viber.gate_next("send_message"));
    let sent = world.viber.sent().len();
    let id = world.admin.send(dialogue, "Hi").await;
    let token = world.viber.wait_for_sent(sent + 1).await[sent].message_token.expect("it was taken");
    for happens in order {
        let status = match happens {
            Answered => {
                gate.take().expect("once").release();
                feed.until_delivery(&id, "SENT").await;
                continue;
            }
            Delivered | DeliveredAgain => world.viber.delivered(&channel.token, token).await,
            Seen => world.viber.seen(&channel.token, token).await,
            Failed => world.viber.failed(&channel.token, token, "no https://signed.example/?secret").await,
        };
        assert_eq!(status, 200, "{happens:?} of {order:?}");
    }
    let told = world.events_after(&before).await;
    let of_it = told.iter().filter(|event| event["message"]["id"] == id && !event["deliveryStatus"].is_null());
    let told = of_it.map(|event| event["deliveryStatus"].clone()).collect();
    (delivery(world, dialogue, &id).await, told)
}

async fn statuses_in_all_orders_end_in_the_same_state(world: World) {
    let channel = world.connect_viber("Shop").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let failure = json!("Viber could not deliver it: no …");
    let sets: [(&[Happens], &str, Value); 6] = [
        (&[Answered, Delivered, DeliveredAgain, Seen, Failed], "READ", Value::Null),
        (&[Answered, Delivered, DeliveredAgain, Failed], "DELIVERED", Value::Null),
        (&[Answered, Delivered, Seen], "READ", Value::Null),
        (&[Answered, Seen, Failed], "READ", Value::Null),
        (&[Answered, Delivered], "DELIVERED", Value::Null),
        (&[Answered, Failed], "FAILED", failure),
    ];
    let mut tried = 0;
    for (set, status, failure) in sets {
        for order in orders(set) {
            let user = User::new(&format!("Person{tried}x"));
            let dialogue = world.viber_says(&channel, &user, "Hello").await;
            let (ended, told) = end(&world, &channel, &mut feed, &dialogue, &order).await;
            let expected = json!({ "status": status, "failure": failure, "attempts": 1 });
            assert_eq!(ended, expected, "after {order:?}");
            // QUEUED, then only forward.
            let ranks = ["QUEUED", "SENT", "FAILED", "DELIVERED", "READ"];
            let rank = |status: &Value| ranks.iter().position(|rank| status == rank).expect("a status");
            assert!(told.is_sorted_by(|a, b| rank(a) < rank(b)), "{told:?} after {order:?}");
            tried += 1;
        }
    }
    assert_eq!(tried, 120 + 24 + 6 + 6 + 2 + 2);
}

async fn who_has_seen_a_message_has_seen_what_came_before(world: World) {
    let (channel, _, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let statuses = async || -> Vec<Value> {
        let messages = world.admin.messages(&dialogue).await;
        messages.iter().skip(1).map(|message| message["delivery"]["status"].clone()).collect()
    };
    for text in ["one", "two", "three"] {
        let id = world.admin.send(&dialogue, text).await;
        feed.until_delivery(&id, "SENT").await;
    }
    let tokens: Vec<u64> = world.viber.sent().iter().filter_map(|call| call.message_token).collect();
    world.viber.delivered(&channel.token, tokens[0]).await;
    world.viber.seen(&channel.token, tokens[1]).await;
    assert_eq!(statuses().await, ["READ", "READ", "SENT"]);

    // The same where it comes before the answer to the sending.
    let gate = world.viber.gate_next("send_message");
    let id = world.admin.send(&dialogue, "four").await;
    let token = world.viber.wait_for_sent(4).await[3].message_token.expect("it was taken");
    world.viber.seen(&channel.token, token).await;
    assert_eq!(statuses().await, ["READ", "READ", "SENT", "QUEUED"]);
    gate.release();
    feed.until_delivery(&id, "READ").await;
    assert_eq!(statuses().await, ["READ"; 4]);
}

async fn a_failure_before_a_message_that_was_seen_ends_alike_in_both_orders(world: World) {
    let channel = world.connect_viber("Shop").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    for is_failed_first in [true, false] {
        let user = User::new(&format!("Anna{is_failed_first}"));
        let dialogue = world.viber_says(&channel, &user, "Hello").await;
        world.viber.fail("send_message", Some(&user.id), Fault::Status("error-03-badData"), 1);
        let never = world.admin.send(&dialogue, "never there").await;
        feed.until_delivery(&never, "FAILED").await;
        let already = world.viber.sent().len();
        for text in ["one", "two", "three"] {
            let id = world.admin.send(&dialogue, text).await;
            feed.until_delivery(&id, "SENT").await;
        }
        let sent = world.viber.sent().split_off(already);
        let tokens: Vec<u64> = sent.iter().filter_map(|call| call.message_token).collect();
        for is_failure in [is_failed_first, !is_failed_first] {
            match is_failure {
                true => world.viber.failed(&channel.token, tokens[0], "no").await,
                false => world.viber.seen(&channel.token, tokens[1]).await,
            };
        }
        let messages = world.admin.messages(&dialogue).await;
        let statuses: Vec<_> = messages.iter().skip(1).map(|message| &message["delivery"]["status"]).collect();
        assert_eq!(statuses, ["FAILED", "READ", "READ", "SENT"], "the failure first: {is_failed_first}");
    }
}

async fn a_message_that_did_not_arrive_after_all_can_be_sent_again(world: World) {
    let (channel, anna, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let id = world.admin.send(&dialogue, "Did it arrive?").await;
    feed.until_delivery(&id, "SENT").await;
    let first = world.viber.sent()[0].message_token.expect("it was taken");
    world.viber.failed(&channel.token, first, "no").await;
    feed.until_delivery(&id, "FAILED").await;

    // A fault on the way there does not make it one that was sent.
    world.viber.fail("send_message", Some(&anna.id), Fault::Html502, 1);
    world.admin.act("retryMessage", "messageId", &id).await.data();
    feed.until_delivery(&id, "SENT").await;
    let sent = world.viber.sent();
    assert_eq!(sent.len(), 2, "it goes out anew");
    assert_eq!(world.viber.delivered(&channel.token, sent[1].message_token.expect("it was taken")).await, 200);
    let expected = json!({ "status": "DELIVERED", "failure": null, "attempts": 2 });
    assert_eq!(delivery(&world, &dialogue, &id).await, expected);
}

async fn receipts_of_others_change_nothing(world: World) {
    let (channel, anna, dialogue) = begin(&world, "Anna").await;
    let boris = User::new("Boris");
    world.viber_says(&channel, &boris, "Hello").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let id = world.admin.send(&dialogue, "Hi").await;
    feed.until_delivery(&id, "SENT").await;
    let token = world.viber.sent()[0].message_token.expect("it was taken");
    let before = world.cursor().await;
    let hello = anna.says("More");
    world.viber_tells(&channel, &hello).await;
    let receipt = |user: &User, token: &Value| json!({ "event": "seen", "timestamp": 1_790_000_000_000_i64, "message_token": token, "user_id": user.id });
    // Of somebody else's message, of one that was never sent, of the client's own, of a stranger's.
    let strange = [
        receipt(&boris, &json!(token)),
        receipt(&anna, &json!(7)),
        receipt(&anna, &hello["message_token"]),
        receipt(&User::new("Nobody"), &json!(token)),
    ];
    for event in &strange {
        world.viber_tells(&channel, event).await;
    }
    assert_eq!(world.events_after(&before).await.len(), 1, "the message alone");
    assert_eq!(delivery(&world, &dialogue, &id).await["status"], "SENT");
    for odd in [json!({ "event": "seen" }), json!({ "event": "failed", "message_token": 1.5, "user_id": 7 })] {
        world.viber_tells(&channel, &odd).await;
    }
}

async fn a_receipt_that_comes_ten_times_at_once_is_told_once(world: World) {
    let (channel, _, dialogue) = begin(&world, "Anna").await;
    let mut feed = world.follow(&world.admin.api, None).await;
    let id = world.admin.send(&dialogue, "Hi").await;
    feed.until_delivery(&id, "SENT").await;
    let token = world.viber.sent()[0].message_token.expect("it was taken");
    let before = world.cursor().await;
    let all = (0..10).map(|nth| {
        let (viber, channel) = (world.viber.clone(), channel.token.clone());
        async move {
            match nth % 2 {
                0 => viber.delivered(&channel, token).await,
                _ => viber.seen(&channel, token).await,
            }
        }
    });
    let statuses = futures_util::future::join_all(all).await;
    assert_eq!(statuses, [200; 10]);
    assert_eq!(delivery(&world, &dialogue, &id).await["status"], "READ");
    let told = world.events_after(&before).await;
    assert!(told.len() <= 2, "{told:#?}");
}
