//! What a document comes to once its fragments are spread, counted without spreading them.

use std::collections::HashMap;

use super::{Limits, Refused, shown};
use async_graphql::{
    Name, Positioned, Value, Variables,
    parser::types::{
        Directive, ExecutableDocument, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
    },
};

/// Sizes of a selection set with its fragments spread. Sums saturate: an overflow is far over any limit.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    pub fields: u64,
    pub aliases: u64,
    /// Fields at the top of the set, the ones inside of fragments included.
    pub roots: u64,
    /// The longest path of fields below one another.
    pub depth: usize,
    /// The longest path of selection sets below one another, those of fragments included: what bounds the recursion of
    /// whoever walks the document.
    pub levels: usize,
    pub cost: u64,
    /// Fields whose answers are the viewer's own.
    pub own: u64,
    /// Whether `nodes` or `edges` stand at the top of the set: then it is of a connection.
    pub is_page: bool,
}

impl Size {
    fn add(&mut self, other: Size) {
        self.fields = self.fields.saturating_add(other.fields);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.roots = self.roots.saturating_add(other.roots);
        self.depth = self.depth.max(other.depth);
        self.levels = self.levels.max(other.levels);
        self.cost = self.cost.saturating_add(other.cost);
        self.own = self.own.saturating_add(other.own);
        self.is_page |= other.is_page;
    }
}

enum Fragment {
    /// On the path that is being walked: meeting it again is a cycle.
    Open,
    Measured(Size),
}

pub(super) struct Measure<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &'a Variables,
    /// The operation that is going to run, for its variables' defaults.
    operation: &'a OperationDefinition,
    limits: &'a Limits,
    known: HashMap<&'a str, Fragment>,
}

impl<'a> Measure<'a> {
    pub fn new(
        document: &'a ExecutableDocument,
        operation: &'a OperationDefinition,
        variables: &'a Variables,
        limits: &'a Limits,
    ) -> Self {
        Self { fragments: &document.fragments, variables, operation, limits, known: HashMap::new() }
    }

    pub fn operation(&mut self, operation: &'a OperationDefinition) -> Result<Size, Refused> {
        self.directives(&operation.directives)?;
        for variable in &operation.variable_definitions {
            self.directives(&variable.node.directives)?;
        }
        self.set(&operation.selection_set.node, 0)
    }

    /// Measures a fragment, also one that no operation spreads: validation walks these as well.
    ///
    /// One that is not defined is refused here: counted as nothing, it would let a bomb of empty spreads pass.
    pub fn fragment(&mut self, name: &'a str, level: usize) -> Result<Size, Refused> {
        match self.known.get(name) {
            Some(Fragment::Measured(size)) => return Ok(*size),
            Some(Fragment::Open) => {
                return Err(Refused::bad_input(format!("The fragment \"{}\" spreads itself.", shown(name))));
            }
            None => {}
        }
        let Some(fragment) = self.fragments.get(name) else {
            return Err(Refused::bad_input(format!("Unknown fragment \"{}\".", shown(name))));
        };
        self.known.insert(name, Fragment::Open);
        self.directives(&fragment.node.directives)?;
        let size = self.set(&fragment.node.selection_set.node, level)?;
        self.known.insert(name, Fragment::Measured(size));
        Ok(size)
    }

    /// `level` is how deep the walk itself stands, so that its own recursion is bounded, too.
    fn set(&mut self, set: &'a SelectionSet, level: usize) -> Result<Size, Refused> {
        if level > self.limits.nesting {
            return Err(self.too_nested());
        }
        let mut total = Size::default();
        for selection in &set.items {
            self.directives(selection.node.directives())?;
            total.add(match &selection.node {
                Selection::Field(field) => self.field(&field.node, level)?,
                Selection::InlineFragment(fragment) => deeper(self.set(&fragment.node.selection_set.node, level + 1)?),
                Selection::FragmentSpread(spread) => deeper(self.fragment(&spread.node.fragment_name.node, level + 1)?),
            });
        }
        if level + total.levels > self.limits.nesting {
            return Err(self.too_nested());
        }
        Ok(total)
    }

