//! Documents that were let through lately, as they were parsed: programs and pages send the same few all day, and parsing
//! takes as long as the database does for a small answer.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use async_graphql::parser::types::ExecutableDocument;
use lru::LruCache;

/// So many are kept.
const KEPT: NonZeroUsize = NonZeroUsize::new(64).unwrap();
/// Larger documents are parsed each time, in bytes: what is kept is a hundred times as large as its text at worst.
const LARGEST: usize = 4 * 1024;

/// The documents, by their text.
pub(super) struct Parsed(Mutex<LruCache<String, ExecutableDocument>>);

impl Default for Parsed {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(KEPT)))
    }
}

impl Parsed {
    /// The document of this text, where it was kept.
    pub(super) fn get(&self, text: &str) -> Option<ExecutableDocument> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(text).cloned()
    }

    /// Keeps a document that was within bounds.
    pub(super) fn keep(&self, text: &str, document: &ExecutableDocument) {
        if text.len() <= LARGEST {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).put(text.to_owned(), document.clone());
        }
    }
}
