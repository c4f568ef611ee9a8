//! The counters written down, and taken up again where the log leads on from them.

use std::collections::BTreeMap;
use std::sync::Arc;

use colloquy_entity::*;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use crate::error::Result;
use crate::log::Seen;

use super::super::list::Counter;
use super::ledger::{self, Ledger};
use super::standing::Owner;

/// Rows in one statement: SQLite takes 32,766 values.
const ROWS: usize = 1_000;

/// As of this snapshot what is written down of these users, or of the latest so many; of whom it leads too far, nothing.
pub(super) async fn read(tx: &DatabaseTransaction, users: Option<&[UserId]>, most: usize) -> Result<Ledger> {
    let mut query = counter::Entity::find();
    if let Some(users) = users {
        query = query.filter(counter::Column::UserId.is_in(users.iter().copied()));
    }
    let rows = query.order_by_desc(counter::Column::Position).limit(most as u64).all(tx).await?;
    let staff = Arc::new(ledger::staff(tx).await?);
    // Most were written down together, and are moved on together.
    let mut together: BTreeMap<(i64, Vec<i64>), Vec<counter::Model>> = BTreeMap::new();
    for row in rows {
        let ahead = serde_json::from_value(row.ahead.clone())?;
        together.entry((row.position, ahead)).or_default().push(row);
    }
    let mut all = Ledger::new(Seen::by(tx).await?);
    for ((position, ahead), rows) in together {
        let mut ledger = Ledger::new(Seen::at(position, ahead));
        for row in rows {
            let Some(employee) = staff.get(&row.user_id).filter(|employee| employee.is_active) else { continue };
            ledger.account_of(Owner::new(row.user_id, employee), numbers(&row));
        }
        if let Some(moved) = ledger.moved(tx).await? {
            all.join(moved);
        }
    }
    all.staff = Some(staff);
    Ok(all)
}

/// Writes all of it down; what another process has written down later stays.
pub(super) async fn write(db: &impl ConnectionTrait, ledger: &Ledger) -> Result<()> {
    let (position, ahead) = ledger.seen.parts();
    let ahead = serde_json::to_value(ahead)?;
    let mut users: Vec<UserId> = ledger.accounts.keys().copied().collect();
    // In one order: two processes that write at once do not wait for each other.
    users.sort_unstable();
    let rows: Vec<counter::ActiveModel> = users
        .into_iter()
        .filter_map(|user_id| {
            let [mine, unassigned, others, closed] = ledger.numbers(user_id)?;
            Some(counter::ActiveModel {
                user_id: Set(user_id),
                position: Set(position),
                ahead: Set(ahead.clone()),
                mine: Set(mine.count),
                mine_unread: Set(mine.unread),
                unassigned: Set(unassigned.count),
                unassigned_unread: Set(unassigned.unread),
                others: Set(others.count),
                others_unread: Set(others.unread),
                closed: Set(closed.count),
                closed_unread: Set(closed.unread),
            })
        })
        .collect();
    let columns = {
        use counter::Column::*;
        [Position, Ahead, Mine, MineUnread, Unassigned, UnassignedUnread, Others, OthersUnread, Closed, ClosedUnread]
    };
    for rows in rows.chunks(ROWS) {
        let is_later = Expr::col((counter::Entity, counter::Column::Position)).lt(position);
        let key =
            OnConflict::column(counter::Column::UserId).update_columns(columns).action_and_where(is_later).to_owned();
        counter::Entity::insert_many(rows.iter().cloned()).on_conflict(key).exec_without_returning(db).await?;
    }
    Ok(())
}

fn numbers(row: &counter::Model) -> [Counter; 4] {
    [
        Counter { count: row.mine, unread: row.mine_unread },
        Counter { count: row.unassigned, unread: row.unassigned_unread },
        Counter { count: row.others, unread: row.others_unread },
        Counter { count: row.closed, unread: row.closed_unread },
    ]
}
