//! What each recorded answer means.

use std::time::Duration;

use colloquy_sandbox::vk::Fault as Planned;
use colloquy_sandbox::wire::Answer;
use serde_json::json;
use tokio::net::TcpListener;

use super::{ANNA, GROUP, at, community, text};
use crate::messenger::{Fault, Messenger as _, Posted, Profile, Secret, Sent};

/// What sending comes to when VK answers so; `None` for answers that belong to other methods.
fn expected(answer: &str) -> Option<Result<Option<i64>, Fault>> {
    let fatal = |words: &str| Err(Fault::fatal(words));
    let unreachable = |words: &str| Err(Fault::Final { words: words.to_owned(), unreachable: true });
    let broken = |words: &str| Err(Fault::Broken { words: words.to_owned() });
    let wait = |words: &str, seconds: u64, whole_channel| {
        let retry_after = Some(Duration::from_secs(seconds));
        Err(Fault::Passing { words: words.to_owned(), retry_after, whole_channel })
    };
    let token = "VK does not accept the community's token";
    let conversation = "VK does not let the community write to this conversation";
    let right = "The community's token lacks a right: it needs community management, messages, photos and documents";
    Some(match answer {
        "messages.send-peer_ids-ok" => Ok(Some(141)),
        "messages.send-peer_ids-mixed" => Ok(Some(142)),
        // Sent, and its number is not known yet.
        "messages.send-ok" | "messages.send-ok-chat-zero" => Ok(None),
        "error-0001" => Err(Fault::passing("VK has a fault of its own (1)")),
        "error-0010" => Err(Fault::passing("VK has a fault of its own (10)")),
        "error-http-502-html" => Err(Fault::passing("VK is not available (a server before it answered 502)")),
        "error-0005" | "error-0027" | "error-0028" => broken(token),
        "error-0006" => wait("VK asks to send more slowly", 1, true),
        "error-0007" | "error-0015" => broken(right),
        "error-0009" => wait("VK asks to do the same less often", 180, false),
        "error-0014-captcha" => {
            broken("VK asks for a captcha: answer a client in the community's own page, and try again")
        }
        "error-0017-validation" => broken("VK wants the token's owner to confirm who they are"),
        "error-0018" => unreachable("The client's VK page was deleted or banned"),
        "error-0029" => wait("VK's quota for the community is used up for now", 3600, true),
        "error-0900" => unreachable("The client is on the community's blacklist"),
        "error-0901" => unreachable("The client has not let the community write to them"),
        "error-0902" => unreachable("The client's privacy settings do not let the community write to them"),
        "error-1021" => unreachable("The client has not written to the community; only then can it write to them"),
        "error-0909" => fatal("VK does not let this message be changed any more"),
        "error-0910" => fatal("The message is larger than VK takes"),
        "error-0911" => fatal("VK refused it (911): Keyboard format is invalid"),
        "error-0912" => fatal("Bot features are turned off in the community's settings"),
        "error-0913" | "error-0921" => fatal("VK does not let this message be answered or forwarded"),
        "error-0914" => fatal("The text is longer than VK takes"),
        "error-0917" | "error-0945" | "error-0946" | "error-0983" | "error-1012" => fatal(conversation),
        "error-0932" | "error-0936" => fatal("VK knows no conversation of the community with this client"),
        "error-0943" => fatal("VK does not let the community send messages of this kind"),
        "error-0944" => wait("VK's limit for messages of this kind is reached for now", 600, false),
        "error-0950" => fatal("The time in which VK lets this client be answered is over"),
        "error-0984" => broken("VK has restricted the community's messages as spam"),
        "error-0003" => fatal("VK refused it (3): Unknown method passed"),
        "error-0008" | "error-unauth-no-v" => fatal("VK refused it (8): Invalid request: v (version) is required"),
        "error-0100" => fatal(
            "VK refused it (100): One of the parameters specified was missing or invalid: random_id is a required parameter",
        ),
        "error-0113" => fatal("VK refused it (113): Invalid user id"),
        _ => return None,
    })
}

