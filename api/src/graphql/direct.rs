//! Objects of which there are hundreds in an answer, and what little each of their fields should cost.
//!
//! async-graphql makes a future of each field, puts it on the heap, and joins all of an object's. Where nothing has to be
//! read any more, which is so for all that a page of the list brings along, that was a third of the answer's time.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{self, Poll};

use async_graphql::indexmap::IndexMap;
use async_graphql::indexmap::map::Entry;
use async_graphql::parser::types::{Field, Selection, SelectionSet};
use async_graphql::registry::Registry;
use async_graphql::{ContainerType, ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value};
use futures_util::future::{BoxFuture, try_join_all};

/// An object whose fields are resolved where they stand, one after the other; those that wait for something are joined.
///
/// What is asked in a way that this does not know (of an interface, with a directive, the same object twice) is
/// resolved as async-graphql does it. Extensions of a schema would not see its fields; ours has none.
#[derive(Clone, Debug)]
pub struct Direct<T>(pub T);

impl<T: ContainerType> OutputType for Direct<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn introspection_type_name(&self) -> Cow<'static, str> {
        self.0.introspection_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        // One place on the heap for the whole object: what contains it stays small.
        Box::pin(resolve(&self.0, ctx, field)).await
    }
}

async fn resolve<T: ContainerType>(
    object: &T,
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
) -> ServerResult<Value> {
    let selected = &ctx.item.node;
    let mut answer = Answer { ctx, fields: IndexMap::with_capacity(selected.items.len()), waiting: Vec::new() };
    let name = T::type_name();
    let is_known = object.introspection_type_name() == name
        && poll_fn(|task| Poll::Ready(answer.add(task, object, &name, selected))).await?;
    if !is_known {
        return object.resolve(ctx, field).await;
    }
    let Answer { mut fields, waiting, .. } = answer;
    if !waiting.is_empty() {
        for (key, value) in try_join_all(waiting).await? {
            fields.insert(key, value);
        }
    }
    Ok(Value::Object(fields))
}

/// An object's fields, as far as they are there.
struct Answer<'a> {
    ctx: &'a ContextSelectionSet<'a>,
    /// In the order in which they are asked for; of what is waited for the place alone.
    fields: IndexMap<Name, Value>,
    waiting: Vec<BoxFuture<'a, ServerResult<(Name, Value)>>>,
}

impl<'a> Answer<'a> {
    /// Adds what is selected of the object; false where that is not for here.
    fn add<T: ContainerType>(
        &mut self,
        task: &mut task::Context<'_>,
        object: &'a T,
        name: &str,
        selected: &'a SelectionSet,
    ) -> ServerResult<bool> {
        for selection in &selected.items {
            let (condition, inner) = match &selection.node {
                Selection::Field(field) => {
                    if !self.field(task, object, name, field)? {
                        return Ok(false);
                    }
                    continue;
                }
                Selection::InlineFragment(fragment) => (&fragment.node.type_condition, &fragment.node.selection_set),
                Selection::FragmentSpread(spread) => {
                    let fragments = &self.ctx.query_env.fragments;
                    let Some(fragment) = fragments.get(&spread.node.fragment_name.node) else { return Ok(false) };
                    let fragment = &fragment.node;
                    if fragment.type_condition.node.on.node != name {
                        return Ok(false);
                    }
                    (&None, &fragment.selection_set)
                }
            };
            let is_meant = condition.as_ref().is_none_or(|condition| condition.node.on.node == name);
            if !is_meant || !self.add(task, object, name, &inner.node)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn field<T: ContainerType>(
        &mut self,
        task: &mut task::Context<'_>,
        object: &'a T,
        name: &str,
        field: &'a Positioned<Field>,
    ) -> ServerResult<bool> {
        if !field.node.directives.is_empty() {
            return Ok(false);
        }
        let key = &field.node.response_key().node;
        let is_leaf = field.node.selection_set.node.items.is_empty();
        let place = match self.fields.entry(key.clone()) {
            Entry::Vacant(place) => place,
            // The same by another fragment; of objects the selections would have to be merged.
            Entry::Occupied(_) => return Ok(is_leaf),
        };
        if field.node.name.node == "__typename" {
            place.insert(Value::String(name.to_owned()));
            return Ok(true);
        }
        let ctx = self.ctx;
        let resolving = async move { object.resolve_field(&ctx.with_field(field)).await };
        if is_leaf {
            // Made anew in the rare case that it waits: what is polled here cannot be moved.
            if let Poll::Ready(value) = pin!(resolving).poll(task) {
                place.insert(value?.unwrap_or_default());
                return Ok(true);
            }
        }
        let mut resolving: BoxFuture<'a, ServerResult<Value>> = Box::pin(async move {
            let value = object.resolve_field(&ctx.with_field(field)).await?;
            Ok(value.unwrap_or_default())
        });
        place.insert(match resolving.as_mut().poll(task) {
            Poll::Ready(value) => value?,
            Poll::Pending => {
                let key = key.clone();
                self.waiting.push(Box::pin(async move { Ok((key, resolving.await?)) }));
                Value::Null
            }
        });
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
