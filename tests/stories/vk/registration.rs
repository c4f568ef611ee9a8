//! Connecting a community, and how its events find us.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::communities::{Community, connect};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, World};
use colloquy_sandbox::vk::Fault;

stories!(World:
    a_community_is_connected_and_its_events_are_chosen,
    what_is_wrong_with_number_or_token_is_said_where_it_is,
    the_eleventh_callback_server_is_refused_in_words,
    disconnecting_removes_our_server_and_nobody_elses,
    another_public_address_takes_the_server_along,
    without_a_public_address_it_is_polled_and_no_server_is_left,
    with_another_key_a_community_can_be_connected_anew,
    a_connecting_that_fails_leaves_no_server,
);

const READ: [&str; 10] = [
    "message_allow",
    "message_deny",
    "message_edit",
    "message_event",
    "message_new",
    "message_read",
    "message_reply",
    "message_typing_state",
    "user_block",
    "user_unblock",
];

async fn a_community_is_connected_and_its_events_are_chosen(world: World) {
    world.vk.answer_as_of_old();
    let (group, token) = world.community("Old form");
    let answer = connect(&world.admin.api, "Shop", &format!("club{group}"), &token).await;
    let channel = answer.at("connectChannel.channel");
    let id = channel["id"].as_str().expect("an id");
    let expected = json!({
        "id": id, "kind": "VK", "state": "CONNECTED", "name": "Shop", "handle": format!("@pretend{group}"),
    });
    assert_eq!(channel, &expected);

    let server = world.vk.wait_for_server(group).await;
    assert_eq!(server.url, format!("{}/webhooks/vk/{id}", world.server.url));
    assert_eq!((server.title.as_str(), server.status), ("colloquy", "ok"));
    assert!((32..=50).contains(&server.secret.len()), "{}", server.secret);
    let chosen: BTreeSet<&str> = server.events.iter().map(String::as_str).collect();
    assert_eq!(chosen, BTreeSet::from(READ));
    let settings = &world.vk.calls("groups.setCallbackSettings")[0];
    assert_eq!((settings.text("wall_post_new"), settings.text("message_reaction_event")), ("0", "0"));

    let answer = connect(&world.admin.api, "Again", &group.to_string(), &token).await;
    assert_eq!(answer.error_code(), "CONFLICT");
    assert_eq!(answer.error()["extensions"]["existingId"], json!(id));
    for call in ["groups.getById", "groups.addCallbackServer", "groups.setCallbackSettings"] {
        assert!(world.vk.calls(call).iter().all(|call| call.text("v") == "5.199" && call.error.is_none()));
    }
}

async fn what_is_wrong_with_number_or_token_is_said_where_it_is(world: World) {
    let (group, token) = world.community("Shop");
    let (other, _) = world.community("Other");
    let refused = async |group: &str, token: &str| {
        let answer = connect(&world.admin.api, "Shop", group, token).await;
        let words = answer.error()["message"].as_str().expect("words").to_owned();
        (answer.error_code().to_owned(), answer.error_field().expect("a field").to_owned(), words)
    };
    let number = "input.credentials.vk.groupId";
    let field = "input.credentials.vk.accessToken";
    for bad in ["", "0", "-", "shop", "99999999999999999999"] {
        let (code, at, _) = refused(bad, &token).await;
        assert_eq!((code.as_str(), at.as_str()), ("BAD_USER_INPUT", number), "{bad:?}");
    }
    let (code, at, words) = refused(&group.to_string(), "vk1.a.nobodys").await;
    assert_eq!((code.as_str(), at.as_str()), ("BAD_USER_INPUT", field));
    assert_eq!(words, "VK does not accept the community's token");
    let (code, at, words) = refused(&other.to_string(), &token).await;
    assert_eq!((code.as_str(), at.as_str()), ("BAD_USER_INPUT", field));
    assert_eq!(words, format!("The token is of another community: Shop ({group})"));
    world.vk.fail_next("groups.addCallbackServer", Fault::Status("error-0015"));
    let (_, _, words) = refused(&group.to_string(), &token).await;
    assert!(words.contains("lacks a right"), "{words}");
    world.vk.fail_next("groups.getById", Fault::Html502);
    let answer = connect(&world.admin.api, "Shop", &group.to_string(), &token).await;
    assert_eq!(answer.error_code(), "CONFLICT", "it may go well later");
    let channels: Vec<Value> = world.admin.api.run("{ channels { id } }", Value::Null).await.get("channels");
    assert!(channels.is_empty());
}

async fn the_eleventh_callback_server_is_refused_in_words(world: World) {
    let (group, token) = world.community("Shop");
    for number in 0..10 {
        world.vk.add_server(group, &format!("https://bot{number}.example/"), "another bot");
    }
    let answer = connect(&world.admin.api, "Shop", &group.to_string(), &token).await;
    assert_eq!(answer.error_code(), "BAD_USER_INPUT");
    assert!(answer.error()["message"].as_str().is_some_and(|words| words.contains("ten callback servers")));
    assert_eq!(world.vk.servers(group).len(), 10);
}