#[tokio::test]
async fn every_answer_means_what_the_tables_say() {
    let mut sendings = 0;
    for name in Answer::all_recorded("vk") {
        let Some(expected) = expected(&name) else {
            assert!(!name.starts_with("error"), "{name} is a new error: say here what it means");
            continue;
        };
        let (fake, vk) = community().await;
        fake.fail_next("messages.send", Planned::Status(Box::leak(name.clone().into_boxed_str())));
        let mut sent = Sent::default();
        let result = vk.send(&text("Здравствуйте"), &mut sent).await;
        let ids =
            expected.map(|number| number.map(|number| format!("{ANNA}:{number}")).into_iter().collect::<Vec<_>>());
        assert_eq!(result.map(|()| sent.external_ids), ids, "{name}");
        sendings += 1;
    }
    assert!(sendings >= 40, "only {sendings}");
}

#[tokio::test]
async fn nobody_home_is_passing_and_shows_no_token() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let silent = at(&url).with_patience(Duration::from_millis(50));
    let late = silent.send(&text("x"), &mut Sent::default()).await.unwrap_err();
    assert_eq!(late, Fault::passing("VK did not answer in time"));
    drop(listener);
    let away = silent.send(&text("x"), &mut Sent::default()).await.unwrap_err();
    assert_eq!(away, Fault::passing("VK could not be reached"));
    assert!(!format!("{silent:?}").contains("secret-part"), "{silent:?}");
}

#[tokio::test]
async fn what_cannot_go_is_not_begun() {
    let (fake, vk) = community().await;
    for (to, words) in [("", "no VK id"), ("-5", "no VK id"), ("2000000001", "no VK id"), ("x", "no VK id")] {
        let to_nobody = crate::messenger::Outgoing { to: to.to_owned(), ..text("x") };
        let fault = vk.send(&to_nobody, &mut Sent::default()).await.unwrap_err();
        assert!(fault.words().contains(words), "{to}: {fault}");
    }
    for nothing in ["", " \n"] {
        assert!(matches!(vk.send(&text(nothing), &mut Sent::default()).await, Err(Fault::Final { .. })));
    }
    let long = vk.send(&text(&"я".repeat(4097)), &mut Sent::default()).await.unwrap_err();
    assert_eq!(long.words(), "The text is longer than VK takes");
    assert!(fake.calls("messages.send").is_empty());
}

#[tokio::test]
async fn people_are_called_as_vk_tells() {
    let (fake, vk) = community().await;
    let named = |name: &str, username: Option<&str>, avatar_url: Option<&str>| {
        Some(Profile {
            name: Some(name.to_owned()),
            username: username.map(str::to_owned),
            avatar_url: avatar_url.map(str::to_owned),
        })
    };
    let avatar = "https://sun9-1.userapi.example/s/v1/ig2/ava200.jpg?ava=1";
    let profiles = [
        ("users.get-ok", ANNA, named("Анна Примерова", Some("anna_primer_test"), Some(avatar))),
        ("users.get-no-photo", 700_000_202, named("Иван", None, None)),
        ("users.get-deactivated", 700_000_303, Some(Profile::default())),
        ("users.get-empty", ANNA, None),
    ];
    for (answer, id, expected) in profiles {
        fake.fail_next("users.get", Planned::Status(answer));
        assert_eq!(vk.profile(&id.to_string()).await.unwrap(), expected, "{answer}");
    }
    fake.person_with(
        json!({ "id": 5, "first_name": "A", "last_name": "B", "deactivated": "banned", "photo_200": "https://x/" }),
    );
    assert_eq!(vk.profile("5").await.unwrap(), named("A B", None, None), "a banned person keeps their name");
}

#[tokio::test]
async fn a_community_is_known_by_either_form() {
    for (answer, name) in
        [("groups.getById-ok", "Синтетическое сообщество"), ("groups.getById-ok-old", "Синтетическое сообщество")]
    {
        let (fake, vk) = community().await;
        fake.fail_next("groups.getById", Planned::Status(answer));
        let who = vk.identify().await.unwrap();
        assert_eq!((who.external_id.as_str(), who.name.as_str()), ("200000001", name));
        assert_eq!(who.username.as_deref(), Some("synthetic_club"));
        assert_eq!(who.profile_url.as_deref(), Some("https://vk.com/synthetic_club"));
    }
}

