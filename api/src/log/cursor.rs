//! A place in the log, as clients keep it: the position, and the mark of the event that stands there.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Event;

/// Everything up to this event has been had.
///
/// The mark is random and stored with the event. After a restored backup gave the position away anew, an old cursor is
/// told by it and refused, instead of skipping silently what it has never had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The event's place; 0 before the first.
    pub position: i64,
    /// The event's mark; 0 before the first.
    pub mark: i32,
}

impl Cursor {
    /// Before all events.
    pub const START: Self = Self { position: 0, mark: 0 };

    /// The opaque text. The length is fixed: 12 bytes.
    pub fn encode(self) -> String {
        let mut bytes = [0; 12];
        bytes[..8].copy_from_slice(&self.position.to_be_bytes());
        bytes[8..].copy_from_slice(&self.mark.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads what [`Cursor::encode`] made, and nothing else.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes: [u8; 12] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let position = i64::from_be_bytes(bytes[..8].try_into().ok()?);
        let mark = i32::from_be_bytes(bytes[8..].try_into().ok()?);
        (position > 0 || (position == 0 && mark == 0)).then_some(Self { position, mark })
    }
}

impl From<&Event> for Cursor {
    fn from(event: &Event) -> Self {
        Self { position: event.position, mark: event.mark }
    }
}
