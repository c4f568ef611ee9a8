//! Cards, and the events about them, found by what they belong to.

use serde_json::{Value, json};

use crate::harness::feed::{Feed, TOLD, cursors, kinds};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Someone, World};

use super::{change, create, funnel, link};

stories!(World:
    events_are_filtered_by_cards_live_and_in_the_past,
    deals_and_tasks_are_found_by_what_they_belong_to,
    clients_and_tags_are_found_by_name,
);

async fn past(someone: &Someone, after: &str, filter: &Value) -> Vec<Value> {
    let document = format!(
        "query($filter: EventFilter, $after: String) {{ events(filter: $filter, after: $after, first: 100) {{ nodes {{ ...Told }} }} }} {TOLD}"
    );
    someone.api.run(&document, json!({ "filter": filter, "after": after })).await.get("events.nodes")
}

async fn events_are_filtered_by_cards_live_and_in_the_past(world: World) {
    let admin = &world.admin;
    let channel = world.connect_channel("Shop").await;
    let sales = funnel(&world).await;
    let observer = world.user("OBSERVER").await;
    let seen = world.write(&channel, &Person::new(8501), "hello").await;
    let hidden = world.write(&channel, &Person::new(8502), "hello").await;
    admin.set_participant(&seen, &observer.id, "OBSERVER").await;
    let deal = create(admin, "Deal", json!({ "title": "First", "funnelId": sales.id, "dialogueId": seen })).await;
    let other = create(admin, "Deal", json!({ "title": "Second", "funnelId": sales.id, "dialogueId": hidden })).await;
    let project = create(admin, "Project", json!({ "name": "Works", "dialogueId": seen })).await;
    let task = create(admin, "Task", json!({ "title": "Do", "dialogueId": seen })).await;
    let stranger = world.write(&channel, &Person::new(8503), "hello").await;
    let before = world.cursor().await;
    let changed = ["DEAL_CHANGED"].as_slice();
    let both = ["DEAL_CHANGED", "DEAL_CHANGED", "DEAL_LINKED", "DEAL_UNLINKED"].as_slice();
    // Filter, what an administrator gets, and what an observer of one dialogue gets.
    let filters: [(Value, &[&str], &[&str]); 13] = [
        (json!({ "dealIds": [deal] }), changed, changed),
        (json!({ "dealIds": [deal, other] }), both, changed),
        (json!({ "dealIds": [other], "kinds": ["DEAL_LINKED"] }), &["DEAL_LINKED"], &[]),
        // One of a deal with several dialogues is of each.
        (json!({ "dealIds": [other], "dialogueIds": [hidden] }), &both[1..], &[]),
        (json!({ "dealIds": [other], "dialogueIds": [stranger] }), &both[2..], &[]),
        (
            json!({ "projectIds": [project] }),
            &["PROJECT_CHANGED", "PROJECT_UNLINKED"],
            &["PROJECT_CHANGED", "PROJECT_UNLINKED"],
        ),
        (json!({ "taskIds": [task] }), &["TASK_CHANGED", "TASK_CHANGED"], &["TASK_CHANGED", "TASK_CHANGED"]),
        (json!({ "taskIds": [task], "dealIds": [deal] }), &[], &[]),
        (json!({ "taskIds": [task], "kinds": ["DEAL_CHANGED"] }), &[], &[]),
        (json!({ "dealIds": [] }), &[], &[]),
        (json!({ "projectIds": ["prj_nothing"] }), &[], &[]),
        (json!({ "taskIds": [deal] }), &[], &[]),
        (json!({ "kinds": ["DIALOGUE_CLOSED"] }), &["DIALOGUE_CLOSED"], &["DIALOGUE_CLOSED"]),
    ];
    let mut live = Vec::new();
    for viewer in [admin, &observer] {
        for (filter, ..) in &filters {
            live.push(Feed::follow_filtered(&viewer.api, filter.clone(), None).await);
        }
    }

    for (noun, id, fields) in [
        ("Deal", &deal, json!({ "title": "First of all" })),
        ("Deal", &other, json!({ "stageId": sales.won })),
        ("Task", &task, json!({ "title": "Do it" })),
        ("Task", &task, json!({ "state": "DONE" })),
        ("Project", &project, json!({ "name": "Great works" })),
    ] {
        let mut input = fields;
        input[format!("{}Id", noun.to_lowercase())] = json!(id);
        change(admin, "update", noun, &input).await.data();
    }
    link(admin, "linkDeal", &stranger, &other).await.data();
    link(admin, "unlinkDeal", &stranger, &other).await.data();
    link(admin, "unlinkProject", &seen, &project).await.data();
    admin.close(&seen).await;
    // The last is that of the last filter: whoever hears of it has been told all that came before.
    let mut live = live.into_iter();
    for viewer in [admin, &observer] {
        for (filter, to_all, to_few) in &filters {
            let expected = if viewer.id == admin.id { to_all } else { to_few };
            let past = past(viewer, &before, filter).await;
            assert_eq!(kinds(&past), *expected, "{filter}");
            let mut feed = live.next().expect("one for each");
            for event in &past {
                assert_eq!(feed.next().await["cursor"], event["cursor"], "{filter}");
            }
            let resumed = Feed::follow_filtered(&viewer.api, filter.clone(), Some(&before)).await;
            if let (Some(last), mut resumed) = (past.last(), resumed) {
                let resumed = resumed.until_cursor(last["cursor"].as_str().expect("a cursor")).await;
                assert_eq!(cursors(&resumed), cursors(&past), "{filter}");
            }
        }
    }
}