    fn field(&mut self, field: &'a Field, level: usize) -> Result<Size, Refused> {
        let mut size = if field.selection_set.node.items.is_empty() {
            Size::default()
        } else {
            deeper(self.set(&field.selection_set.node, level + 1)?)
        };
        size.fields = size.fields.saturating_add(1);
        size.aliases = size.aliases.saturating_add(u64::from(field.alias.is_some()));
        size.roots = 1;
        size.own = size.own.saturating_add(u64::from(self.limits.own.contains(&field.name.node.as_str())));
        size.depth += 1;
        size.cost = size.cost.saturating_mul(self.times(field, size.is_page)).saturating_add(1);
        size.is_page = matches!(field.name.node.as_str(), "nodes" | "edges");
        Ok(size)
    }

    /// How many times a field's children are resolved: what its page size says; without one the usual page of a
    /// connection, and of other lists what the table says.
    ///
    /// A size that the API refuses counts as the largest that it takes: the resolver's own error says more than ours.
    fn times(&self, field: &Field, is_page: bool) -> u64 {
        let sizes = ["first", "last"].into_iter().filter_map(|name| {
            let value = field.get_argument(name)?.node.clone();
            // A variable that is nowhere to be found is left out: null.
            self.size(value.into_const_with(|name| Ok::<_, ()>(self.variable(&name))).ok()?)
        });
        let listed = || self.limits.lists.get(field.name.node.as_str()).copied();
        let page = || is_page.then_some(self.limits.usual);
        sizes.max().or_else(|| self.named(field)).or_else(page).or_else(listed).unwrap_or(1).max(1)
    }

    /// How many ids a field asks for by name. What is no list counts as one; the resolver refuses it in its own words.
    fn named(&self, field: &Field) -> Option<u64> {
        let length = |ids: usize| u64::try_from(ids).unwrap_or(u64::MAX);
        let given = |name: Name| match self.variables.get(&name) {
            Some(Value::List(ids)) => Value::Number(length(ids.len()).into()),
            _ => Value::Null,
        };
        let ids = field.get_argument("ids")?.node.clone();
        match ids.into_const_with(|name| Ok::<_, ()>(given(name))).ok()? {
            Value::List(ids) => Some(length(ids.len())),
            Value::Number(count) => count.as_u64(),
            _ => Some(1),
        }
    }

    /// A page size as a number; nothing where it is null.
    fn size(&self, value: Value) -> Option<u64> {
        match value {
            Value::Null => None,
            Value::Number(number) => Some(number.as_u64().map_or(self.limits.page, |size| size.min(self.limits.page))),
            _ => Some(self.limits.page),
        }
    }

    fn variable(&self, name: &Name) -> Value {
        let given = self.variables.get(name);
        let default = || {
            let definition = self.operation.variable_definitions.iter().find(|found| found.node.name.node == *name)?;
            Some(&definition.node.default_value.as_ref()?.node)
        };
        match given.or_else(default) {
            None | Some(Value::Null) => Value::Null,
            Some(Value::Number(number)) => Value::Number(number.clone()),
            // What it is does not matter, and to copy a long list for every field would.
            Some(_) => Value::Boolean(true),
        }
    }

    fn directives(&self, directives: &[Positioned<Directive>]) -> Result<(), Refused> {
        if directives.len() <= self.limits.directives {
            return Ok(());
        }
        Err(Refused::too_complex(format!("More than {} directives stand in one place.", self.limits.directives)))
    }

    fn too_nested(&self) -> Refused {
        let limit = self.limits.nesting;
        Refused::too_complex(format!("Selections and fragments nest deeper than {limit} levels."))
    }
}

/// One selection set further down.
fn deeper(size: Size) -> Size {
    Size { levels: size.levels + 1, ..size }
}
