//! How each database reads the list: by an index, whatever is asked for.
//!
//! Small tables are gone through by right, so there are twenty thousand dialogues, laid down by the database itself.

use colloquy::inbox::list::{self, Among, DialogueFilter, Group, OrderBy, Range, Wanted};
use colloquy::inbox::{messages, tally};
use colloquy::paging::{Key as _, PageArgs};
use colloquy::viewer::{Credential, Viewer};
use colloquy_entity::*;
use sea_orm::{ConnectionTrait, QueryTrait, Statement};
use uuid::Uuid;

use crate::harness::Backend;
use crate::harness::story::stories;
use crate::harness::world::World;

stories!(World: no_way_into_the_list_goes_through_all_dialogues, what_many_are_is_found_wherever_they_stand,
    spans_are_read_from_their_index_alone, messages_are_read_by_their_ids);

/// Ids and rows, in SQL that both databases understand but for `{id i}`: the id with this number.
const ROWS: [&str; 15] = [
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20)
     INSERT INTO users (id, name, email, password_hash, role, is_active, lookup, created_at)
     SELECT {id 900000 + i}, 'Employee', 'employee' || i || '@example.com', '', 'EMPLOYEE', TRUE, '', 0 FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5)
     INSERT INTO channels (id, kind, external_id, name, state, credentials, auto_reply_enabled, created_at)
     SELECT {id 910000 + i}, 'TELEGRAM', 'bot' || i, 'Bot', 'DISCONNECTED', {none}, FALSE, 0 FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 199)
     INSERT INTO contractors (id, kind, name, lookup, created_at)
     SELECT {id 920000 + i}, 'COMPANY', 'Acme', 'acme ' || i, 0 FROM n",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
     INSERT INTO clients (id, kind, external_id, name, is_blocked, lookup, first_seen_at, contractor_id)
     SELECT {id i}, 'TELEGRAM', 'client' || i, 'Client', FALSE, (i * 7919 % 999983) || ' ' || (i * 104729 % 999979), 0,
         CASE WHEN i % 20 = 0 THEN {id 920000 + i / 20 % 200} END FROM n",
    // One in twenty is open; of the open ones four in five are answered for. The fifth channel has one in a hundred.
    "INSERT INTO dialogues (id, channel_id, client_id, state, is_reachable, created_at, opened_at, closed_at,
         last_activity_at, message_count, client_message_count, last_client_message_at, closed_order, is_assigned)
     SELECT {id 100000 + i}, CASE WHEN i % 100 = 0 THEN {id 910005} ELSE {id 910001 + i % 4} END, {id i},
         CASE WHEN i % 20 = 0 THEN 'OPEN' ELSE 'CLOSED' END, TRUE, i * 1000, i * 1000,
         CASE WHEN i % 20 <> 0 THEN i * 1000 + 500 END, i * 1000 + 500, 2, 1, i * 1000,
         CASE WHEN i % 20 <> 0 THEN i * 1000 + 500 ELSE 0 END, i % 20 = 0 AND i % 100 <> 0
     FROM (SELECT CAST(substr(external_id, 7) AS INTEGER) AS i FROM clients WHERE external_id LIKE 'client%') AS numbers",
    "INSERT INTO participants (dialogue_id, user_id, role, since, is_open)
     SELECT id, {id 900001 + (opened_at / 1000) % 19}, 'RESPONSIBLE', opened_at, state = 'OPEN' FROM dialogues
     WHERE (opened_at / 1000) % 100 <> 0",
    "INSERT INTO participants (dialogue_id, user_id, role, since, is_open)
     SELECT id, {id 900020}, 'OBSERVER', opened_at, state = 'OPEN' FROM dialogues WHERE (opened_at / 1000) % 500 = 0",
    "INSERT INTO tags (id, name, name_key, color) VALUES ({id 930001}, 'common', 'common', '#000000'),
         ({id 930002}, 'rare', 'rare', '#000000')",
    "INSERT INTO dialogue_tags (dialogue_id, tag_id, added_at) SELECT id, {id 930001}, 0 FROM dialogues
     WHERE (opened_at / 1000) % 3 = 0",
    "INSERT INTO dialogue_tags (dialogue_id, tag_id, added_at) SELECT id, {id 930002}, 0 FROM dialogues
     WHERE (opened_at / 1000) % 2000 = 0",
    "INSERT INTO projects (id, name, created_at, lookup) VALUES ({id 940000}, 'Project', 0, ''), ({id 940001}, 'Another', 0, '')",
    "INSERT INTO dialogue_projects (dialogue_id, project_id, linked_at) SELECT id, {id 940000}, 0 FROM dialogues
     WHERE (opened_at / 1000) % 2000 = 0",
    "INSERT INTO dialogue_projects (dialogue_id, project_id, linked_at) SELECT id, {id 940001}, 0 FROM dialogues
     WHERE (opened_at / 1000) % 3 = 0",
    "INSERT INTO messages (id, dialogue_id, channel_id, ordinal, client_ordinal, origin, text, created_at, sent_at, attempts)
     SELECT {id 200000 + opened_at / 1000}, id, channel_id, 1, 1, 'CLIENT', 'Hello', opened_at, opened_at, 0 FROM dialogues",
    "ANALYZE",
];

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

