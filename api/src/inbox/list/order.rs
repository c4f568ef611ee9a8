//! By what a list of dialogues is ordered, and a place in it.

use colloquy_entity::*;
use uuid::Uuid;

use crate::paging::{self, Key};

/// By what a list is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrderBy {
    /// The last message, opening, closing or reopening.
    LastActivity,
    /// The last opening.
    Opened,
    /// The closing; open ones count as closed at the beginning of time.
    Closed,
}

impl OrderBy {
    /// What it goes by.
    pub(super) fn column(self) -> dialogue::Column {
        match self {
            Self::LastActivity => dialogue::Column::LastActivityAt,
            Self::Opened => dialogue::Column::OpenedAt,
            Self::Closed => dialogue::Column::ClosedOrder,
        }
    }

    /// The place of a dialogue in this order: what its cursor holds.
    pub fn key(self, dialogue: &dialogue::Model) -> Place {
        let moment = match self {
            Self::LastActivity => dialogue.last_activity_at.0,
            Self::Opened => dialogue.opened_at.0,
            Self::Closed => dialogue.closed_order.0,
        };
        Place { by: self, moment, id: dialogue.id.0 }
    }

    const ALL: [(Self, u8); 3] = [(Self::LastActivity, b'a'), (Self::Opened, b'o'), (Self::Closed, b'c')];
}

/// Where a dialogue stands in a list that is ordered so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub(super) by: OrderBy,
    pub(super) moment: i64,
    pub(super) id: Uuid,
}

impl Key for Place {
    fn encode(&self) -> String {
        let by = OrderBy::ALL.into_iter().filter(|(by, _)| *by == self.by).map(|(_, letter)| letter);
        let bytes = by.chain(self.moment.to_be_bytes()).chain(*self.id.as_bytes());
        paging::pack(&bytes.collect::<Vec<_>>())
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes: [u8; 25] = paging::unpack(text)?;
        let (by, _) = OrderBy::ALL.into_iter().find(|(_, letter)| *letter == bytes[0])?;
        let (moment, id) = bytes[1..].split_at(8);
        Some(Self { by, moment: i64::from_be_bytes(moment.try_into().ok()?), id: Uuid::from_slice(id).ok()? })
    }
}
