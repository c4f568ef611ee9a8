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
/// resolved as async-graphql does it. Extensions of a schema would not see its fields; ours has none. It wraps what is
/// owned: of a reference async-graphql does not tell which type an interface is of.
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
    let name = T::type_name();
    if object.introspection_type_name() != name || !is_known(ctx, &name, selected, &mut Vec::new()) {
        return object.resolve(ctx, field).await;
    }
    let mut answer = Answer { ctx, fields: IndexMap::with_capacity(selected.items.len()), waiting: Vec::new() };
    poll_fn(|task| Poll::Ready(answer.add(task, object, &name, selected))).await?;
    let Answer { mut fields, waiting, .. } = answer;
    if !waiting.is_empty() {
        for (key, value) in try_join_all(waiting).await? {
            fields.insert(key, value);
        }
    }
    Ok(Value::Object(fields))
}

/// Whether all that is selected of an object is for here, before anything of it is resolved: nothing is to be done twice.
fn is_known<'a>(
    ctx: &ContextSelectionSet<'a>,
    name: &str,
    selected: &'a SelectionSet,
    objects: &mut Vec<&'a Name>,
) -> bool {
    selected.items.iter().all(|selection| match &selection.node {
        Selection::Field(field) => {
            let field = &field.node;
            let is_leaf = field.selection_set.node.items.is_empty();
            // Of objects that are asked for twice, the selections would have to be merged.
            let key = &field.response_key().node;
            if !is_leaf && objects.contains(&key) {
                return false;
            }
            if !is_leaf {
                objects.push(key);
            }
            field.directives.is_empty()
        }
        selection => inner(ctx, selection).is_some_and(|(condition, inner)| {
            condition.is_none_or(|condition| condition == name) && is_known(ctx, name, inner, objects)
        }),
    })
}

/// What a fragment selects, and of which type.
fn inner<'a>(ctx: &ContextSelectionSet<'a>, selection: &'a Selection) -> Option<(Option<&'a Name>, &'a SelectionSet)> {
    match selection {
        Selection::Field(_) => None,
        Selection::InlineFragment(fragment) => {
            let fragment = &fragment.node;
            let condition = fragment.type_condition.as_ref().map(|condition| &condition.node.on.node);
            fragment.directives.is_empty().then_some((condition, &fragment.selection_set.node))
        }
        Selection::FragmentSpread(spread) => {
            let fragment = &ctx.query_env.fragments.get(&spread.node.fragment_name.node)?.node;
            let condition = Some(&fragment.type_condition.node.on.node);
            spread.node.directives.is_empty().then_some((condition, &fragment.selection_set.node))
        }
    }
}

/// An object's fields, as far as they are there.
struct Answer<'a> {
    ctx: &'a ContextSelectionSet<'a>,
    /// In the order in which they are asked for; of what is waited for the place alone.
    fields: IndexMap<Name, Value>,
    waiting: Vec<BoxFuture<'a, ServerResult<(Name, Value)>>>,
}

impl<'a> Answer<'a> {
    /// Adds what is selected of the object, which is known to be for here.
    fn add<T: ContainerType>(
        &mut self,
        task: &mut task::Context<'_>,
        object: &'a T,
        name: &str,
        selected: &'a SelectionSet,
    ) -> ServerResult<()> {
        for selection in &selected.items {
            match &selection.node {
                Selection::Field(field) => self.field(task, object, name, field)?,
                selection => {
                    if let Some((_, inner)) = inner(self.ctx, selection) {
                        self.add(task, object, name, inner)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn field<T: ContainerType>(
        &mut self,
        task: &mut task::Context<'_>,
        object: &'a T,
        name: &str,
        field: &'a Positioned<Field>,
    ) -> ServerResult<()> {
        let key = &field.node.response_key().node;
        let is_leaf = field.node.selection_set.node.items.is_empty();
        let place = match self.fields.entry(key.clone()) {
            Entry::Vacant(place) => place,
            // The same by another fragment.
            Entry::Occupied(_) => return Ok(()),
        };
        if field.node.name.node == "__typename" {
            place.insert(Value::String(name.to_owned()));
            return Ok(());
        }
        let ctx = self.ctx;
        let resolving = async move { object.resolve_field(&ctx.with_field(field)).await };
        if is_leaf {
            // Made anew in the rare case that it waits: what is polled here cannot be moved. What it asks the loaders for
            // then counts twice among all that an answer may ask.
            if let Poll::Ready(value) = pin!(resolving).poll(task) {
                place.insert(value?.unwrap_or_default());
                return Ok(());
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
        Ok(())
    }
}

#[cfg(test)]
mod tests;