#[tokio::test]
async fn a_server_at_our_address_is_used_again_and_double_ones_go() {
    let (fake, vk) = community().await;
    let url = "http://127.0.0.1:9/webhooks/vk/chn_1";
    for title in ["colloquy", "by hand", "colloquy"] {
        fake.add_server(GROUP, url, title);
    }
    fake.add_server(GROUP, "https://bot.example/", "another");
    vk.subscribe(url, &Secret::new("s3")).await.unwrap();
    let servers = fake.servers(GROUP);
    let told: Vec<(&str, &str)> = servers.iter().map(|server| (server.url.as_str(), server.secret.as_str())).collect();
    assert_eq!(told, [(url, "s3"), ("https://bot.example/", "somebody's")]);
    assert!(servers[0].events.contains("message_new"));
    assert!(fake.calls("groups.addCallbackServer").is_empty());
    vk.unsubscribe(Some("https://elsewhere.example/webhooks/vk/chn_1")).await.unwrap();
    assert_eq!(fake.servers(GROUP).len(), 2, "nobody else's");
    vk.unsubscribe(Some(url)).await.unwrap();
    assert_eq!(fake.servers(GROUP).len(), 1);
    vk.unsubscribe(None).await.unwrap();
    assert_eq!(fake.servers(GROUP).len(), 1);
    fake.fail_next("groups.getCallbackServers", Planned::Status("groups.getCallbackServers-failed"));
    vk.unsubscribe(None).await.unwrap();
    assert!(fake.calls("groups.deleteCallbackServer").len() == 3);
}

#[tokio::test]
async fn only_vk_with_the_secret_is_let_in() {
    let vk = at("http://127.0.0.1:9");
    let headers = reqwest::header::HeaderMap::new();
    let verified =
        |body: &str, secret: &str| vk.verify(&Secret::new(secret), Posted { headers: &headers, body: body.as_bytes() });
    let of = |kind: &str, secret: &str| json!({ "type": kind, "group_id": GROUP, "secret": secret }).to_string();
    assert!(verified(&of("message_new", "s3"), "s3"));
    assert!(!verified(&of("message_new", "s4"), "s3"));
    assert!(!verified(&of("message_new", ""), ""), "an unset secret lets nobody in");
    assert!(!verified(&of("confirmation", "s4"), "s3"));
    assert!(verified(&json!({ "type": "confirmation", "group_id": GROUP }).to_string(), "s3"));
    for wrong in [
        json!({ "type": "confirmation", "group_id": 5 }),
        json!({ "type": "confirmation" }),
        json!({ "type": "message_new", "group_id": GROUP }),
        json!({ "type": "message_new", "group_id": GROUP, "secret": 5 }),
        json!({ "type": "message_new", "group_id": GROUP.to_string(), "secret": "s3" }),
        json!([]),
    ] {
        assert!(!verified(&wrong.to_string(), "s3"), "{wrong}");
    }
    assert!(!verified("", "s3") && !verified("{", "s3"));
    let (fake, vk) = community().await;
    let confirmation = json!({ "type": "confirmation", "group_id": GROUP });
    fake.fail_next("groups.getCallbackConfirmationCode", Planned::Status("groups.getCallbackConfirmationCode-ok"));
    assert_eq!(vk.challenge(&confirmation).await, Some(Ok("a1b2c3d4".to_owned())));
    assert_eq!(vk.challenge(&json!({ "type": "message_new" })).await, None);
    fake.fail_next("groups.getCallbackConfirmationCode", Planned::Html502);
    assert!(matches!(vk.challenge(&confirmation).await, Some(Err(Fault::Passing { .. }))));
}

#[tokio::test]
async fn changes_and_presses_that_come_too_late_are_told_apart() {
    let (fake, vk) = community().await;
    let mut sent = Sent::default();
    vk.send(&text("x"), &mut sent).await.unwrap();
    for name in ["messages.delete-ok", "messages.edit-ok"] {
        fake.fail_next("messages.delete", Planned::Status(name));
        vk.delete(&text("x"), &sent).await.unwrap();
    }
    fake.fail_next("messages.edit", Planned::Status("error-0909"));
    assert!(matches!(vk.edit(&text("y"), &sent).await, Err(Fault::Final { unreachable: false, .. })));
    for late in ["error-0100", "messages.sendMessageEventAnswer-ok"] {
        fake.fail_next("messages.sendMessageEventAnswer", Planned::Status(late));
        vk.acknowledge("e5 700000101 700000101").await.unwrap();
    }
    assert!(vk.acknowledge("e5").await.is_err());
    fake.fail_next("messages.setActivity", Planned::Status("messages.setActivity-ok"));
    vk.typing(&ANNA.to_string()).await.unwrap();
    let call = &fake.calls("messages.sendMessageEventAnswer")[0];
    assert_eq!((call.text("event_id"), call.text("user_id"), call.text("peer_id")), ("e5", "700000101", "700000101"));
}