async fn fill(world: &World) {
    for rows in ROWS {
        run(world, rows).await;
    }
}

/// As a server that is begun when all of it is there: SQLite's connections know how its rows are spread if that was looked
/// at before them.
async fn filled(world: &mut World) {
    fill(world).await;
    world.restart().await;
}

/// Runs a statement that is written like [`ROWS`].
async fn run(world: &World, sql: &str) {
    let (id, none) = match world.backend {
        Backend::Sqlite => ("unhex(printf('%032x', $))", "x''"),
        Backend::Postgres => ("lpad(to_hex($), 32, '0')::uuid", "''::bytea"),
    };
    let mut sql = sql.replace("{none}", none);
    while let Some((before, after)) = sql.split_once("{id ") {
        let (number, rest) = after.split_once('}').expect("an id ends");
        sql = format!("{before}{}{rest}", id.replace('$', number));
    }
    let db = &world.server.running().app.db;
    db.write().execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{error}: {sql}"));
}

/// One way to ask, and what of the database's plan shows that it was understood: one of these indexes, and the order is
/// the index's or is made by sorting what was found.
struct Way {
    name: &'static str,
    filter: DialogueFilter,
    order: (OrderBy, bool),
    /// As either database calls them.
    by: &'static [&'static str],
    /// No more is read than is answered. (Of `others` PostgreSQL may well sort what few are open.)
    in_order: bool,
}

