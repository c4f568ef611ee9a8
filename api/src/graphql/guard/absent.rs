//! Variables that a request leaves out, left out of the document: an argument or input field that names one is absent, too.
//!
//! The library does so as it runs, but does not check the rest of such an argument before: a bad value beside it would be
//! found in the middle of a mutation.

use async_graphql::{
    Name, Positioned, Variables,
    parser::types::{DocumentOperations, ExecutableDocument, Selection, SelectionSet},
};
use async_graphql_value::Value;

/// Of a document with one operation: in one with several each may use the same fragments with other variables.
pub(super) fn leave_out(document: &mut ExecutableDocument, variables: &Variables) {
    let operation = match &mut document.operations {
        DocumentOperations::Single(operation) => operation,
        DocumentOperations::Multiple(operations) if operations.len() == 1 => match operations.values_mut().next() {
            Some(operation) => operation,
            None => return,
        },
        DocumentOperations::Multiple(_) => return,
    };
    let is_absent = |name: &Name, default: bool| !default && !variables.contains_key(name);
    let absent: Vec<Name> = operation
        .node
        .variable_definitions
        .iter()
        .filter(|variable| is_absent(&variable.node.name.node, variable.node.default_value.is_some()))
        .map(|variable| variable.node.name.node.clone())
        .collect();
    if absent.is_empty() {
        return;
    }
    // What a directive names stays: to leave it out would change what is selected.
    operation.node.variable_definitions.retain(|variable| !absent.contains(&variable.node.name.node));
    from_set(&mut operation.node.selection_set.node, &absent);
    for fragment in document.fragments.values_mut() {
        from_set(&mut fragment.node.selection_set.node, &absent);
    }
}

/// The walk is as deep as the document nests, which was bounded before.
fn from_set(set: &mut SelectionSet, absent: &[Name]) {
    for Positioned { node: selection, .. } in &mut set.items {
        match selection {
            Selection::Field(field) => {
                field.node.arguments.retain_mut(|(_, value)| keep(&mut value.node, absent));
                from_set(&mut field.node.selection_set.node, absent);
            }
            Selection::InlineFragment(fragment) => from_set(&mut fragment.node.selection_set.node, absent),
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// Whether a value is there at all.
fn keep(value: &mut Value, absent: &[Name]) -> bool {
    match value {
        Value::Variable(name) => !absent.contains(name),
        Value::Object(fields) => {
            fields.retain(|_, field| keep(field, absent));
            true
        }
        Value::List(items) => {
            for item in items {
                if !keep(item, absent) {
                    *item = Value::Null;
                }
            }
            true
        }
        _ => true,
    }
}
