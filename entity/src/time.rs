//! One kind of time for both databases: whole milliseconds since 1970, in UTC.

use sea_orm::DeriveValueType;
use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
///
/// A plain number compares, indexes and prints alike on SQLite and PostgreSQL, and has just the precision that the
/// API promises. SQLite has no time type of its own and compares what drivers bind as text, wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, DeriveValueType)]
pub struct Time(pub i64);

impl Time {
    /// The moment now, by this machine's clock.
    pub fn now() -> Self {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// This moment and so many milliseconds more (fewer, when negative).
    #[must_use]
    pub fn plus(self, milliseconds: i64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }
}