fn ways() -> Vec<Way> {
    let newest = (OrderBy::LastActivity, false);
    let way = |name, filter, by| Way { name, filter, order: newest, by, in_order: false };
    let listed = |name, filter, by| Way { in_order: true, ..way(name, filter, by) };
    let all = DialogueFilter::default;
    let group = |group| DialogueFilter { group: Some(group), ..all() };
    let range = Range { from: Some(Time(19_000_000)), to: Some(Time(19_100_000)) };
    let mut ways = vec![
        listed("all", all(), &["dialogues_activity"]),
        way("mine", group(Group::Mine), &["participants_open", "dialogues_open"]),
        listed("unassigned", group(Group::Unassigned), &["dialogues_open"]),
        way("others", group(Group::Others), &["dialogues_open"]),
        listed("closed", group(Group::Closed), &["dialogues_state_activity", "dialogues_activity"]),
        listed("open", DialogueFilter { state: Some(DialogueState::Open), ..all() }, &["dialogues_state_activity"]),
        listed(
            "a channel",
            DialogueFilter { channels: Some(vec![ChannelId(id(910005))]), ..all() },
            &["dialogues_channel_activity"],
        ),
        way("a client", DialogueFilter { clients: Some(vec![ClientId(id(77))]), ..all() }, &["dialogues_client"]),
        way(
            "an id",
            DialogueFilter { dialogues: Some(vec![DialogueId(id(100077))]), ..all() },
            &["dialogues_pkey", "sqlite_autoindex_dialogues_1"],
        ),
        way("a name", DialogueFilter { text: Some("772199".into()), ..all() }, &["clients_lookup"]),
        way(
            "a responsible",
            DialogueFilter { responsibles: Some(vec![UserId(id(900001))]), ..all() },
            &["participants_user", "participants_pkey", "sqlite_autoindex_participants_1"],
        ),
        way(
            "an observer",
            DialogueFilter { observers: Some(vec![UserId(id(900020))]), ..all() },
            &["participants_user"],
        ),
        way("a rare tag", DialogueFilter { tags: Some(vec![TagId(id(930002))]), ..all() }, &["dialogue_tags_tag"]),
        way(
            "a contractor",
            DialogueFilter { contractors: Some(vec![ContractorId(id(920000))]), ..all() },
            &["clients_contractor"],
        ),
        way(
            "a project",
            DialogueFilter { projects: Some(vec![ProjectId(id(940000))]), ..all() },
            &["dialogue_projects_project"],
        ),
        // Common: among the first there are enough, and the rest need not be looked for.
        way(
            "a common project and tag",
            DialogueFilter {
                projects: Some(vec![ProjectId(id(940001))]),
                tags: Some(vec![TagId(id(930001))]),
                ..all()
            },
            &["dialogue_projects_project", "dialogue_projects_pkey", "sqlite_autoindex_dialogue_projects_1"],
        ),
        way("opened then", DialogueFilter { opened_at: Some(range), ..all() }, &["dialogues_opened"]),
        way("closed then", DialogueFilter { closed_at: Some(range), ..all() }, &["dialogues_closed_order"]),
        listed("active then", DialogueFilter { last_activity_at: Some(range), ..all() }, &["dialogues_activity"]),
    ];
    for (name, by, index) in [
        ("by opening", OrderBy::Opened, &["dialogues_opened", "dialogues_state_opened"]),
        ("by closing", OrderBy::Closed, &["dialogues_closed_order", "dialogues_state_closed"]),
        ("by activity", OrderBy::LastActivity, &["dialogues_activity", "dialogues_state_activity"]),
    ] {
        for ascending in [false, true] {
            ways.push(Way { order: (by, ascending), ..listed(name, all(), index) });
            // Nearly all are closed: in no order are they sorted.
            let closed = listed("closed, in an order", group(Group::Closed), index);
            ways.push(Way { order: (by, ascending), ..closed });
        }
    }
    ways
}

async fn no_way_into_the_list_goes_through_all_dialogues(mut world: World) {
    fill(&world).await;
    look_at_each_way(&world).await;
    world.restart().await;
    look_at_each_way(&world).await;
}

async fn look_at_each_way(world: &World) {
    let app = &world.server.running().app;
    let viewer = viewer(Role::Employee);
    let whole = Wanted {
        client: true,
        channel: true,
        last_message: true,
        participants: true,
        tags: true,
        unread: true,
        ..Wanted::default()
    };
    for way in ways() {
        let [listed, found] = ids(world, &viewer, &way).await;
        assert_eq!(listed, found, "{}", way.name);
        assert!(!listed[0].is_empty(), "{}: there is nothing to compare", way.name);
        for wanted in [Wanted::default(), whole] {
            let args = PageArgs::default();
            let statement = |among| list::statement(app, &viewer, &way.filter, way.order, &args, wanted, among);
            let plan = explain(world, statement(Among::All).expect("a statement")).await;
            let told = format!("{}, {wanted:?}:\n{plan}", way.name);
            assert!(!reads_all(&plan), "every dialogue is read: {told}");
            for among in [Among::First(500), Among::Assigned(500)] {
                let first = explain(world, statement(among).expect("a statement")).await;
                assert!(!reads_all(&first), "every dialogue is read for {among:?}: {first}");
            }
            assert!(way.by.iter().any(|index| plan.contains(index)), "none of {:?}: {told}", way.by);
            let sorts = plan.matches("USE TEMP B-TREE FOR ORDER BY").count() + plan.matches("Sort Key").count();
            // Around a page that is found in order, the page itself may be sorted again: fifty rows.
            assert!(!way.in_order || sorts <= usize::from(wanted == whole), "what is found is sorted: {told}");
        }
    }
}

