//! Pages: one way to check what was asked for, and one way to cut what was found.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use colloquy_entity::{ClientId, CommentId, ContractorId, DealId, Id, ProjectId, TaskId, UserId};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::log::Cursor;

/// Of one page.
pub const LARGEST: i32 = 100;
/// Without `first` and `last`.
pub const USUAL: i32 = 50;

/// What a connection field was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PageArgs {
    /// So many from the start, or after `after`.
    pub first: Option<i32>,
    /// Only what comes after this cursor.
    pub after: Option<String>,
    /// So many from the end, or before `before`.
    pub last: Option<i32>,
    /// Only what comes before this cursor.
    pub before: Option<String>,
}

/// What stands in a cursor: enough to go on in the list's order without counting.
pub trait Key: Sized {
    /// The opaque text.
    fn encode(&self) -> String;
    /// Reads it; nothing where it is not one of these.
    fn decode(text: &str) -> Option<Self>;
}

/// What was asked for, checked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Window<K> {
    /// So many.
    pub size: u64,
    /// From the end.
    pub backward: bool,
    /// Only later ones.
    pub after: Option<K>,
    /// Only earlier ones.
    pub before: Option<K>,
}

impl PageArgs {
    /// Checks the sizes and reads the cursors.
    pub fn window<K: Key>(&self) -> Result<Window<K>> {
        let size = |field: &str, size: i32| match size {
            1..=LARGEST => Ok(size.unsigned_abs().into()),
            _ => Err(Error::bad(field, format!("`{field}` must be 1 to {LARGEST}"))),
        };
        let (size, backward) = match (self.first, self.last) {
            (Some(_), Some(_)) => return Err(Error::bad("last", "Give `first` or `last`, not both")),
            (None, Some(last)) => (size("last", last)?, true),
            (first, None) => (size("first", first.unwrap_or(USUAL))?, false),
        };
        let read = |field: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => K::decode(text)
                .map(Some)
                .ok_or_else(|| Error::bad(field, format!("`{field}` is no cursor of this list"))),
        };
        Ok(Window { size, backward, after: read("after", &self.after)?, before: read("before", &self.before)? })
    }
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// In the list's order.
    pub items: Vec<T>,
    /// Whether there is more after it.
    pub has_next: bool,
    /// Whether there is more before it.
    pub has_previous: bool,
}

impl<T> Page<T> {
    /// From up to `size + 1` rows, read in the window's direction.
    pub fn cut<K>(mut rows: Vec<T>, window: &Window<K>) -> Self {
        let size = usize::try_from(window.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        if window.backward {
            rows.reverse();
            Self { items: rows, has_next: window.before.is_some(), has_previous: more }
        } else {
            Self { items: rows, has_next: more, has_previous: window.after.is_some() }
        }
    }

    /// The page of an empty list.
    pub fn empty(args: &PageArgs) -> Self {
        let backward = args.first.is_none() && args.last.is_some();
        Self {
            items: Vec::new(),
            has_next: backward && args.before.is_some(),
            has_previous: !backward && args.after.is_some(),
        }
    }

    /// The same page of something else.
    pub fn map<U>(self, change: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(change).collect(),
            has_next: self.has_next,
            has_previous: self.has_previous,
        }
    }
}

/// Of a cursor.
pub(crate) fn pack(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a cursor, where it has so many.
pub(crate) fn unpack<const N: usize>(text: &str) -> Option<[u8; N]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// Lists in the order in which things were made. A cursor tells of what: one list does not take another's.
macro_rules! by_id {
    ($($id:ty),+) => {$(
        impl Key for $id {
            fn encode(&self) -> String {
                URL_SAFE_NO_PAD.encode([<$id>::PREFIX.as_bytes(), self.0.as_bytes()].concat())
            }

            fn decode(text: &str) -> Option<Self> {
                let bytes: [u8; 19] = unpack(text)?;
                let bare = bytes.strip_prefix(<$id>::PREFIX.as_bytes())?;
                Some(Self(Uuid::from_slice(bare).ok()?))
            }
        }
    )+};
}

by_id!(ClientId, CommentId, ContractorId, DealId, ProjectId, TaskId, UserId);

/// Lists by a number of their own: a dialogue's messages.
impl Key for i64 {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.to_be_bytes())
    }

    fn decode(text: &str) -> Option<Self> {
        unpack(text).map(Self::from_be_bytes)
    }
}

/// The log.
impl Key for Cursor {
    fn encode(&self) -> String {
        Self::encode(*self)
    }

    fn decode(text: &str) -> Option<Self> {
        Self::decode(text)
    }
}
