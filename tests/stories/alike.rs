//! The rules of the inbox, the same at every messenger: each story is played on Telegram, VK and Viber.

use std::time::Duration;

use colloquy::config::Config;
use colloquy_sandbox::{telegram, viber, vk};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::Backend;
use crate::harness::communities::Community;
use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, World};

stories!(World:
    a_first_message_brings_about_the_same,
    a_client_who_writes_again_reopens_and_keeps_their_manager,
    ten_first_messages_at_once_make_one_dialogue,
    one_message_that_comes_ten_times_at_once_is_one,
    a_blocked_client_is_not_heard,
    what_is_unread_is_counted_and_read,
    too_long_a_text_is_refused_also_when_it_is_automatic,
);

stories!(Quick: ten_tries_and_then_failed_and_the_next_goes_on);

/// A world of so short waits that ten tries can be waited for.
struct Quick(World);

impl Quick {
    async fn start(backend: Backend) -> Self {
        let quick = |config: &mut Config| config.pace.retry = Duration::from_millis(3);
        Self(World::start_with(backend, quick).await)
    }
}

/// A channel of one of the messengers.
enum At {
    Telegram(Channel),
    Vk(Community),
    Viber(Channel),
}

impl At {
    /// One of each.
    async fn all(world: &World) -> [Self; 3] {
        [
            Self::Telegram(world.connect_channel("Telegram").await),
            Self::Vk(world.connect_vk("VK").await),
            Self::Viber(world.connect_viber("Viber").await),
        ]
    }

    fn channel(&self) -> &Channel {
        match self {
            Self::Telegram(channel) | Self::Viber(channel) => channel,
            Self::Vk(community) => &community.channel,
        }
    }

    /// The same person at each.
    fn client(&self, world: &World, number: i64) -> Client {
        let person = Person::new(number);
        if let Self::Vk(_) = self {
            world.vk.person(person.id, &person.name, "");
        }
        Client { viber: viber::User::new(&person.name), person }
    }

    fn says(&self, world: &World, client: &Client, text: &str) -> Value {
        match self {
            Self::Telegram(_) => client.person.says(text),
            Self::Vk(community) => world.vk.says(community.group, client.person.id, text),
            Self::Viber(_) => client.viber.says(text),
        }
    }

    /// The messenger posts an update, and it is taken.
    async fn take(&self, world: &World, update: &Value) {
        match self {
            Self::Telegram(channel) => world.take(channel, update).await,
            Self::Vk(community) => world.take_vk(community, update).await,
            Self::Viber(channel) => assert_eq!(world.viber.deliver(&channel.token, update).await, 200),
        }
    }

    /// A client writes; gives the id of their dialogue.
    async fn write(&self, world: &World, client: &Client, text: &str) -> String {
        self.take(world, &self.says(world, client, text)).await;
        world.dialogue(self.channel(), &client.person).await
    }

    /// The next calls that would send a message meet a server that is not there.
    fn fail(&self, world: &World, times: usize) {
        match self {
            Self::Telegram(_) => world.telegram.fail("sendMessage", None, telegram::Fault::Html502, times),
            Self::Vk(_) => world.vk.fail("messages.send", None, vk::Fault::Html502, times),
            Self::Viber(_) => world.viber.fail("send_message", None, viber::Fault::Html502, times),
        }
    }
}

struct Client {
    person: Person,
    viber: viber::User,
}

/// What happened, but for how far messages of ours have come: that is told when it is.
async fn happened(world: &World, after: &str) -> Vec<String> {
    let events = world.events_after(after).await;
    let told = kinds(&events).into_iter().filter(|kind| *kind != "MESSAGE_DELIVERY_CHANGED");
    told.map(str::to_owned).collect()
}