/// Who answers for much has it looked for among the newest first, and has it all the same where it stands at the end.
async fn what_many_are_is_found_wherever_they_stand(mut world: World) {
    filled(&mut world).await;
    let app = &world.server.running().app;
    let give = async |user: u128, which: &str| {
        let of = format!("(SELECT id FROM dialogues WHERE {which})");
        let give = format!("UPDATE participants SET user_id = {{id 900000 + {user}}} WHERE dialogue_id IN {of}");
        run(&world, &give).await;
    };
    // Spread over the list, and at its end.
    give(2, "state = 'OPEN' AND (opened_at / 1000) % 40 = 20").await;
    give(4, "opened_at >= 7000000 AND (opened_at / 1000) % 19 = 2").await;
    give(3, "opened_at < 7000000").await;
    for (user, count, is_near) in [(2, 250, true), (3, 250, false)] {
        let viewer = Viewer { id: UserId(id(900_000 + user)), ..viewer(Role::Employee) };
        let counters = tally::now(app, &viewer).await.expect("counters");
        assert!(counters[0].count >= count, "they are many: {counters:?}");
        assert_eq!(tally::lately(app, &viewer), Some(counters), "without them nothing is looked for among the newest");
        let responsibles = Some(vec![viewer.id]);
        let mine = DialogueFilter { group: Some(Group::Mine), ..DialogueFilter::default() };
        let theirs = DialogueFilter { responsibles, ..DialogueFilter::default() };
        // As far as is looked first, the page is full or not.
        for (filter, among) in [(&mine, Among::Assigned(512)), (&theirs, Among::First(2_048))] {
            let newest = (OrderBy::LastActivity, false);
            let statement =
                list::statement(app, &viewer, filter, newest, &PageArgs::default(), Wanted::default(), among);
            let rows = app.db.read().query_all_raw(statement.expect("a statement")).await.expect("rows");
            assert_eq!(rows.len() > 50, is_near, "{among:?}: {}", rows.len());
        }
        let filters = [mine, theirs];
        for filter in filters {
            for ascending in [false, true] {
                let way = Way { order: (OrderBy::LastActivity, ascending), ..ways().swap_remove(0) };
                let way = Way { filter: filter.clone(), ..way };
                let [listed, found] = ids(&world, &viewer, &way).await;
                assert_eq!(listed, found, "{filter:?}, {ascending}");
                assert_eq!(listed[0].len(), 50);
            }
        }
    }
}

/// What was opened or closed in a span of time is found and sorted by what its index holds: of the table, no more than the
/// page is read.
async fn spans_are_read_from_their_index_alone(mut world: World) {
    filled(&mut world).await;
    let app = &world.server.running().app;
    if world.backend == Backend::Postgres {
        // An index answers by itself for what has been vacuumed.
        app.db.write().execute_unprepared("VACUUM dialogues").await.expect("nobody is in the way");
    }
    let mut asked = Vec::new();
    // As much as a database may well go through the table for, or pass over the newer ones; and a hundredth. With what is
    // open in it for an observer.
    for (from, to, open) in [(2_000_000, 9_000_000, 14), (5_000_000, 5_200_000, 1)] {
        let then = Some(Range { from: Some(Time(from)), to: Some(Time(to)) });
        let opened = DialogueFilter { opened_at: then, ..DialogueFilter::default() };
        let closed = DialogueFilter { closed_at: then, ..DialogueFilter::default() };
        let of_the_group = DialogueFilter { group: Some(Group::Closed), ..closed.clone() };
        let of_the_state = DialogueFilter { state: Some(DialogueState::Closed), ..closed.clone() };
        asked.push((opened, "dialogues_opened", open));
        asked.extend([closed, of_the_group, of_the_state].map(|filter| (filter, "dialogues_closed_order", 0)));
    }
    for (filter, index, open) in asked {
        for role in [Role::Employee, Role::Observer] {
            let viewer = Viewer { id: UserId(id(900020)), ..viewer(role) };
            for ascending in [false, true] {
                let way = Way { order: (OrderBy::LastActivity, ascending), ..ways().swap_remove(0) };
                let way = Way { filter: filter.clone(), ..way };
                let [listed, found] = ids(&world, &viewer, &way).await;
                assert_eq!(listed, found, "{filter:?}, {role:?}");
                let expected = if role == Role::Observer { open } else { 50 };
                assert_eq!(listed[0].len(), expected, "{filter:?}, {role:?}");
            }
            let args = PageArgs::default();
            let newest = (OrderBy::LastActivity, false);
            let statement = list::statement(app, &viewer, &filter, newest, &args, Wanted::default(), Among::Span);
            let plan = explain(&world, statement.expect("a statement")).await;
            let by_index = match world.backend {
                Backend::Sqlite => format!("USING COVERING INDEX {index}"),
                Backend::Postgres => format!("Index Only Scan using {index}"),
            };
            // An observer's few may be looked up by themselves.
            let is_few = role == Role::Observer && plan.contains("participants");
            assert!(plan.contains(&by_index) || is_few, "{role:?}:\n{plan}");
            assert!(!reads_all(&plan), "every dialogue is read:\n{plan}");
        }
    }
}