/// The texts at `name` of what a list gives, in its order; `totalCount` says as many.
async fn found(someone: &Someone, list: &str, arguments: &str, name: &str) -> Vec<String> {
    let document = format!("{{ {list}({arguments}) {{ totalCount nodes {{ {name} }} }} }}");
    let answer = someone.api.run(&document, Value::Null).await;
    let nodes: Vec<Value> = answer.get(&format!("{list}.nodes"));
    assert_eq!(answer.at(&format!("{list}.totalCount")), nodes.len(), "{answer}");
    let mut names: Vec<String> = nodes.iter().map(|node| node[name].as_str().expect("a text").to_owned()).collect();
    names.sort();
    names
}

async fn deals_and_tasks_are_found_by_what_they_belong_to(world: World) {
    let admin = &world.admin;
    let (sales, service) = (funnel(&world).await, funnel(&world).await);
    let (anna, boris) = (world.user("EMPLOYEE").await, world.user("OBSERVER").await);
    for (title, of, responsible) in [("a", &sales, Some(&anna)), ("b", &sales, None), ("c", &service, Some(&anna))] {
        let responsible = responsible.map(|user| &user.id);
        create(admin, "Deal", json!({ "title": title, "funnelId": of.id, "responsibleId": responsible })).await;
    }
    let project = create(admin, "Project", json!({ "name": "Works" })).await;
    for (title, project, responsible) in
        [("a", Some(&project), &anna), ("b", None, &anna), ("c", Some(&project), admin)]
    {
        let input = json!({ "title": title, "projectId": project, "responsibleId": responsible.id });
        create(admin, "Task", input).await;
    }
    for (list, arguments, expected) in [
        ("deals", format!("responsibleId: {:?}", anna.id), vec!["a", "c"]),
        ("deals", format!("responsibleId: {:?}", admin.id), vec![]),
        ("deals", format!("funnelId: {:?}", sales.id), vec!["a", "b"]),
        ("deals", format!("funnelId: {:?}, responsibleId: {:?}", service.id, anna.id), vec!["c"]),
        ("deals", format!("funnelId: {:?}, stageId: {:?}", service.id, service.new), vec!["c"]),
        ("deals", format!("funnelId: {:?}, stageId: {:?}", service.id, sales.new), vec![]),
        ("deals", format!("stageId: {:?}", sales.won), vec![]),
        ("deals", "responsibleId: \"usr_nobody\"".into(), vec![]),
        ("deals", format!("text: \"B\", funnelId: {:?}", sales.id), vec!["b"]),
        ("tasks", format!("projectId: {project:?}"), vec!["a", "c"]),
        ("tasks", format!("responsibleId: {:?}", anna.id), vec!["a", "b"]),
        ("tasks", format!("projectId: {project:?}, responsibleId: {:?}", anna.id), vec!["a"]),
        ("tasks", format!("projectId: {project:?}, state: DONE"), vec![]),
        ("tasks", format!("projectId: {project:?}, state: OPEN, text: \"C\""), vec!["c"]),
        ("tasks", "projectId: \"prj_nothing\"".into(), vec![]),
        ("tasks", format!("projectId: {:?}", sales.id), vec![]),
    ] {
        assert_eq!(found(admin, list, &arguments, "title").await, expected, "{list}({arguments})");
        // An observer finds none of what is in no dialogue of theirs.
        assert_eq!(found(&boris, list, &arguments, "title").await, Vec::<String>::new(), "{list}({arguments})");
    }
}

