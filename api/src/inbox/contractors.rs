//! Contractors: the customer cards that clients belong to.

use colloquy_entity::*;
use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};

use crate::db::Tx;
use crate::error::Result;
use crate::log::{Entry, Kind};

use super::text;

/// A contractor for a client who has none, made with their first dialogue.
pub(super) async fn for_client(
    tx: &mut Tx<'_>,
    client: &mut client::Model,
    dialogue: &dialogue::Model,
    phone: Option<String>,
) -> Result<()> {
    if client.contractor_id.is_some() {
        return Ok(());
    }
    let phone = phone.or_else(|| client.phone.clone());
    let contractor = contractor::Model {
        id: ContractorId::new(),
        kind: ContractorKind::Person,
        name: client.name.clone(),
        lookup: text::lookup([&client.name, phone.as_deref().unwrap_or_default()]),
        phone,
        email: None,
        note: None,
        created_at: tx.now,
    };
    contractor::Entity::insert(contractor.clone().into_active_model().reset_all())
        .exec_without_returning(&**tx)
        .await?;
    client.contractor_id = Some(contractor.id);
    let row =
        client::ActiveModel { id: Set(client.id), contractor_id: Set(client.contractor_id), ..Default::default() };
    row.update_without_returning(&**tx).await?;
    let linked = Entry::of(Kind::ContractorLinked, None, dialogue).about(contractor.id.0).about(client.id.0);
    tx.emit(linked.with(|detail| {
        detail.card = Some(contractor.id.0);
        detail.client = Some(client.id);
    }));
    Ok(())
}