/// Whatever the viewer may see, what is asked for by its id is looked up by that.
async fn messages_are_read_by_their_ids(mut world: World) {
    filled(&mut world).await;
    let db = world.server.running().app.db.write();
    // As many as loaders ask for: SQLite weighs the ways by their number.
    let ids: Vec<MessageId> = (1..=500).map(|nth| MessageId(id(200_000 + nth * 7))).collect();
    for role in [Role::Employee, Role::Observer] {
        let plan = explain(&world, messages::named(&viewer(role), &ids).build(db.get_database_backend())).await;
        let is_by_id = ["messages_pkey", "sqlite_autoindex_messages_1"].iter().any(|index| plan.contains(index));
        assert!(is_by_id && !plan.contains("messages_ordinal_key"), "{role:?}:\n{plan}");
    }
}

fn viewer(role: Role) -> Viewer {
    let credential = Credential::Session(SessionId(id(1)));
    Viewer { id: UserId(id(900002)), role, since: Time(0), credential, expires_at: None }
}

/// SQLite goes through what it looks among as it does through a table, and calls it by the table's name.
fn reads_all(plan: &str) -> bool {
    let is_scan = |line: &&str| {
        line.contains("Seq Scan on dialogues") || line.contains("SCAN dialogues") && !line.contains("INDEX")
    };
    plan.lines().filter(is_scan).count() > plan.matches("CO-ROUTINE dialogues").count()
}

/// The ids of pages, as the list has them and as one statement finds them: the first, what comes after its middle, the
/// last, and what comes before the middle of that.
async fn ids(world: &World, viewer: &Viewer, way: &Way) -> [Vec<Vec<Uuid>>; 2] {
    let (app, wanted) = (&world.server.running().app, Wanted::default());
    let (mut listed, mut found) = (Vec::new(), Vec::new());
    for mut args in [PageArgs::default(), PageArgs { last: Some(50), ..PageArgs::default() }] {
        for _ in 0..2 {
            let page = list::page(app, viewer, &way.filter, way.order, &args, wanted).await.expect("a page");
            let whole = list::statement(app, viewer, &way.filter, way.order, &args, wanted, Among::All);
            let rows = app.db.read().query_all_raw(whole.expect("a statement")).await.expect("rows");
            let mut ids: Vec<Uuid> = rows.iter().map(|row| row.try_get("", "id").expect("an id")).collect();
            let is_more = ids.len() > 50;
            ids.truncate(50);
            if args.last.is_some() {
                ids.reverse();
                assert_eq!(page.has_previous, is_more, "{}", way.name);
            } else {
                assert_eq!(page.has_next, is_more, "{}", way.name);
            }
            found.push(ids);
            listed.push(page.items.iter().map(|item| item.dialogue.id.0).collect());
            let Some(middle) = page.items.get(page.items.len() / 2) else { break };
            let place = Some(way.order.0.key(&middle.dialogue).encode());
            match args.last {
                None => args.after = place,
                Some(_) => args.before = place,
            }
        }
    }
    [listed, found]
}

async fn explain(world: &World, mut statement: Statement) -> String {
    let (explain, column) = match world.backend {
        Backend::Sqlite => ("EXPLAIN QUERY PLAN", "detail"),
        Backend::Postgres => ("EXPLAIN", "QUERY PLAN"),
    };
    statement.sql = format!("{explain} {}", statement.sql);
    let tx = world.server.running().app.db.snapshot().await.expect("it begins");
    // SQLite explains by what the connection knew, where nothing was read since.
    tx.execute_unprepared("SELECT 1 FROM tags").await.expect("it reads");
    let rows = tx.query_all_raw(statement).await.expect("a plan");
    let lines: Vec<String> = rows.iter().map(|row| row.try_get("", column).expect("a line")).collect();
    lines.join("\n")
}
