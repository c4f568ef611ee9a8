//! Open connections: what they hear of a right that ends, when they are closed, and what can be asked over them.

mod alike;
mod asking;
mod bad;
mod clients;
mod closing;
mod cost;
mod stalled;
mod typing;

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join;
use serde_json::{Value, json};

use crate::harness::feed::{self, Feed, kinds};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Someone, World};

stories!(World: who_is_let_out_of_a_dialogue_hears_no_more_of_it_while_others_write_on);

/// A dialogue that is written into all the time, and one in which nothing happens but what a story does.
struct Two<'a> {
    world: &'a World,
    busy: String,
    quiet: String,
}

impl Two<'_> {
    /// The client and an operator write into the busy one until it is enough.
    async fn write_on(&self, channel: &Channel, person: &Person, enough: &AtomicBool) {
        let comment = "mutation($d: ID!) { addComment(input: { dialogueId: $d, text: \"busy\" }) { comment { id } } }";
        while !enough.load(Ordering::Relaxed) {
            self.world.take(channel, &person.says("busy")).await;
            self.world.admin.api.run(comment, json!({ "d": self.busy })).await.data();
        }
    }

    async fn remove(&self, user: &Someone) {
        let remove = "mutation($d: ID!, $u: ID!) { removeParticipant(dialogueId: $d, userId: $u) { dialogue { id } } }";
        self.world.admin.api.run(remove, json!({ "d": self.busy, "u": user.id })).await.data();
    }

    /// Something in the quiet one, to know where to stop reading.
    async fn mark(&self, name: &str) {
        let tag = "mutation($d: ID!, $name: String!) { addTags(dialogueId: $d, names: [$name]) { dialogue { id } } }";
        self.world.admin.api.run(tag, json!({ "d": self.quiet, "name": name })).await.data();
    }
}

async fn who_is_let_out_of_a_dialogue_hears_no_more_of_it_while_others_write_on(world: World) {
    let channel = world.connect_channel("Shop").await;
    let person = Person::new(8001);
    let busy = world.write(&channel, &person, "hello").await;
    let quiet = world.write(&channel, &Person::new(8002), "hello").await;
    let observer = world.user("OBSERVER").await;
    world.admin.set_participant(&quiet, &observer.id, "OBSERVER").await;
    let two = Two { world: &world, busy, quiet };
    let enough = AtomicBool::new(false);
    let story = async {
        let mut live = world.follow(&observer.api, None).await;
        let mut all = world.follow(&world.admin.api, None).await;
        for round in 0..4 {
            world.admin.set_participant(&two.busy, &observer.id, "OBSERVER").await;
            let heard = live.until(|event| event["kind"] == "ACCESS_GRANTED").await;
            // What was written just before may be told with the rights that they have by now.
            assert!(heard.iter().all(|event| event["kind"] != "ACCESS_REVOKED"), "{heard:#?}");
            let granted = heard.last().expect("the one that was waited for");
            assert_eq!((&granted["dialogueId"], &granted["dialogue"]["id"]), (&json!(two.busy), &json!(two.busy)));
            some_of(&mut live, &two.busy).await;

            two.remove(&observer).await;
            let heard = live.until(|event| event["kind"] == "ACCESS_REVOKED").await;
            let last = heard.last().expect("the one that was waited for");
            assert_eq!((&last["dialogueId"], &last["dialogue"]), (&json!(two.busy), &Value::Null));
            let revoked = last["cursor"].as_str().expect("a cursor");
            all.until(|event| event["kind"] == "PARTICIPANT_REMOVED").await;
            some_of(&mut all, &two.busy).await;

            let name = format!("round {round}");
            two.mark(&name).await;
            let after = live.until(|event| event["tag"]["name"] == json!(name)).await;
            assert_eq!(kinds(&after), ["TAG_ADDED"], "nothing more of the busy one: {after:#?}");
            assert_eq!(feed::events(&observer.api, Some(revoked)).await, after, "nor is there in the log");
        }
        enough.store(true, Ordering::Relaxed);
    };
    join(two.write_on(&channel, &person, &enough), story).await;
}

/// A message and a comment of a dialogue, at least.
async fn some_of(feed: &mut Feed, dialogue: &str) {
    for kind in ["MESSAGE_ADDED", "COMMENT_ADDED"] {
        let heard = feed.until(|event| event["kind"] == kind && event["dialogue"]["id"] == dialogue).await;
        assert!(heard.iter().all(|event| event["kind"] != "ACCESS_REVOKED"), "{heard:#?}");
    }
}
