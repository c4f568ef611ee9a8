//! Lists of dialogues: every filter, alone and in pairs, every order, and the archive that they are asked of.

mod pages;
mod plans;
mod unread;
mod whole;

use serde_json::{Value, json};

use crate::harness::client::Api;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Channel, Someone, World};

stories!(World: each_filter_holds_alone_and_beside_each_other, each_order_runs_both_ways,
    a_filter_that_makes_no_sense_is_refused);

/// An archive in which each filter finds something and leaves something out.
struct Archive {
    shop: Channel,
    employee: Someone,
    observer: Someone,
    vip: String,
    urgent: String,
}

const ALENA: i64 = 101;

fn person(id: i64, name: &str) -> Person {
    Person { id, name: name.into() }
}

impl Archive {
    async fn fill(world: &World) -> Self {
        let admin = &world.admin;
        let funnel =
            "mutation { createFunnel(input: { name: \"Sales\", stages: [{ name: \"New\" }] }) { funnel { id } } }";
        let funnel: String = admin.api.run(funnel, Value::Null).await.get("createFunnel.funnel.id");
        let (shop, support) = (world.connect_channel("Shop").await, world.connect_channel("Support").await);
        world.set_channel(&shop, json!({ "funnelId": funnel })).await;
        let (employee, observer) = (world.user("EMPLOYEE").await, world.user("OBSERVER").await);

        let alena = world.write(&shop, &person(ALENA, "Алёна Ёлкина"), "one").await;
        let mut named = person(102, "Пётр").says("two");
        named["message"]["from"]["username"] = json!("Petr_1");
        world.take(&shop, &named).await;
        let petr = world.dialogue(&shop, &person(102, "Пётр")).await;
        let ann = world.write(&support, &person(103, "ann lee"), "three").await;
        let real = world.write(&support, &person(104, "100% real"), "four").await;
        let hedgehog = world.write(&shop, &person(105, "ЁЖ"), "five").await;
        let zed = world.write(&shop, &person(106, "Zed"), "six").await;
        let again = world.write(&support, &person(ALENA, "Алёна Ёлкина"), "seven").await;

        let work = "mutation($petr: ID!, $ann: ID!, $real: ID!, $hedgehog: ID!, $alena: ID!, $zed: ID!, $again: ID!,
                $admin: ID!, $employee: ID!, $observer: ID!) {
            a: setParticipant(dialogueId: $alena, userId: $employee, role: RESPONSIBLE) { dialogue { id } }
            b: setParticipant(dialogueId: $alena, userId: $observer, role: OBSERVER) { dialogue { id } }
            c: setParticipant(dialogueId: $ann, userId: $admin, role: RESPONSIBLE) { dialogue { id } }
            d: setParticipant(dialogueId: $hedgehog, userId: $admin, role: RESPONSIBLE) { dialogue { id } }
            e: setParticipant(dialogueId: $hedgehog, userId: $employee, role: RESPONSIBLE) { dialogue { id } }
            f: setParticipant(dialogueId: $hedgehog, userId: $observer, role: OBSERVER) { dialogue { id } }
            g: setParticipant(dialogueId: $zed, userId: $observer, role: RESPONSIBLE) { dialogue { id } }
            h: setParticipant(dialogueId: $petr, userId: $observer, role: OBSERVER) { dialogue { id } }
            i: addTags(dialogueId: $alena, names: [\"VIP\"]) { dialogue { id } }
            j: addTags(dialogueId: $petr, names: [\"VIP\", \"срочно\"]) { dialogue { id } }
            k: addTags(dialogueId: $ann, names: [\"vip\", \"Срочно\"]) { dialogue { id } }
            l: createProject(input: { name: \"Site\", dialogueId: $alena }) { project { id } }
            m: createProject(input: { name: \"Shop\", dialogueId: $petr }) { project { id } }
            n: createTask(input: { title: \"Call\", dialogueId: $ann }) { task { id } }
            o: createContractor(input: { name: \"Ромашка & Ёлка\", dialogueId: $zed }) { contractor { id } }
            p: closeDialogue(dialogueId: $petr) { dialogue { id } }
            q: closeDialogue(dialogueId: $real) { dialogue { id } }
            r: closeDialogue(dialogueId: $again) { dialogue { id } }
            s: reopenDialogue(dialogueId: $real) { dialogue { id } }
        }";
        let ids = json!({
            "alena": alena, "petr": petr, "ann": ann, "real": real, "hedgehog": hedgehog, "zed": zed, "again": again,
            "admin": admin.id, "employee": employee.id, "observer": observer.id,
        });
        let done = admin.api.run(work, ids).await;
        let link = "mutation($ann: ID!, $hedgehog: ID!, $contractor: ID!, $project: ID!) {
            linkContractor(dialogueId: $ann, contractorId: $contractor) { dialogue { id } }
            linkProject(dialogueId: $hedgehog, projectId: $project) { dialogue { id } }
        }";
        let ids = json!({
            "ann": ann, "hedgehog": hedgehog, "contractor": done.at("o.contractor.id"), "project": done.at("l.project.id"),
        });
        admin.api.run(link, ids).await.data();
        let deal: String = admin.dialogue(&alena, "deal { id }").await["deal"]["id"].as_str().expect("a deal").into();
        let link = "mutation($d: ID!, $deal: ID!) { linkDeal(dialogueId: $d, dealId: $deal) { dialogue { id } } }";
        admin.api.run(link, json!({ "d": ann, "deal": deal })).await.data();
        // Read, answered, and left unread.
        let last = |dialogue: Value| dialogue["lastMessage"]["id"].as_str().expect("a message").to_owned();
        let read = "mutation($d: ID!, $m: ID!) { markRead(dialogueId: $d, upToMessageId: $m) { dialogue { id } } }";
        let upto = last(admin.dialogue(&alena, "lastMessage { id }").await);
        admin.api.run(read, json!({ "d": alena, "m": upto })).await.data();
        observer.send(&zed, "answered").await;
        let tags: Vec<Value> = admin.api.run("{ tags { id name } }", Value::Null).await.get("tags");
        let tag = |name: &str| {
            let tag = tags.iter().find(|tag| tag["name"] == name).expect("a tag");
            tag["id"].as_str().expect("an id").to_owned()
        };
        Self { shop, employee, observer, vip: tag("VIP"), urgent: tag("срочно") }
    }
}

const FIELDS: &str = "id channel { id kind } client { id name username } state group openedAt closedAt lastActivityAt
    participants { user { id } role } tags { id } contractor { id name } deals { id } projects { id } tasks { id } unreadCount";

/// All that somebody sees, in the usual order.
async fn everything(api: &Api) -> Vec<Value> {
    api.run(&format!("{{ dialogues(first: 20) {{ nodes {{ {FIELDS} }} }} }}"), Value::Null).await.get("dialogues.nodes")
}

type Holds = Box<dyn Fn(&Value) -> bool>;

/// A filter as written, and what it means.
struct Case(String, Holds);

impl Case {
    fn field(&self) -> &str {
        self.0.split(':').next().expect("a field")
    }
}

fn case(written: impl Into<String>, holds: impl Fn(&Value) -> bool + 'static) -> Case {
    Case(written.into(), Box::new(holds))
}

fn folded(text: &Value) -> String {
    text.as_str().unwrap_or_default().to_lowercase().replace('ё', "е")
}

fn named(text: &str) -> Case {
    let wanted = text.trim_start_matches('@').to_lowercase().replace('ё', "е");
    case(format!("text: {text:?}"), move |dialogue| {
        let names = [&dialogue["client"]["name"], &dialogue["client"]["username"], &dialogue["contractor"]["name"]];
        names.into_iter().any(|name| folded(name).contains(&wanted))
    })
}

/// `field: [id]`, where the id stands at `pointer` or, in a list there, at `/id` of one.
fn linked(field: &str, ids: &[&str], list: &'static str, below: &'static str) -> Case {
    let wanted: Vec<Value> = ids.iter().map(|id| json!(id)).collect();
    case(format!("{field}: {ids:?}"), move |dialogue| {
        let found = dialogue.pointer(list).unwrap_or(&Value::Null);
        match found {
            Value::Array(all) => all.iter().any(|one| one.pointer(below).is_some_and(|id| wanted.contains(id))),
            one => one.pointer(below).is_some_and(|id| wanted.contains(id)),
        }
    })
}

fn part(field: &str, role: &'static str, users: &[&str]) -> Case {
    let wanted: Vec<Value> = users.iter().map(|id| json!(id)).collect();
    case(format!("{field}: {users:?}"), move |dialogue| {
        let all = dialogue["participants"].as_array().expect("participants");
        all.iter().any(|one| one["role"] == role && wanted.contains(&one["user"]["id"]))
    })
}

fn within(field: &'static str, from: Option<&Value>, to: Option<&Value>) -> Case {
    let text = |bound: Option<&Value>| bound.and_then(Value::as_str).map(str::to_owned);
    let (from, to) = (text(from), text(to));
    let written = format!("{field}: {{ from: {}, to: {} }}", json!(from), json!(to));
    case(written, move |dialogue| {
        // RFC 3339 in UTC to the millisecond sorts as text.
        let Some(at) = dialogue[field].as_str() else { return from.is_none() && to.is_none() };
        from.as_deref().is_none_or(|from| at >= from) && to.as_deref().is_none_or(|to| at < to)
    })
}

fn cases(world: &World, archive: &Archive, all: &[Value]) -> Vec<Case> {
    let first =
        |pointer: &str| all.iter().find_map(|one| one.pointer(pointer)?.as_str()).unwrap_or("dlg_none").to_owned();
    let (deal, project, task) = (first("/deals/0/id"), first("/projects/0/id"), first("/tasks/0/id"));
    let ids: Vec<String> = all.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect();
    let client = first("/client/id");
    let contractor = all.iter().find(|one| folded(&one["contractor"]["name"]).contains("ромашка"));
    let contractor =
        contractor.map_or("ctr_none".into(), |one| one["contractor"]["id"].as_str().expect("an id").to_owned());
    let times = |field: &str| {
        let mut times: Vec<&Value> = all.iter().map(|one| &one[field]).filter(|at| at.is_string()).collect();
        times.sort_by_key(|at| at.as_str());
        times
    };
    let tagged = |tags: Vec<String>| {
        case(format!("tagIds: {tags:?}"), move |dialogue| {
            let of: Vec<_> = dialogue["tags"].as_array().expect("tags").iter().map(|tag| tag["id"].clone()).collect();
            tags.iter().all(|tag| of.contains(&json!(tag)))
        })
    };
    let mut cases = vec![
        case("state: OPEN", |d| d["state"] == "OPEN"),
        case("state: CLOSED", |d| d["state"] == "CLOSED"),
        case("state: null", |_| true),
        case("unreadOnly: true", |d| d["unreadCount"] != 0),
        case("unreadOnly: false", |_| true),
        case("channelKinds: [TELEGRAM]", |_| true),
        case("channelKinds: [VK, WEBSITE]", |_| false),
        named("елк"),
        named("АЛЁНА"),
        named("petr_"),
        named("@Petr_1"),
        named("%"),
        named("РОМАШКА & е"),
        named("nobody"),
        linked("dialogueIds", &[&ids[0], ids.last().expect("one"), "nonsense"], "", "/id"),
        case("dialogueIds: []", |_| false),
        linked("channelIds", &[&archive.shop.id], "/channel", "/id"),
        linked("clientIds", &[&client], "/client", "/id"),
        linked("contractorIds", &[&contractor], "/contractor", "/id"),
        linked("dealIds", &[&deal], "/deals", "/id"),
        linked("projectIds", &[&project, "prj_none"], "/projects", "/id"),
        linked("taskIds", &[&task], "/tasks", "/id"),
        part("responsibleIds", "RESPONSIBLE", &[&archive.employee.id, &archive.observer.id]),
        part("responsibleIds", "RESPONSIBLE", &[&world.admin.id]),
        part("observerIds", "OBSERVER", &[&archive.observer.id]),
        part("observerIds", "OBSERVER", &["nonsense"]),
        tagged(vec![archive.vip.clone()]),
        tagged(vec![archive.vip.clone(), archive.urgent.clone()]),
        tagged(vec![archive.vip.clone(), "nonsense".into()]),
    ];
    for group in ["MINE", "UNASSIGNED", "OTHERS", "CLOSED"] {
        cases.push(case(format!("group: {group}"), move |d| d["group"] == group));
    }
    for field in ["openedAt", "closedAt", "lastActivityAt"] {
        let times = times(field);
        let (early, late) = (times.get(times.len() / 3).copied(), times.get(times.len() * 2 / 3).copied());
        cases.extend([within(field, early, late), within(field, early, None), within(field, None, late)]);
        cases.push(within(field, early, early));
    }
    cases
}

/// Asks for many lists in few documents: the ids and the total of each.
async fn ask(api: &Api, filters: &[String]) -> Vec<(Vec<String>, u64)> {
    let mut found = Vec::new();
    for some in filters.chunks(60) {
        let asked = some.iter().enumerate().map(|(n, filter)| {
            format!("f{n}: dialogues(filter: {{ {filter} }}, first: 20) {{ nodes {{ id }} totalCount }} ")
        });
        let answer = api.run(&format!("{{ {} }}", asked.collect::<String>()), Value::Null).await;
        for n in 0..some.len() {
            let nodes: Vec<Value> = answer.get(&format!("f{n}.nodes"));
            found.push((ids(&nodes), answer.get(&format!("f{n}.totalCount"))));
        }
    }
    found
}

fn ids(nodes: &[Value]) -> Vec<String> {
    nodes.iter().map(|node| node["id"].as_str().expect("an id").to_owned()).collect()
}

async fn each_filter_holds_alone_and_beside_each_other(world: World) {
    let archive = Archive::fill(&world).await;
    for viewer in [&world.admin, &archive.observer] {
        let all = everything(&viewer.api).await;
        let cases = cases(&world, &archive, &all);
        let mut filters = Vec::new();
        let mut expected = Vec::new();
        for (place, one) in cases.iter().enumerate() {
            for other in std::iter::once(None).chain(cases[place + 1..].iter().map(Some)) {
                if other.is_some_and(|other| other.field() == one.field()) {
                    continue;
                }
                let holds = |dialogue: &&Value| (one.1)(dialogue) && other.is_none_or(|other| (other.1)(dialogue));
                filters.push(format!("{} {}", one.0, other.map_or("", |other| &other.0)));
                expected.push(ids(&all.iter().filter(holds).cloned().collect::<Vec<_>>()));
            }
        }
        let found = ask(&viewer.api, &filters).await;
        let wrong: Vec<_> = filters
            .iter()
            .zip(expected)
            .zip(found)
            .filter(|((_, expected), (found, total))| found != expected || *total != expected.len() as u64)
            .collect();
        assert!(
            wrong.is_empty(),
            "{} of {} are wrong: {:#?}",
            wrong.len(),
            filters.len(),
            &wrong[..wrong.len().min(5)]
        );
    }
}

/// What a list is ordered by; ids tell apart what is equal.
fn key(field: &str, dialogue: &Value) -> (String, String) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&dialogue[field]), text(&dialogue["id"]))
}

async fn each_order_runs_both_ways(world: World) {
    let archive = Archive::fill(&world).await;
    for viewer in [&world.admin, &archive.observer] {
        let mut all = everything(&viewer.api).await;
        for (order, field) in
            [("LAST_ACTIVITY_AT", "lastActivityAt"), ("OPENED_AT", "openedAt"), ("CLOSED_AT", "closedAt")]
        {
            for direction in ["DESC", "ASC"] {
                // Open dialogues count as closed before all others.
                all.sort_by_key(|dialogue| key(field, dialogue));
                if direction == "DESC" {
                    all.reverse();
                }
                let expected = ids(&all);
                if (order, direction) == ("LAST_ACTIVITY_AT", "DESC") {
                    assert_eq!(ids(&everything(&viewer.api).await), expected, "the usual order");
                }
                let list = format!("dialogues(orderBy: {{ field: {order}, direction: {direction} }}, ARGUMENTS)");
                pages::walk(&viewer.api, &list, &expected).await;
            }
        }
    }
}

async fn a_filter_that_makes_no_sense_is_refused(world: World) {
    let ask = async |filter: &str| {
        let answer =
            world.admin.api.run(&format!("{{ dialogues(filter: {{ {filter} }}) {{ nodes {{ id }} }} }}"), Value::Null);
        answer.await
    };
    for field in ["openedAt", "closedAt", "lastActivityAt"] {
        let backwards = "from: \"2026-02-02T00:00:00Z\", to: \"2026-02-01T00:00:00Z\"";
        let answer = ask(&format!("{field}: {{ {backwards} }}")).await;
        let expected = format!("filter.{field}");
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some(expected.as_str())));
    }
    for filter in [
        "openedAt: { from: \"yesterday\" }",
        "openedAt: { from: \"2026-02-30T00:00:00Z\" }",
        "state: AJAR",
        "channelKinds: [ICQ]",
        "unreadOnly: \"yes\"",
        "nonsense: 1",
        "dialogueIds: [[\"x\"]]",
    ] {
        assert_eq!(ask(filter).await.error_code(), "BAD_USER_INPUT", "{filter}");
    }
    // What a database would choke on.
    let many = format!("[{}]", "\"tag_00000000000000000000000000000000\", ".repeat(1_001));
    for (field, value) in [
        ("tagIds", &many),
        ("dialogueIds", &many.replace("tag_", "dlg_")),
        ("clientIds", &many.replace("tag_0", "nonsense")),
        ("text", &format!("{:?}", "a".repeat(60_000))),
    ] {
        let answer = ask(&format!("{field}: {value}")).await;
        let expected = format!("filter.{field}");
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some(expected.as_str())), "{field}");
    }
    let as_many_as_can_be = many.replacen("\"tag_00000000000000000000000000000000\", ", "", 1);
    assert!(ask(&format!("tagIds: {as_many_as_can_be}")).await.errors().is_empty());
    assert!(ask(&format!("text: {:?}", "%_\\".repeat(300))).await.errors().is_empty());
}
