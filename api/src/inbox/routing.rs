//! Routing: who of a channel's queue gets the next dialogue. Strictly in turn, whatever the number of processes.

use colloquy_entity::*;
use sea_orm::sea_query::LockType;
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::db::Tx;
use crate::error::Result;

use super::participants;

/// The next active manager of the queue, who has had their turn with this; none where the queue has nobody.
///
/// The channel's row is locked until the commit: turns follow one another as commits do.
pub(super) async fn next(tx: &Tx<'_>, channel: ChannelId) -> Result<Option<UserId>> {
    if queue(&**tx, channel).await?.is_empty() {
        return Ok(None);
    }
    let Some(row) = channel::Entity::find_by_id(channel).lock(LockType::NoKeyUpdate).one(&**tx).await? else {
        return Ok(None);
    };
    // Read again under the lock: the queue may have been changed meanwhile.
    let queue = queue(&**tx, channel).await?;
    let last = queue.iter().position(|user| Some(*user) == row.last_given_to);
    let first = last.map_or(0, |place| place + 1);
    for turn in 0..queue.len() {
        let user = queue[(first + turn) % queue.len()];
        let active = participants::lock_user(tx, user).await?.is_some_and(|user| user.is_active);
        if active {
            let mut row: channel::ActiveModel = row.into();
            row.last_given_to = Set(Some(user));
            row.update(&**tx).await?;
            return Ok(Some(user));
        }
    }
    Ok(None)
}

/// The managers of a channel's queue, in turn, deactivated ones included.
pub async fn queue(db: &impl ConnectionTrait, channel: ChannelId) -> Result<Vec<UserId>> {
    Ok(queues(db, &[channel]).await?.into_iter().map(|(_, user)| user).collect())
}

/// Those of several channels.
pub async fn queues(db: &impl ConnectionTrait, channels: &[ChannelId]) -> Result<Vec<(ChannelId, UserId)>> {
    Ok(queue_member::Entity::find()
        .select_only()
        .columns([queue_member::Column::ChannelId, queue_member::Column::UserId])
        .filter(queue_member::Column::ChannelId.is_in(channels.iter().copied()))
        .order_by_asc(queue_member::Column::Ordinal)
        .into_tuple()
        .all(db)
        .await?)
}

/// Who counts as the last given to once the queue is another: they themselves, or where they left it, the one before
/// them who stayed, so that the turn goes on where it was.
pub(super) fn carry_turn(old: &[UserId], new: &[UserId], last: Option<UserId>) -> Option<UserId> {
    let last = last?;
    let place = match old.iter().position(|user| *user == last) {
        Some(place) => place,
        None => return new.contains(&last).then_some(last),
    };
    (0..old.len()).map(|back| old[(place + old.len() - back) % old.len()]).find(|user| new.contains(user))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_turn_goes_on_after_whoever_had_it_last() {
        let [a, b, c, d] = [(); 4].map(|()| UserId::new());
        assert_eq!(carry_turn(&[a, b, c], &[d, c, b], Some(b)), Some(b), "b stayed");
        assert_eq!(carry_turn(&[a, b, c], &[a, c], Some(b)), Some(a), "b left: c is next, who follows a");
        assert_eq!(carry_turn(&[a, b, c], &[b, c], Some(a)), Some(c), "a left: b is next, who follows c");
        assert_eq!(carry_turn(&[a, b], &[c, d], Some(b)), None, "nobody stayed: from the first");
        assert_eq!(carry_turn(&[a, b], &[b, a], None), None, "nobody had a turn yet");
    }
}
