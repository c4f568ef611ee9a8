//! What must hold of a document before async-graphql sees it: that it is small enough to parse and cheap enough to run.
//!
//! The library's parser aborts the process on 5,000 nested lists, and its validation hangs on a few fragments that spread
//! one another; both happen before its own limits are looked at, and to anybody who can reach the door. So every door
//! (HTTP, WebSocket, SSE) calls [`Guard::admit`] first.

mod absent;
mod measure;
mod parsed;
mod scan;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, fmt};

use async_graphql::{
    Name, Pos, Positioned, Request, Response, ServerError, Value as ConstValue,
    parser::{
        self, parse_query,
        types::{DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet},
    },
};

use measure::Measure;
use parsed::Parsed;

/// How large a request may be. All are counted after fragments are spread, except what is said to be of the document.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of the document.
    pub bytes: usize,
    /// Names, literals and punctuation marks of the document.
    pub tokens: usize,
    /// Brackets inside of one another in the document, and selection sets below one another.
    pub nesting: usize,
    /// Operations in the document, of which one runs but all are validated.
    pub operations: usize,
    /// Directives in one place.
    pub directives: usize,
    /// Fields below one another. The introspection query of graphql-js comes to 15.
    pub depth: usize,
    /// Fields of all the document's operations, each counted once.
    pub fields: u64,
    pub aliases: u64,
    /// Fields at the top of the operation.
    pub roots: u64,
    /// What the operation may cost: 1 for a field, and for its children as many times as the field has items.
    pub cost: u64,
    /// The largest page that the API serves; `first` and `last` count as no more than this.
    pub page: u64,
    /// The page that the API serves without `first` and `last`.
    pub usual: u64,
    /// Fields whose answers are the viewer's own, and so cannot be shared.
    pub own: &'static [&'static str],
    /// How many items a list that is no connection has most often, by its name; 1 where it is not named here.
    pub lists: HashMap<&'static str, u64>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 64 * 1024,
            tokens: 5_000,
            nesting: 32,
            operations: 50,
            directives: 8,
            depth: 15,
            fields: 10_000,
            aliases: 500,
            roots: 100,
            cost: 50_000,
            page: 100,
            usual: 50,
            own: &[],
            lists: HashMap::new(),
        }
    }
}

/// What a door needs to know of the operation that is going to run.
#[derive(Clone, Debug)]
pub struct Operation {
    pub kind: OperationType,
    pub name: Option<String>,
    /// Names, not aliases, of the fields at the top, in the document's order and as often as they stand there, fragments
    /// spread.
    pub roots: Vec<Name>,
    pub fields: u64,
    pub depth: usize,
    pub cost: u64,
    /// How many of its fields are the viewer's own.
    pub own: u64,
}

/// Why a document is not run.
#[derive(Clone, Debug)]
pub struct Refused {
    reason: Reason,
    message: String,
    locations: Vec<Pos>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Does not parse, its fragments go in a circle, or it does not say which operation to run.
    BadInput,
    /// Over one of the [`Limits`].
    TooComplex,
}

impl Reason {
    /// The `extensions.code` of the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::BadInput => "BAD_USER_INPUT",
            Self::TooComplex => "QUERY_TOO_COMPLEX",
        }
    }
}

impl Refused {
    fn bad_input(message: impl Into<String>) -> Self {
        Self { reason: Reason::BadInput, message: message.into(), locations: Vec::new() }
    }

    fn too_complex(message: impl Into<String>) -> Self {
        Self { reason: Reason::TooComplex, message: message.into(), locations: Vec::new() }
    }

