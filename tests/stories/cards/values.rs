//! What cards take, and what they refuse.

use serde_json::{Value, json};

use super::{card, change, create, funnel};
use crate::harness::feed::kinds;
use crate::harness::story::stories;
use crate::harness::world::World;

stories!(World:
    an_amount_is_kept_digit_for_digit,
    what_is_absent_stays_and_null_clears,
    what_changes_nothing_is_no_event,
    bad_values_are_refused_by_their_field,
    a_contractor_is_free_to_edit_and_stays_as_edited,
    a_deal_that_changes_hands_stands_in_both_feeds,
    funnels_are_an_administrators,
);

async fn an_amount_is_kept_digit_for_digit(world: World) {
    let funnel = funnel(&world).await;
    for amount in ["0.10", "1999.90", "12345678901234567.8901", "999999999999999999", "-0.0001"] {
        let input = json!({ "title": "A", "funnelId": funnel.id, "amount": amount, "currency": "RUB" });
        let deal = create(&world.admin, "Deal", input).await;
        let found = card(&world.admin, "Deal", &deal, "amount currency").await;
        assert_eq!(found, json!({ "amount": amount, "currency": "RUB" }));
    }
}

async fn what_is_absent_stays_and_null_clears(world: World) {
    let funnel = funnel(&world).await;
    let project = create(&world.admin, "Project", json!({ "name": "P", "externalUrl": "https://example.com/p" })).await;
    let task = json!({
        "title": "A", "description": "B\nC", "projectId": project, "responsibleId": world.admin.id,
        "dueAt": "2026-11-22T08:30:00.123+03:00", "externalUrl": "https://example.com/1",
    });
    let task = create(&world.admin, "Task", task).await;
    let fields = "title description state project { id } responsible { id } dueAt externalUrl";
    let mut expected = json!({
        "title": "A", "description": "B\nC", "state": "OPEN", "project": { "id": project },
        "responsible": { "id": world.admin.id }, "dueAt": "2026-11-22T05:30:00.123Z",
        "externalUrl": "https://example.com/1",
    });
    assert_eq!(card(&world.admin, "Task", &task, fields).await, expected);

    change(&world.admin, "update", "Task", &json!({ "taskId": task, "title": "D" })).await.data();
    expected["title"] = json!("D");
    assert_eq!(card(&world.admin, "Task", &task, fields).await, expected);

    let before = world.cursor().await;
    let cleared = ["description", "projectId", "responsibleId", "dueAt", "externalUrl"];
    let mut input: Value = cleared.into_iter().map(|field| (field.to_owned(), Value::Null)).collect();
    input["taskId"] = json!(task);
    change(&world.admin, "update", "Task", &input).await.data();
    for field in ["description", "project", "responsible", "dueAt", "externalUrl"] {
        expected[field] = Value::Null;
    }
    assert_eq!(card(&world.admin, "Task", &task, fields).await, expected);
    let changes = json!([
        { "field": "description", "from": "B\nC", "to": null },
        { "field": "project", "from": project, "to": null },
        { "field": "responsible", "from": world.admin.id, "to": null },
        { "field": "dueAt", "from": "2026-11-22T05:30:00.123Z", "to": null },
        { "field": "externalUrl", "from": "https://example.com/1", "to": null },
    ]);
    assert_eq!(world.events_after(&before).await[0]["changes"], changes);

    // A variable that the request leaves out is absent, not null.
    let update = "mutation($task: ID!, $title: String, $state: TaskState) {
        updateTask(input: { taskId: $task, title: $title, state: $state }) { task { title state } }
    }";
    let answer = world.admin.api.run(update, json!({ "task": task, "state": "DONE" })).await;
    assert_eq!(answer.at("updateTask.task"), &json!({ "title": "D", "state": "DONE" }));

    let deal = json!({ "title": "A", "funnelId": funnel.id, "amount": "5", "currency": "EUR" });
    let deal = create(&world.admin, "Deal", deal).await;
    change(&world.admin, "update", "Deal", &json!({ "dealId": deal, "amount": null })).await.data();
    let found = card(&world.admin, "Deal", &deal, "amount currency").await;
    assert_eq!(found, json!({ "amount": null, "currency": null }));
}

