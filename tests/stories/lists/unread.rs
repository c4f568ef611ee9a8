//! What is left unread by whoever has read nearly everything: it is found, and nobody looks further.

use colloquy_entity::{DialogueId, Id as _, read_mark};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::{Value, json};

use super::{ids, key, pages};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Someone, World};

stories!(World: what_is_left_unread_is_found_in_every_order_and_nothing_beyond);

const ORDERS: [(&str, &str); 2] = [("LAST_ACTIVITY_AT", "lastActivityAt"), ("OPENED_AT", "openedAt")];

async fn everything(viewer: &Someone) -> Vec<Value> {
    let list = "{ dialogues(first: 20) { nodes { id unreadCount openedAt lastActivityAt channel { id } } } }";
    viewer.api.run(list, Value::Null).await.get("dialogues.nodes")
}

/// Walks what is unread in each order both ways, alone and in one channel.
async fn walk(viewer: &Someone, channel: &str) {
    let mut all = everything(viewer).await;
    all.retain(|dialogue| dialogue["unreadCount"] != 0);
    assert_eq!(all.len(), 3, "three are left");
    for (order, field) in ORDERS {
        for direction in ["DESC", "ASC"] {
            all.sort_by_key(|dialogue| key(field, dialogue));
            if direction == "DESC" {
                all.reverse();
            }
            let list = |filter: &str| {
                let order = format!("{{ field: {order}, direction: {direction} }}");
                format!("dialogues(filter: {{ unreadOnly: true {filter} }}, orderBy: {order}, ARGUMENTS)")
            };
            pages::walk(&viewer.api, &list(""), &ids(&all)).await;
            let some: Vec<Value> = all.iter().filter(|one| one["channel"]["id"] == channel).cloned().collect();
            pages::walk(&viewer.api, &list(&format!("channelIds: [{channel:?}]")), &ids(&some)).await;
        }
    }
}

async fn what_is_left_unread_is_found_in_every_order_and_nothing_beyond(world: World) {
    let employee = world.user("EMPLOYEE").await;
    let (shop, support) = (world.connect_channel("Shop").await, world.connect_channel("Support").await);
    for id in 0..9 {
        let channel = if id % 2 == 0 { &shop } else { &support };
        world.write(channel, &Person::new(6100 + id), "Hello").await;
    }
    // Those that were opened first are active last, and are the ones that stay unread.
    let mut oldest = String::new();
    for id in (0..9).rev() {
        let channel = if id % 2 == 0 { &shop } else { &support };
        let dialogue = world.write(channel, &Person::new(6100 + id), "Are you there?").await;
        if id > 2 {
            let last = employee.messages(&dialogue).await.pop().expect("a message");
            employee.mark_read(&dialogue, last["id"].as_str().expect("an id")).await;
        }
        if id == 8 {
            oldest = dialogue;
        }
    }
    // Nobody has counted yet; and then it is known how many there are.
    walk(&employee, &shop.id).await;
    employee.api.run("{ inbox { unassigned { unreadCount } } }", Value::Null).await.data();
    walk(&employee, &shop.id).await;

    // What the log does not tell of nobody counts: the list ends with the last that is counted, and does not look beyond.
    let id = DialogueId::parse(&oldest).expect("an id");
    let db = &world.server.running().app.db;
    let marks = read_mark::Entity::delete_many().filter(read_mark::Column::DialogueId.eq(id));
    assert_eq!(marks.exec(db.write()).await.expect("it is gone").rows_affected, 1);
    let list = "{ dialogues(filter: { unreadOnly: true }) { nodes { id } } }";
    let listed: Vec<Value> = employee.api.run(list, Value::Null).await.get("dialogues.nodes");
    assert_eq!(listed.len(), 3);
    assert!(!listed.contains(&json!({ "id": oldest })));
}
