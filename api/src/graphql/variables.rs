//! Where the variables of a document stand.

use std::collections::HashSet;

use async_graphql::Positioned;
use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};
use async_graphql_value::Value;

/// The names of variables that stand below the fields at the top, or in a fragment or directive anywhere.
pub(super) fn used_below_the_top(document: &ExecutableDocument) -> HashSet<&str> {
    let mut used = HashSet::new();
    for (_, operation) in document.operations.iter() {
        for selection in &operation.node.selection_set.node.items {
            match &selection.node {
                Selection::Field(field) => {
                    from_directives(&field.node.directives, &mut used);
                    from_set(&field.node.selection_set.node, &mut used);
                }
                Selection::InlineFragment(fragment) => from_set(&fragment.node.selection_set.node, &mut used),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    for fragment in document.fragments.values() {
        from_set(&fragment.node.selection_set.node, &mut used);
    }
    used
}

fn from_set<'a>(set: &'a SelectionSet, used: &mut HashSet<&'a str>) {
    for selection in &set.items {
        from_directives(selection.node.directives(), used);
        match &selection.node {
            Selection::Field(field) => {
                for (_, value) in &field.node.arguments {
                    from_value(&value.node, used);
                }
                from_set(&field.node.selection_set.node, used);
            }
            Selection::InlineFragment(fragment) => from_set(&fragment.node.selection_set.node, used),
            Selection::FragmentSpread(_) => {}
        }
    }
}

fn from_directives<'a>(directives: &'a [Positioned<Directive>], used: &mut HashSet<&'a str>) {
    for (_, value) in directives.iter().flat_map(|directive| &directive.node.arguments) {
        from_value(&value.node, used);
    }
}

fn from_value<'a>(value: &'a Value, used: &mut HashSet<&'a str>) {
    match value {
        Value::Variable(name) => {
            used.insert(name.as_str());
        }
        Value::List(items) => items.iter().for_each(|item| from_value(item, used)),
        Value::Object(fields) => fields.values().for_each(|field| from_value(field, used)),
        _ => {}
    }
}