async fn what_changes_nothing_is_no_event(world: World) {
    let funnel = funnel(&world).await;
    let deal = create(&world.admin, "Deal", json!({ "title": "A", "funnelId": funnel.id })).await;
    let contractor = create(&world.admin, "Contractor", json!({ "name": "A", "phone": "1" })).await;
    let before = world.cursor().await;

    let same = json!({ "dealId": deal, "title": " A ", "stageId": funnel.new, "amount": null });
    change(&world.admin, "update", "Deal", &same).await.data();
    let same = json!({ "contractorId": contractor, "phone": "1", "kind": "PERSON", "note": "" });
    change(&world.admin, "update", "Contractor", &same).await.data();
    assert!(world.events_after(&before).await.is_empty());

    change(&world.admin, "update", "Deal", &json!({ "dealId": deal, "title": "B" })).await.data();
    let events = world.events_after(&before).await;
    assert_eq!(kinds(&events), ["DEAL_CHANGED"]);
    assert_eq!(events[0]["changes"], json!([{ "field": "title", "from": "A", "to": "B" }]));
}

async fn bad_values_are_refused_by_their_field(world: World) {
    let (funnel, other) = (funnel(&world).await, funnel(&world).await);
    let gone = world.user("EMPLOYEE").await;
    let deactivate = "mutation($id: ID!) { updateUser(input: { userId: $id, isActive: false }) { user { id } } }";
    world.admin.api.run(deactivate, json!({ "id": gone.id })).await.data();
    let deal = create(&world.admin, "Deal", json!({ "title": "A", "funnelId": funnel.id })).await;
    let task = create(&world.admin, "Task", json!({ "title": "A" })).await;
    let project = create(&world.admin, "Project", json!({ "name": "A" })).await;
    let contractor = create(&world.admin, "Contractor", json!({ "name": "A" })).await;
    let before = world.cursor().await;
    let long = "ы".repeat(257);
    let with = |base: Value, field: &str, value: Value| {
        let mut input = base;
        input[field] = value;
        input
    };
    let new = || json!({ "title": "B", "funnelId": funnel.id });
    let old = || json!({ "dealId": deal });
    let refused = [
        ("create", "Deal", with(new(), "title", json!(" ")), "input.title"),
        ("create", "Deal", with(new(), "title", json!(long)), "input.title"),
        ("create", "Deal", with(new(), "stageId", json!(other.new)), "input.stageId"),
        ("create", "Deal", with(new(), "stageId", json!("stg_1")), "input.stageId"),
        ("create", "Deal", with(new(), "currency", json!("RUB")), "input.currency"),
        ("create", "Deal", with(new(), "amount", json!("5")), "input.currency"),
        ("create", "Deal", with(with(new(), "amount", json!("5")), "currency", json!("rub")), "input.currency"),
        ("create", "Deal", with(with(new(), "amount", json!("5")), "currency", json!("ABC")), "input.currency"),
        ("create", "Deal", with(with(new(), "amount", json!("0.00001")), "currency", json!("RUB")), "input.amount"),
        ("create", "Deal", with(new(), "responsibleId", json!(gone.id)), "input.responsibleId"),
        ("create", "Deal", with(new(), "responsibleId", json!("usr_1")), "input.responsibleId"),
        ("update", "Deal", with(old(), "title", Value::Null), "input.title"),
        ("update", "Deal", with(old(), "stageId", Value::Null), "input.stageId"),
        ("update", "Deal", with(old(), "stageId", json!(other.won)), "input.stageId"),
        ("update", "Deal", with(old(), "currency", json!("RUB")), "input.currency"),
        ("update", "Deal", with(old(), "responsibleId", json!(gone.id)), "input.responsibleId"),
        ("create", "Task", json!({ "title": "A\nB" }), "input.title"),
        ("create", "Task", json!({ "title": "A", "description": "\0" }), "input.description"),
        ("update", "Task", json!({ "taskId": task, "state": null }), "input.state"),
        ("update", "Task", json!({ "taskId": task, "responsibleId": gone.id }), "input.responsibleId"),
        ("update", "Project", json!({ "projectId": project, "name": null }), "input.name"),
        ("update", "Contractor", json!({ "contractorId": contractor, "kind": null }), "input.kind"),
        ("update", "Contractor", json!({ "contractorId": contractor, "phone": long }), "input.phone"),
    ];
    for (act, noun, input, field) in refused {
        let answer = change(&world.admin, act, noun, &input).await;
        assert_eq!((answer.error_code(), answer.error_field()), ("BAD_USER_INPUT", Some(field)), "{input}");
    }
    for (noun, input) in [
        ("Deal", with(new(), "funnelId", json!("fun_1"))),
        ("Deal", with(new(), "contractorId", json!("ctr_1"))),
        ("Deal", with(new(), "dialogueId", json!("dlg_1"))),
        ("Task", json!({ "title": "A", "projectId": "prj_1" })),
        ("Contractor", json!({ "name": "A", "dialogueId": format!("dlg_{}", "0".repeat(32)) })),
    ] {
        let answer = change(&world.admin, "create", noun, &input).await;
        assert_eq!(answer.error_code(), "NOT_FOUND", "{input}");
    }
    // Scalars are refused before anything is run.
    for url in
        ["ftp://example.com", "javascript:alert(1)", "example.com", "https://example.com/\0", " https://example.com"]
    {
        let answer = change(&world.admin, "create", "Project", &json!({ "name": "A", "externalUrl": url })).await;
        assert_eq!(answer.error_code(), "BAD_USER_INPUT", "{url}");
    }
    for amount in [json!(5), json!("1e3"), json!("1,5"), json!("")] {
        let input = with(with(new(), "amount", amount.clone()), "currency", json!("RUB"));
        assert_eq!(change(&world.admin, "create", "Deal", &input).await.error_code(), "BAD_USER_INPUT", "{amount}");
    }
    assert!(world.events_after(&before).await.is_empty());
}