async fn disconnecting_removes_our_server_and_nobody_elses(world: World) {
    let shop = world.connect_vk("Shop").await;
    let foreign = ["https://bot.example/webhooks/vk/chn_1", "https://colloquy.example/hooks"];
    world.vk.add_server(shop.group, foreign[0], "another bot");
    world.vk.add_server(shop.group, foreign[1], "colloquy");
    let ours = world.vk.wait_for_server_at(shop.group, &world.server.url).await;
    let anna = Person::new(7_101);
    let dialogue = world.write_vk(&shop, &anna, "Hello").await;

    world.admin.act("disconnectChannel", "channelId", &shop.channel.id).await.data();
    let left: Vec<String> = world.vk.servers(shop.group).into_iter().map(|server| server.url).collect();
    assert_eq!(left, foreign);
    assert_eq!(world.vk.deliver_raw(&ours.url, &json!({})).await.status, 404);
    assert_eq!(world.admin.messages(&dialogue).await.len(), 1, "the history stays");

    let answer = connect(&world.admin.api, "Shop", &shop.group.to_string(), &shop.channel.token).await;
    assert_eq!(answer.at("connectChannel.channel.id"), &json!(shop.channel.id));
    world.vk.wait_for_server_at(shop.group, &world.server.url).await;
    assert_eq!(world.write_vk(&shop, &anna, "Back?").await, dialogue, "and goes on");
}

async fn another_public_address_takes_the_server_along(mut world: World) {
    let shop = world.connect_vk("Shop").await;
    let before = world.vk.wait_for_server(shop.group).await;
    world.restart().await;
    let now = world.vk.wait_for_server_at(shop.group, &world.server.url).await;
    assert_ne!(before.url, now.url);
    assert_eq!(world.vk.servers(shop.group).len(), 1, "the old one is gone");
    world.write_vk(&shop, &Person::new(7_111), "by the new address").await;
}

async fn without_a_public_address_it_is_polled_and_no_server_is_left(mut world: World) {
    let shop = world.connect_vk("Shop").await;
    world.vk.wait_for_server(shop.group).await;
    world.hide_from_outside().await;
    world.vk.wait_for_calls("longpoll", 1).await;
    assert!(world.vk.servers(shop.group).is_empty());
    let chosen: BTreeSet<String> = world.vk.polled_events(shop.group).into_iter().collect();
    assert_eq!(chosen, READ.map(str::to_owned).into());

    let (group, token) = world.community("New");
    world.vk.add_server(group, "https://old.example/webhooks/vk/chn_0", "colloquy");
    world.vk.add_server(group, "https://old.example/webhooks/vk/chn_0", "another bot");
    let answer = connect(&world.admin.api, "New", &group.to_string(), &token).await;
    let new = Community { channel: Channel { id: answer.get("connectChannel.channel.id"), token }, group };
    let left: Vec<String> = world.vk.servers(group).into_iter().map(|server| server.title).collect();
    assert_eq!(left, ["another bot"], "one that an earlier installation left is removed");

    let mut feed = world.follow(&world.admin.api, None).await;
    world.vk.person(7_121, "Person7121", "");
    // Of two communities each is asked for its own; the second one's poll has begun when it is turned on.
    let polls_new = |call: &colloquy_sandbox::vk::Call| call.group == new.group;
    for polls in 1.. {
        if world.vk.wait_for_calls("longpoll", polls).await.iter().any(polls_new) {
            break;
        }
    }
    for community in [&shop, &new] {
        let event = world.vk.says(community.group, 7_121, &format!("to {}", community.group));
        world.vk.happen(community.group, &event).await;
        feed.until(|event| event["message"]["text"] == format!("to {}", community.group)).await;
    }
}

async fn with_another_key_a_community_can_be_connected_anew(mut world: World) {
    let shop = world.connect_vk("Shop").await;
    let anna = Person::new(7_391);
    let dialogue = world.write_vk(&shop, &anna, "Hello").await;
    world.server.stop().await;
    world.server = world.another_with(|config| config.secret_key = Some([0xa5; 32])).await;
    world.admin = world.admin.at(&world.server.url);
    // VK asks for the confirmation while the channel is there, with a secret that nobody can read.
    let answer = connect(&world.admin.api, "Shop", &shop.group.to_string(), &shop.channel.token).await;
    assert_eq!(answer.at("connectChannel.channel.id"), &json!(shop.channel.id));
    assert_eq!(answer.at("connectChannel.channel.state"), "CONNECTED");
    assert_eq!(world.write_vk(&shop, &anna, "And now?").await, dialogue);
}

async fn a_connecting_that_fails_leaves_no_server(world: World) {
    let (group, token) = world.community("Shop");
    world.vk.fail_next("groups.setCallbackSettings", Fault::Status("error-0010"));
    let refused = connect(&world.admin.api, "Shop", &group.to_string(), &token).await;
    assert_eq!(refused.error_code(), "CONFLICT");
    assert!(world.vk.servers(group).is_empty());
    let answer = connect(&world.admin.api, "Shop", &group.to_string(), &token).await;
    assert_eq!(answer.at("connectChannel.channel.state"), "CONNECTED");
    assert_eq!(world.vk.servers(group).len(), 1);
}