    pub fn reason(&self) -> Reason {
        self.reason
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

impl From<parser::Error> for Refused {
    fn from(error: parser::Error) -> Self {
        let locations: Vec<Pos> = error.positions().collect();
        let message = match &error {
            // The parser's words show the whole line, which may be all of the document; what it expected comes last.
            parser::Error::Syntax { message, start, .. } => {
                let expected = message.rsplit("= ").next().unwrap_or_default().trim();
                format!("Syntax error at line {}, column {}: {expected}", start.line, start.column)
            }
            parser::Error::RecursionLimitExceeded => return Self::too_complex("The document nests too deep."),
            other => format!("Syntax error: {other}."),
        };
        Self { reason: Reason::BadInput, message, locations }
    }
}

impl From<Refused> for ServerError {
    fn from(refused: Refused) -> Self {
        let mut error = ServerError::new(refused.message, None);
        error.locations = refused.locations;
        error.extensions.get_or_insert_default().set("code", refused.reason.code());
        error
    }
}

impl From<Refused> for Response {
    fn from(refused: Refused) -> Self {
        Response::from_errors(vec![refused.into()])
    }
}

/// Keeps the documents of one schema within bounds.
pub struct Guard {
    limits: Limits,
    parsed: Parsed,
}

impl Guard {
    /// Within these.
    pub fn new(limits: Limits) -> Self {
        Self { limits, parsed: Parsed::default() }
    }

    /// Parses a request's document within bounds, and tells what it asks for.
    ///
    /// The request that comes back carries the parsed document, so that it is not parsed again; an empty `operationName`,
    /// which some clients send for none, is taken away.
    ///
    /// # Errors
    ///
    /// [`Refused`], with the reason in words and the code that the client gets.
    pub fn admit(&self, mut request: Request) -> Result<(Request, Operation), Refused> {
        let limits = &self.limits;
        if request.query.len() > limits.bytes {
            return Err(Refused::too_complex(format!("The document is larger than {} bytes.", limits.bytes)));
        }
        if request.query.trim().is_empty() {
            return Err(Refused::bad_input("There is no document: `query` is empty."));
        }
        request.operation_name = request.operation_name.filter(|name| !name.is_empty());
        let known = self.parsed.get(&request.query);
        let is_known = known.is_some();
        let mut document = match known {
            Some(document) => document,
            None => {
                scan::scan(&request.query, limits)?;
                parse_query(&request.query)?
            }
        };
        // Anew each time: what an operation costs depends on its variables.
        let operation = measured(&document, &request, limits)?;
        if !is_known {
            self.parsed.keep(&request.query, &document);
        }
        absent::leave_out(&mut document, &request.variables);
        request.set_parsed_query(document);
        Ok((request, operation))
    }
}

fn measured(document: &ExecutableDocument, request: &Request, limits: &Limits) -> Result<Operation, Refused> {
    if document.operations.iter().len() > limits.operations {
        return Err(Refused::too_complex(format!("The document has more than {} operations.", limits.operations)));
    }
    let (name, chosen) = choose(&document.operations, request.operation_name.as_deref())?;
    for variable in &chosen.variable_definitions {
        let (name, ty) = (&variable.node.name.node, &variable.node.var_type.node);
        let given = request.variables.get(name).is_some_and(|value| *value != ConstValue::Null);
        if !given && !ty.nullable && variable.node.default_value.is_none() {
            return Err(Refused::bad_input(format!("The variable \"${}\" of type \"{ty}\" is required.", shown(name))));
        }
    }
    let mut measure = Measure::new(document, chosen, &request.variables, limits);
    for name in document.fragments.keys() {
        measure.fragment(name, 0)?;
    }
    let mut fields = 0_u64;
    for (_, operation) in document.operations.iter() {
        fields = fields.saturating_add(measure.operation(&operation.node)?.fields);
    }
    within(fields, limits.fields, "fields")?;
    let size = measure.operation(chosen)?;
    within(size.aliases, limits.aliases, "aliases")?;
    within(size.roots, limits.roots, "fields at the top")?;
    if size.depth > limits.depth {
        return Err(Refused::too_complex(format!(
            "The operation is {} fields deep; {} are allowed.",
            size.depth, limits.depth
        )));
    }
    if size.cost > limits.cost {
        let advice = "ask for smaller pages or fewer fields";
        return Err(Refused::too_complex(format!(
            "The operation costs {}; {} is allowed: {advice}.",
            size.cost, limits.cost
        )));
    }
    let mut roots = Vec::new();
    collect_roots(document, &chosen.selection_set.node, &mut roots);
    if chosen.ty == OperationType::Subscription && roots.len() != 1 {
        return Err(Refused::bad_input(
            "A subscription has one field at the top; follow others in subscriptions of their own.",
        ));
    }
    let name = name.map(ToString::to_string);
    Ok(Operation {
        kind: chosen.ty,
        name,
        roots,
        fields: size.fields,
        depth: size.depth,
        cost: size.cost,
        own: size.own,
    })
}

fn within(count: u64, limit: u64, what: &str) -> Result<(), Refused> {
    if count <= limit {
        return Ok(());
    }
    Err(Refused::too_complex(format!("The document has more than {limit} {what}, counted with its fragments spread.")))
}

/// The operation that runs: <https://spec.graphql.org/October2021/#GetOperation()>.
fn choose<'a>(
    operations: &'a DocumentOperations,
    wanted: Option<&str>,
) -> Result<(Option<&'a Name>, &'a OperationDefinition), Refused> {
    let mut candidates =
        operations.iter().filter(|(name, _)| wanted.is_none_or(|wanted| name.is_some_and(|name| name == wanted)));
    match (candidates.next(), candidates.next(), wanted) {
        (Some((name, operation)), None, _) => Ok((name, &operation.node)),
        (_, _, Some(wanted)) => {
            Err(Refused::bad_input(format!("The document has no operation named \"{}\".", shown(wanted))))
        }
        _ => Err(Refused::bad_input("The document has several operations: `operationName` must say which to run.")),
    }
}

/// The beginning of a name that the client made up, for a message.
fn shown(name: &str) -> String {
    name.chars().take(80).collect()
}

/// The walk is short: fields at the top were counted before, and every spread brings at least one.
fn collect_roots(document: &ExecutableDocument, set: &SelectionSet, roots: &mut Vec<Name>) {
    for Positioned { node: selection, .. } in &set.items {
        match selection {
            Selection::Field(field) => roots.push(field.node.name.node.clone()),
            Selection::InlineFragment(fragment) => collect_roots(document, &fragment.node.selection_set.node, roots),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                    collect_roots(document, &fragment.node.selection_set.node, roots);
                }
            }
        }
    }
}