/// A manager to whom the channel's dialogues go, a funnel, and automatic texts.
async fn settle(world: &World, at: &At) -> String {
    let manager = world.user("EMPLOYEE").await;
    let funnel = "mutation($name: String!) {
        createFunnel(input: { name: $name, stages: [{ name: \"New\", kind: OPEN }] }) { funnel { id } }
    }";
    let funnel: String =
        world.admin.api.run(funnel, json!({ "name": at.channel().id })).await.get("createFunnel.funnel.id");
    let settings = json!({
        "queueUserIds": [manager.id], "funnelId": funnel, "welcomeText": "Welcome!",
        "autoReplyEnabled": true, "autoReplyText": "We answer soon",
    });
    world.set_channel(at.channel(), settings).await;
    manager.id
}

async fn texts(world: &World, dialogue: &str) -> Vec<String> {
    let messages = world.admin.messages(dialogue).await;
    messages.iter().map(|message| message["text"].as_str().expect("a text").to_owned()).collect()
}

async fn a_first_message_brings_about_the_same(world: World) {
    for at in At::all(&world).await {
        let manager = settle(&world, &at).await;
        let before = world.cursor().await;
        let dialogue = at.write(&world, &at.client(&world, 7_501), "Is it there?").await;
        let expected = [
            "DIALOGUE_OPENED",
            "CONTRACTOR_LINKED",
            "DEAL_CREATED",
            "PARTICIPANT_ADDED",
            "MESSAGE_ADDED",
            "MESSAGE_ADDED",
            "MESSAGE_ADDED",
        ];
        assert_eq!(happened(&world, &before).await, expected);
        assert_eq!(texts(&world, &dialogue).await, ["Is it there?", "Welcome!", "We answer soon"]);
        let fields = "state client { name } contractor { name } participants { role user { id } } deals { id }";
        let seen = world.admin.dialogue(&dialogue, fields).await;
        assert_eq!((&seen["state"], &seen["client"]["name"]), (&json!("OPEN"), &json!("Person7501")));
        assert_eq!(seen["contractor"]["name"], "Person7501");
        assert_eq!(seen["participants"], json!([{ "role": "RESPONSIBLE", "user": { "id": manager } }]));
        assert_eq!(seen["deals"].as_array().map(Vec::len), Some(1));
    }
}

async fn a_client_who_writes_again_reopens_and_keeps_their_manager(world: World) {
    for at in At::all(&world).await {
        let manager = settle(&world, &at).await;
        let anna = at.client(&world, 7_511);
        let dialogue = at.write(&world, &anna, "First").await;
        // Whoever is next in the queue by then.
        let other = world.user("EMPLOYEE").await;
        world.set_channel(at.channel(), json!({ "queueUserIds": [other.id] })).await;
        world.admin.close(&dialogue).await;
        let before = world.cursor().await;
        assert_eq!(at.write(&world, &anna, "Again").await, dialogue);
        let expected = ["DIALOGUE_REOPENED", "MESSAGE_ADDED", "MESSAGE_ADDED"];
        assert_eq!(happened(&world, &before).await, expected);
        let all = texts(&world, &dialogue).await;
        assert_eq!(all[all.len() - 2..], ["Again", "We answer soon"], "no second welcome");
        let seen = world.admin.dialogue(&dialogue, "participants { role user { id } }").await;
        assert_eq!(seen["participants"], json!([{ "role": "RESPONSIBLE", "user": { "id": manager } }]));
    }
}

async fn ten_first_messages_at_once_make_one_dialogue(world: World) {
    for at in At::all(&world).await {
        settle(&world, &at).await;
        let anna = at.client(&world, 7_521);
        let updates: Vec<Value> = (0..10).map(|nth| at.says(&world, &anna, &format!("message {nth}"))).collect();
        let before = world.cursor().await;
        join_all(updates.iter().map(|update| at.take(&world, update))).await;
        let told = happened(&world, &before).await;
        let count = |kind: &str| told.iter().filter(|told| *told == kind).count();
        let expected = (1, 1, 1, 1, 12);
        let counted = (
            count("DIALOGUE_OPENED"),
            count("CONTRACTOR_LINKED"),
            count("DEAL_CREATED"),
            count("PARTICIPANT_ADDED"),
            count("MESSAGE_ADDED"),
        );
        assert_eq!(counted, expected, "{told:?}");
        let dialogue = world.dialogue(at.channel(), &anna.person).await;
        let mut all = texts(&world, &dialogue).await;
        all.retain(|text| text.starts_with("message"));
        all.sort();
        assert_eq!(all, (0..10).map(|nth| format!("message {nth}")).collect::<Vec<_>>());
    }
}

async fn one_message_that_comes_ten_times_at_once_is_one(world: World) {
    for at in At::all(&world).await {
        let anna = at.client(&world, 7_531);
        let dialogue = at.write(&world, &anna, "Hello").await;
        let update = at.says(&world, &anna, "Once");
        join_all((0..10).map(|_| at.take(&world, &update))).await;
        assert_eq!(texts(&world, &dialogue).await, ["Hello", "Once"]);
    }
}

async fn a_blocked_client_is_not_heard(world: World) {
    for at in At::all(&world).await {
        let anna = at.client(&world, 7_541);
        let dialogue = at.write(&world, &anna, "Hello").await;
        let client = world.admin.dialogue(&dialogue, "client { id }").await["client"]["id"].clone();
        let block = "mutation($id: ID!, $blocked: Boolean!) { blockClient(clientId: $id, blocked: $blocked) { client { id } } }";
        world.admin.api.run(block, json!({ "id": client, "blocked": true })).await.data();
        let before = world.cursor().await;
        at.take(&world, &at.says(&world, &anna, "Do you hear me?")).await;
        assert!(world.events_after(&before).await.is_empty());
        world.admin.api.run(block, json!({ "id": client, "blocked": false })).await.data();
        at.take(&world, &at.says(&world, &anna, "And now?")).await;
        assert_eq!(texts(&world, &dialogue).await, ["Hello", "And now?"]);
    }
}

async fn what_is_unread_is_counted_and_read(world: World) {
    let boris = world.user("EMPLOYEE").await;
    for at in At::all(&world).await {
        let anna = at.client(&world, 7_551);
        let dialogue = at.write(&world, &anna, "one").await;
        at.take(&world, &at.says(&world, &anna, "two")).await;
        let unread = async || {
            let (admin, boris) = (&world.admin, &boris);
            let counted =
                [admin.dialogue(&dialogue, "unreadCount").await, boris.dialogue(&dialogue, "unreadCount").await];
            counted.map(|counted| counted["unreadCount"].as_i64().expect("a number"))
        };
        assert_eq!(unread().await, [2, 2]);
        let first = world.admin.messages(&dialogue).await[0]["id"].as_str().expect("an id").to_owned();
        boris.mark_read(&dialogue, &first).await;
        assert_eq!(unread().await, [2, 1]);
        world.admin.send(&dialogue, "An answer reads what came before it").await;
        assert_eq!(unread().await, [0, 1]);
        at.take(&world, &at.says(&world, &anna, "three")).await;
        assert_eq!(unread().await, [1, 2]);
    }
}

async fn too_long_a_text_is_refused_also_when_it_is_automatic(world: World) {
    for at in At::all(&world).await {
        let longest = if let At::Viber(_) = at { 7_000 } else { 4_096 };
        let dialogue = at.write(&world, &at.client(&world, 7_561), "Hello").await;
        let send = "mutation($input: SendMessageInput!) { sendMessage(input: $input) { message { id } } }";
        let send = async |length: usize| {
            let input = json!({ "dialogueId": dialogue, "text": "б".repeat(length) });
            world.admin.api.run(send, json!({ "input": input })).await
        };
        assert_eq!(send(longest + 1).await.error_field(), Some("input.text"));
        send(longest).await.data();
        let set = "mutation($input: UpdateChannelInput!) { updateChannel(input: $input) { channel { id } } }";
        for field in ["welcomeText", "autoReplyText"] {
            let set = async |length: usize| {
                let input = json!({ "channelId": at.channel().id, field: "б".repeat(length) });
                world.admin.api.run(set, json!({ "input": input })).await
            };
            let refused = set(longest + 1).await;
            assert_eq!(
                (refused.error_code(), refused.error_field()),
                ("BAD_USER_INPUT", Some(&*format!("input.{field}")))
            );
            set(longest).await.data();
        }
    }
}

async fn ten_tries_and_then_failed_and_the_next_goes_on(Quick(world): Quick) {
    for at in At::all(&world).await {
        let dialogue = at.write(&world, &at.client(&world, 7_571), "Hello").await;
        let mut feed = world.follow(&world.admin.api, None).await;
        at.fail(&world, 10);
        let failed = world.admin.send(&dialogue, "one").await;
        let next = world.admin.send(&dialogue, "two").await;
        feed.until_delivery(&failed, "FAILED").await;
        feed.until_delivery(&next, "SENT").await;
        let delivery = async || {
            let messages = world.admin.messages(&dialogue).await;
            messages.iter().find(|message| message["id"] == failed).expect("it is there")["delivery"].clone()
        };
        let now = delivery().await;
        assert_eq!((&now["status"], &now["attempts"]), (&json!("FAILED"), &json!(10)), "{now}");
        assert!(now["failure"].as_str().is_some_and(|words| words.ends_with("(after 10 tries)")), "{now}");
        world.admin.act("retryMessage", "messageId", &failed).await.data();
        feed.until_delivery(&failed, "SENT").await;
    }
}