async fn clients_and_tags_are_found_by_name(world: World) {
    let channel = world.connect_channel("Shop").await;
    let observer = world.user("OBSERVER").await;
    let mut seen = String::new();
    for (id, name, username) in
        [(8511, "Алёна Ёлкина", "yolka"), (8512, "Пётр 100%", "petr_1"), (8513, "Ann_Lee", "lee")]
    {
        let mut person = Person::new(id);
        person.name = name.into();
        let mut update = person.says("hello");
        update["message"]["from"]["username"] = json!(username);
        world.take(&channel, &update).await;
        seen = world.dialogue(&channel, &person).await;
    }
    world.admin.set_participant(&seen, &observer.id, "OBSERVER").await;
    for (text, expected) in [
        ("елкина", vec!["Алёна Ёлкина"]),
        ("АЛЁНА", vec!["Алёна Ёлкина"]),
        ("YOLK", vec!["Алёна Ёлкина"]),
        ("100%", vec!["Пётр 100%"]),
        ("%", vec!["Пётр 100%"]),
        ("_", vec!["Ann_Lee", "Пётр 100%"]),
        ("lee", vec!["Ann_Lee"]),
        ("nobody", vec![]),
        ("", vec!["Ann_Lee", "Алёна Ёлкина", "Пётр 100%"]),
    ] {
        let arguments = format!("text: {text:?}");
        assert_eq!(found(&world.admin, "clients", &arguments, "name").await, expected, "{text}");
        let theirs: Vec<&str> = expected.into_iter().filter(|name| *name == "Ann_Lee").collect();
        assert_eq!(found(&observer, "clients", &arguments, "name").await, theirs, "{text}");
    }

    let tag = "mutation($d: ID!, $names: [String!]!) { addTags(dialogueId: $d, names: $names) { dialogue { id } } }";
    let names = ["Ёлки", "100% wool", "socks_1", "Socks"];
    world.admin.api.run(tag, json!({ "d": seen, "names": names })).await.data();
    for (text, expected) in [
        ("елк", vec!["Ёлки"]),
        ("SOCKS", vec!["Socks", "socks_1"]),
        ("%", vec!["100% wool"]),
        ("_", vec!["socks_1"]),
        ("none", vec![]),
        ("", vec!["100% wool", "Socks", "socks_1", "Ёлки"]),
    ] {
        for someone in [&world.admin, &observer] {
            let answer =
                someone.api.run("query($text: String) { tags(text: $text) { name } }", json!({ "text": text }));
            let found: Vec<Value> = answer.await.get("tags");
            let mut found: Vec<&str> = found.iter().filter_map(|tag| tag["name"].as_str()).collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{text}");
        }
    }
}
