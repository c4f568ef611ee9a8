//! Deals: sales in work.

use colloquy_entity::*;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use crate::db::Tx;
use crate::error::Result;
use crate::log::{Entry, Kind};

use super::text;

/// Longest title, in characters.
const LONGEST_TITLE: usize = 256;

/// A deal in the channel's funnel, first stage, linked to the new dialogue and its contractor; none without a funnel.
pub(super) async fn for_dialogue(
    tx: &mut Tx<'_>,
    channel: &channel::Model,
    client: &client::Model,
    dialogue: &dialogue::Model,
) -> Result<()> {
    let Some(funnel) = channel.funnel_id else { return Ok(()) };
    let first = stage::Entity::find()
        .filter(stage::Column::FunnelId.eq(funnel))
        .order_by_asc(stage::Column::Ordinal)
        .one(&**tx)
        .await?;
    let Some(first) = first else { return Ok(()) };
    let title: String = format!("{} — {}", client.name, channel.name).chars().take(LONGEST_TITLE).collect();
    let deal = deal::Model {
        id: DealId::new(),
        lookup: text::lookup([&title]),
        title,
        funnel_id: funnel,
        stage_id: first.id,
        amount: None,
        currency: None,
        contractor_id: client.contractor_id,
        responsible_id: None,
        created_at: tx.now,
    };
    deal::Entity::insert(deal.clone().into_active_model().reset_all()).exec_without_returning(&**tx).await?;
    let link =
        dialogue_deal::ActiveModel { dialogue_id: Set(dialogue.id), deal_id: Set(deal.id), linked_at: Set(tx.now) };
    dialogue_deal::Entity::insert(link).exec_without_returning(&**tx).await?;
    let created = Entry::of(Kind::DealCreated, None, dialogue).about(deal.id.0);
    let created = deal.contractor_id.map(|id| id.0).into_iter().fold(created, Entry::about);
    tx.emit(created.with(|detail| detail.card = Some(deal.id.0)));
    Ok(())
}
