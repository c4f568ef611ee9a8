//! Documents that were let through lately, as they were parsed: programs and pages send the same few all day, and parsing
//! takes as long as the database does for a small answer.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use async_graphql::parser::types::{ExecutableDocument, OperationType};
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

    /// Keeps a document that was within bounds; of mutations none, in which a password or a token may be written.
    pub(super) fn keep(&self, text: &str, document: &ExecutableDocument) {
        let reads = document.operations.iter().all(|(_, operation)| operation.node.ty != OperationType::Mutation);
        if reads && text.len() <= LARGEST {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).put(text.to_owned(), document.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn kept(parsed: &Parsed, text: &str) -> bool {
        parsed.keep(text, &parse_query(text).expect("a document"));
        parsed.get(text).is_some()
    }

    #[test]
    fn what_is_short_and_changes_nothing_is_kept() {
        let parsed = Parsed::default();
        assert!(kept(&parsed, "{ me { id } }"));
        assert!(kept(&parsed, "subscription { events { cursor } }"));
        assert!(!kept(&parsed, "mutation { signIn(input: { email: \"a\", password: \"secret\" }) { user { id } } }"));
        assert!(!kept(&parsed, "query A { me { id } } mutation B { signOut }"));
        assert!(!kept(&parsed, &format!("{{ me {{ id {} }} }}", "name ".repeat(LARGEST / 5))));
    }

    #[test]
    fn those_that_came_last_are_kept() {
        let parsed = Parsed::default();
        let text = |number: usize| format!("{{ a{number}: me {{ id }} }}");
        for number in 0..=KEPT.get() {
            assert!(kept(&parsed, &text(number)));
        }
        assert!(parsed.get(&text(0)).is_none());
        assert!(parsed.get(&text(1)).is_some());
    }
}