async fn a_contractor_is_free_to_edit_and_stays_as_edited(world: World) {
    let channel = world.connect_channel("Shop").await;
    let anna = crate::harness::updates::Person::new(6151);
    let dialogue = world.write(&channel, &anna, "Hello").await;
    let found = world.admin.dialogue(&dialogue, "contractor { id }").await;
    let id = found["contractor"]["id"].as_str().expect("the client has one").to_owned();
    let edited = json!({
        "contractorId": id, "kind": "COMPANY", "name": "Petrova & Co", "phone": "+7 900 000-00-00",
        "email": "anna@shop.example", "note": "Pays by invoice\nOn Fridays",
    });
    change(&world.admin, "update", "Contractor", &edited).await.data();
    let renamed = crate::harness::updates::Person { name: "Anna Petrova".into(), ..anna };
    world.take(&channel, &renamed.says("I married")).await;
    let fields = "kind name phone email note clients { name }";
    let expected = json!({
        "kind": "COMPANY", "name": "Petrova & Co", "phone": "+7 900 000-00-00", "email": "anna@shop.example",
        "note": "Pays by invoice\nOn Fridays", "clients": [{ "name": "Anna Petrova" }],
    });
    assert_eq!(card(&world.admin, "Contractor", &id, fields).await, expected);
}

async fn a_deal_that_changes_hands_stands_in_both_feeds(world: World) {
    let funnel = funnel(&world).await;
    let one = create(&world.admin, "Contractor", json!({ "name": "A" })).await;
    let other = create(&world.admin, "Contractor", json!({ "name": "B" })).await;
    let deal = json!({ "title": "A", "funnelId": funnel.id, "contractorId": one });
    let deal = create(&world.admin, "Deal", deal).await;
    change(&world.admin, "update", "Deal", &json!({ "dealId": deal, "contractorId": other })).await.data();
    for (contractor, expected) in [
        (&one, ["CONTRACTOR_CREATED", "DEAL_CREATED", "DEAL_CHANGED"].as_slice()),
        (&other, &["CONTRACTOR_CREATED", "DEAL_CHANGED"]),
    ] {
        assert_eq!(super::activity(&world.admin, "Contractor", contractor).await, expected);
    }
    let found = card(&world.admin, "Deal", &deal, "contractor { id }").await;
    assert_eq!(found["contractor"]["id"], json!(other));
}

async fn funnels_are_an_administrators(world: World) {
    let made = funnel(&world).await;
    let employee = world.user("EMPLOYEE").await;
    let create = "mutation($input: CreateFunnelInput!) { createFunnel(input: $input) { funnel { id } } }";
    let run =
        |someone: &crate::harness::world::Someone, input: Value| someone.api.run(create, json!({ "input": input }));
    let stages = json!([{ "name": "New" }]);
    assert_eq!(run(&employee, json!({ "name": "B", "stages": stages })).await.error_code(), "FORBIDDEN");
    for (input, field) in [
        (json!({ "name": "B", "stages": [] }), "input.stages"),
        (json!({ "name": "", "stages": stages }), "input.name"),
        (json!({ "name": "B", "stages": [{ "name": "New" }, { "name": " " }] }), "input.stages.1.name"),
    ] {
        assert_eq!(run(&world.admin, input).await.error_field(), Some(field));
    }
    let list = "{ funnels { id name stages { id name kind } } }";
    let expected = json!([{ "id": made.id, "name": "Sales", "stages": [
        { "id": made.new, "name": "New", "kind": "OPEN" }, { "id": made.won, "name": "Won", "kind": "WON" },
    ] }]);
    assert_eq!(employee.api.run(list, Value::Null).await.at("funnels"), &expected);
    assert_eq!(card(&employee, "Stage", &made.won, "kind").await, json!({ "kind": "WON" }));
}
