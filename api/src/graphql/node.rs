//! Ids as the outside sees them.

use async_graphql::ID;
use colloquy_entity::Id;

/// Reads an id; nothing where it is malformed or of another kind: that is as what does not exist.
pub fn parse<I: Id>(id: &ID) -> Option<I> {
    I::parse(id).ok()
}

/// Those of the ids that are of this kind; the others match nothing.
pub fn parse_all<I: Id>(ids: &[ID]) -> Vec<I> {
    ids.iter().filter_map(parse).collect()
}

/// An id for the outside.
pub fn show(id: impl Id + std::fmt::Display) -> ID {
    ID(id.to_string())
}
