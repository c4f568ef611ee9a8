//! Every recorded answer of Viber's has the outcome that it should.

use colloquy_sandbox::viber::{Fault, User};
use colloquy_sandbox::wire::Answer;
use serde_json::{Value, json};

use crate::harness::story::stories;
use crate::harness::world::World;

stories!(World: every_answer_to_a_sending_has_its_outcome, every_answer_to_connecting_has_its_outcome);

/// What comes of a message whose sending is answered so.
enum Outcome {
    /// It is sent.
    Sent,
    /// It has failed for good, in these words.
    Failed(&'static str),
    /// The same, and the client is out of reach.
    Unreachable(&'static str),
    /// It is tried again, and then sent.
    Again,
    /// The same, and the channel fails meanwhile in these words.
    Broken(&'static str),
    /// It waits for long.
    Waits,
}

/// Of the answers to a sending; none for the answers of other methods.
fn expected(name: &str) -> Option<Outcome> {
    use Outcome::*;
    Some(match name {
        "send_message-ok" | "send_message-ok-no-billing" => Sent,
        "error-01-invalidUrl" => Failed("Viber refused it: invalidUrl (1)"),
        "error-02-invalidAuthToken" | "error-02-missing-auth-token" => Broken("Viber does not accept the bot's token"),
        "error-03-badData" => Failed("Viber refused it: badData (3)"),
        "error-04-missingData" => Failed("Viber refused it: missingData (4)"),
        "error-05-receiverNotRegistered" => Unreachable("The client is not at Viber any more"),
        "error-06-notSubscribed" => {
            Unreachable("The client is not subscribed to the bot; once they write to it, it can write to them")
        }
        "error-07-publicAccountBlocked" => Broken("Viber has blocked the bot's account"),
        "error-08-publicAccountNotFound" => Broken("Viber does not know the bot's account any more"),
        "error-09-publicAccountSuspended" => Broken("Viber has suspended the bot's account"),
        "error-10-webhookNotSet" => {
            Broken("Viber knows no address of the bot any more: it is told ours again within a minute")
        }
        "error-11-receiverNoSuitableDevice" => Failed("The client has no device that can show this"),
        "error-12-hourly-user-limit" | "error-12-tooManyRequests" => Waits,
        "error-13-apiVersionNotSupported" | "error-14-incompatibleWithVersion" => {
            Failed("The client's Viber is too old to show this")
        }
        "error-15-publicAccountNotAuthorized" => Broken("Viber has not authorized the bot's account"),
        "error-16-inchatReplyMessageNotAllowed" => Failed("Viber refused it: inchatReplyMessageNotAllowed (16)"),
        "error-17-publicAccountIsNotInline" => Failed("Viber refused it: publicAccountIsNotInline (17)"),
        "error-18-noPublicChat" => Failed("Viber refused it: noPublicChat (18)"),
        "error-19-cannotSendBroadcast" => Failed("Viber refused it: cannotSendBroadcast (19)"),
        "error-20-broadcastNotAllowed" => Failed("Viber refused it: broadcastNotAllowed (20)"),
        "error-21-unsupportedCountry" => Failed("Viber lets the bot write to nobody in the client's country"),
        "error-22-paymentUnsupported" => Failed("Viber refused it: paymentUnsupported (22)"),
        "error-23-freeMessagesExceeded" => Failed("The bot's free messages of this month are used up"),
        "error-24-noBalance" => {
            Failed("There is nothing left on the bot's account at Viber to pay for the message with")
        }
        "error-99-general" => Failed("Viber refused it: General error (99)"),
        "error-999-bad-receiver-id" => Failed("Viber refused it: Bad receiver ID (999)"),
        "error-http-500" => Again,
        // Answers to other methods, and one of ours that we do not give.
        "broadcast_message-partial"
        | "get_account_info-bad-token"
        | "get_account_info-ok"
        | "get_online-ok"
        | "get_user_details-limit"
        | "get_user_details-ok"
        | "get_user_details-placeholder"
        | "set_webhook-endpoint-not-200"
        | "set_webhook-invalid-url"
        | "set_webhook-ok"
        | "set_webhook-ok-filtered"
        | "set_webhook-removed"
        | "webhook-welcome-response" => return None,
        unlisted => panic!("{unlisted} is a new answer: say here what comes of it"),
    })
}

async fn every_answer_to_a_sending_has_its_outcome(world: World) {
    let shop = world.connect_viber("Shop").await;
    // Two answers have one token, which messages of one bot never share.
    let help = world.connect_viber("Help").await;
    let mut names = Answer::all_recorded("viber");
    names.sort();
    assert!(names.len() >= 40, "the answers are there: {names:?}");
    for (nth, name) in names.into_iter().enumerate() {
        let Some(outcome) = expected(&name) else { continue };
        let name: &'static str = name.leak();
        let channel = if name == "send_message-ok-no-billing" { &help } else { &shop };
        let user = User::new(&format!("Person{nth}x"));
        let dialogue = world.viber_says(channel, &user, "Hello").await;
        let mut feed = world.follow(&world.admin.api, None).await;
        world.viber.fail("send_message", Some(&user.id), Fault::Status(name), 1);
        let id = world.admin.send(&dialogue, name).await;
        let delivery = async || super::delivery(&world, &dialogue, &id).await;
        let reachable = async || world.admin.dialogue(&dialogue, "isReachable").await["isReachable"] == json!(true);
        let attempts = match outcome {
            Outcome::Sent => {
                feed.until_delivery(&id, "SENT").await;
                1
            }
            Outcome::Failed(words) | Outcome::Unreachable(words) => {
                feed.until_delivery(&id, "FAILED").await;
                assert_eq!(delivery().await, json!({ "status": "FAILED", "failure": words, "attempts": 1 }), "{name}");
                1
            }
            Outcome::Again => {
                feed.until_delivery(&id, "SENT").await;
                2
            }
            Outcome::Broken(words) => {
                let told = feed.until_delivery(&id, "SENT").await;
                let changes = told.iter().filter(|event| event["kind"] == "CHANNEL_CHANGED").count();
                assert_eq!(changes, 2, "{name}: failing, and then not any more; {words}");
                2
            }
            Outcome::Waits => {
                world.viber.wait_for_calls_to("send_message", &user.id, 1).await;
                // It holds for this client alone.
                let other = User::new(&format!("Other{nth}x"));
                let another = world.viber_says(channel, &other, "Hello").await;
                let theirs = world.admin.send(&another, "Hi").await;
                feed.until_delivery(&theirs, "SENT").await;
                assert_eq!(delivery().await["status"], "QUEUED", "{name}");
                1
            }
        };
        assert_eq!(delivery().await["attempts"], attempts, "{name}");
        assert_eq!(reachable().await, !matches!(outcome, Outcome::Unreachable(_)), "{name}");
    }
}

async fn every_answer_to_connecting_has_its_outcome(world: World) {
    let tried = "Viber tried the address under PUBLIC_URL out, and got no 200 from there, but 419";
    let address = "Viber does not take the address: PUBLIC_URL must be https://, reachable from outside, and have a \
                   certificate of a known authority";
    for (method, name, refusal) in [
        ("get_account_info", "get_account_info-bad-token", Some("Viber does not accept the bot's token")),
        ("set_webhook", "set_webhook-endpoint-not-200", Some(tried)),
        ("set_webhook", "set_webhook-invalid-url", Some(address)),
        ("set_webhook", "set_webhook-ok", None),
        ("set_webhook", "set_webhook-ok-filtered", None),
    ] {
        let token = format!("445da6az1s345z78-dazcczb2542zv51a-{name}");
        world.viber.bot(&token, "answered");
        world.viber.fail_next(method, Fault::Status(name));
        let answer = world.try_connect_viber("Shop", &token).await;
        match refusal {
            None => assert_eq!(answer.at("connectChannel.channel.state"), "CONNECTED", "{name}"),
            Some(words) => assert_eq!(answer.error()["message"], words, "{name}"),
        }
    }
    world.viber.fail_next("get_account_info", Fault::Status("get_account_info-ok"));
    let answer = world.try_connect_viber("Shop", "445da6az1s345z78-of-whom").await;
    assert_eq!(answer.error_code(), "BAD_USER_INPUT", "the pretend one knows no such bot");
    world.viber.bot("445da6az1s345z78-of-whom", "whom");
    world.viber.fail_next("get_account_info", Fault::Status("get_account_info-ok"));
    let answer = world.try_connect_viber("Shop", "445da6az1s345z78-of-whom").await;
    assert_eq!(answer.at("connectChannel.channel.handle"), "@syntheticinboxbot");
    let channel = crate::harness::world::Channel {
        id: answer.get("connectChannel.channel.id"),
        token: "445da6az1s345z78-of-whom".into(),
    };

    for (name, called) in [
        ("get_user_details-ok", "Анна Примерова"),
        ("get_user_details-placeholder", "Viber client"),
        ("get_user_details-limit", "Viber client"),
        ("error-http-500", "Viber client"),
    ] {
        let user = User::new(&name.replace('-', "x"));
        let mut event = user.says("Hello");
        event["sender"].as_object_mut().expect("a person").remove("name");
        world.viber.fail("get_user_details", Some(&user.id), Fault::Status(name), 1);
        let before = world.cursor().await;
        world.viber_tells(&channel, &event).await;
        let events = world.events_after(&before).await;
        let dialogue = events[0]["dialogue"]["id"].as_str().expect("an id");
        assert_eq!(world.admin.dialogue(dialogue, "client { name }").await["client"]["name"], called, "{name}");
    }
    world.viber.fail_next("set_webhook", Fault::Status("set_webhook-removed"));
    world.admin.act("disconnectChannel", "channelId", &channel.id).await.data();
    let state = world.admin.api.run("{ channels { state } }", Value::Null).await;
    let states: Vec<Value> = state.get("channels");
    assert_eq!(states.last().expect("one")["state"], "DISCONNECTED");
}
