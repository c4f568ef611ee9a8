//! A GraphQL schema as far as it matters to who calls it: read from its text, or from a server that tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{InputValueDefinition, TypeKind, TypeSystemDefinition};
use async_graphql::{Positioned, parser::types::FieldDefinition};
use serde_json::{Value, json};

use super::client::Api;

/// Types by name, without those that every schema has.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Shape(pub BTreeMap<String, Type>);

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Type {
    /// As `__TypeKind` names it
    pub kind: String,
    pub implements: BTreeSet<String>,
    /// Of a union, its types; of an enum, its values
    pub members: BTreeSet<String>,
    pub fields: BTreeMap<String, Field>,
    /// Of an input object
    pub inputs: BTreeMap<String, Input>,
    pub is_one_of: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// `[Dialogue!]!`
    pub of: String,
    pub arguments: BTreeMap<String, Input>,
}

impl Field {
    /// The type without lists and exclamation marks.
    pub fn named(&self) -> &str {
        self.of.trim_matches(['[', ']', '!'])
    }
}

/// An argument or a field of an input object.
#[derive(Debug, PartialEq, Eq)]
pub struct Input {
    pub of: String,
    pub default: Option<String>,
}

impl Input {
    pub fn is_required(&self) -> bool {
        self.of.ends_with('!') && self.default.is_none()
    }
}

const INTROSPECTION: &str = "{ __schema { types {
    kind name description isOneOf
    interfaces { name } possibleTypes { name }
    enumValues(includeDeprecated: true) { name description }
    fields(includeDeprecated: true) { name description type { ...Of } args { ...Input } }
    inputFields { ...Input }
} } }
fragment Input on __InputValue { name description defaultValue type { ...Of } }
fragment Of on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// What a server tells of its schema, and the places in it that have no description.
pub async fn served(api: &Api) -> (Shape, Vec<String>) {
    let answer = api.run(INTROSPECTION, json!({})).await;
    let mut bare = Vec::new();
    let mut shape = Shape::default();
    for told in answer.at("__schema.types").as_array().expect("a list of types") {
        let name = text(&told["name"]);
        if name.starts_with("__") || ["Int", "Float", "String", "Boolean", "ID"].contains(&name.as_str()) {
            continue;
        }
        let mut describe = |place: String, of: &Value| {
            if of["description"].as_str().is_none_or(|words| words.trim().is_empty()) {
                bare.push(place);
            }
        };
        describe(name.clone(), told);
        let kind = text(&told["kind"]);
        let names = |list: &Value| -> BTreeSet<String> { each(list).map(|one| text(&one["name"])).collect() };
        let mut read = Type { is_one_of: told["isOneOf"] == json!(true), ..Type::default() };
        match kind.as_str() {
            "UNION" => read.members = names(&told["possibleTypes"]),
            "ENUM" => read.members = names(&told["enumValues"]),
            _ => read.implements = names(&told["interfaces"]),
        }
        for value in each(&told["enumValues"]) {
            describe(format!("{name}.{}", text(&value["name"])), value);
        }
        for field in each(&told["fields"]) {
            let field_name = text(&field["name"]);
            describe(format!("{name}.{field_name}"), field);
            for argument in each(&field["args"]) {
                describe(format!("{name}.{field_name}({}:)", text(&argument["name"])), argument);
            }
            let arguments = each(&field["args"]).map(told_input).collect();
            read.fields.insert(field_name, Field { of: told_type(&field["type"]), arguments });
        }
        for input in each(&told["inputFields"]) {
            describe(format!("{name}.{}", text(&input["name"])), input);
            read.inputs.extend([told_input(input)]);
        }
        read.kind = kind;
        shape.0.insert(name, read);
    }
    (shape, bare)
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

fn told_type(of: &Value) -> String {
    match of["kind"].as_str() {
        Some("NON_NULL") => format!("{}!", told_type(&of["ofType"])),
        Some("LIST") => format!("[{}]", told_type(&of["ofType"])),
        _ => text(&of["name"]),
    }
}

fn told_input(input: &Value) -> (String, Input) {
    let default = input["defaultValue"].as_str().map(str::to_owned);
    (text(&input["name"]), Input { of: told_type(&input["type"]), default })
}

/// A schema's text. Fails the test when it does not parse.
pub fn written(sdl: &str) -> Shape {
    let document = parse_schema(sdl).unwrap_or_else(|error| panic!("a schema that does not parse: {error}"));
    let mut shape = Shape::default();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let definition = definition.node;
        let mut read = Type {
            is_one_of: definition.directives.iter().any(|directive| directive.node.name.node == "oneOf"),
            ..Type::default()
        };
        read.kind = match definition.kind {
            TypeKind::Scalar => "SCALAR",
            TypeKind::Object(object) => {
                read.implements = names(&object.implements);
                read.fields = fields(&object.fields);
                "OBJECT"
            }
            TypeKind::Interface(interface) => {
                read.implements = names(&interface.implements);
                read.fields = fields(&interface.fields);
                "INTERFACE"
            }
            TypeKind::Union(union) => {
                read.members = names(&union.members);
                "UNION"
            }
            TypeKind::Enum(values) => {
                read.members = values.values.iter().map(|value| value.node.value.node.to_string()).collect();
                "ENUM"
            }
            TypeKind::InputObject(input) => {
                read.inputs = input.fields.iter().map(|field| written_input(&field.node)).collect();
                "INPUT_OBJECT"
            }
        }
        .to_owned();
        shape.0.insert(definition.name.node.to_string(), read);
    }
    shape
}

fn names(all: &[Positioned<impl Display>]) -> BTreeSet<String> {
    all.iter().map(|name| name.node.to_string()).collect()
}

fn fields(all: &[Positioned<FieldDefinition>]) -> BTreeMap<String, Field> {
    let read = |field: &FieldDefinition| {
        let arguments = field.arguments.iter().map(|argument| written_input(&argument.node)).collect();
        (field.name.node.to_string(), Field { of: field.ty.node.to_string(), arguments })
    };
    all.iter().map(|field| read(&field.node)).collect()
}

fn written_input(input: &InputValueDefinition) -> (String, Input) {
    let default = input.default_value.as_ref().map(|value| value.node.to_string());
    (input.name.node.to_string(), Input { of: input.ty.node.to_string(), default })
}

/// What of the contract another schema does not hold: everything has to be there just so; more may be there, if it
/// breaks nobody.
pub fn broken(contract: &Shape, other: &Shape) -> Vec<String> {
    let mut broken = Vec::new();
    for (name, wanted) in &contract.0 {
        let Some(there) = other.0.get(name) else {
            broken.push(format!("type {name} is missing"));
            continue;
        };
        if wanted.kind != there.kind {
            broken.push(format!("{name} is of kind {} instead of {}", there.kind, wanted.kind));
        }
        broken.extend(
            wanted.implements.difference(&there.implements).map(|one| format!("{name} does not implement {one}")),
        );
        broken.extend(wanted.members.difference(&there.members).map(|one| format!("{name} has no {one}")));
        if wanted.is_one_of && !there.is_one_of {
            broken.push(format!("{name} is not @oneOf"));
        }
        for (field, wanted) in &wanted.fields {
            let place = format!("{name}.{field}");
            match there.fields.get(field) {
                None => broken.push(format!("{place} is missing")),
                Some(there) => {
                    if wanted.of != there.of {
                        broken.push(format!("{place} is {} instead of {}", there.of, wanted.of));
                    }
                    inputs_broken(&place, &wanted.arguments, &there.arguments, &mut broken);
                }
            }
        }
        inputs_broken(name, &wanted.inputs, &there.inputs, &mut broken);
    }
    broken
}

fn inputs_broken(
    place: &str,
    wanted: &BTreeMap<String, Input>,
    there: &BTreeMap<String, Input>,
    broken: &mut Vec<String>,
) {
    for (name, wanted) in wanted {
        match there.get(name) {
            None => broken.push(format!("{place}({name}:) is missing")),
            Some(there) => {
                if wanted.of != there.of {
                    broken.push(format!("{place}({name}:) is {} instead of {}", there.of, wanted.of));
                }
                if wanted.default.is_some() && wanted.default != there.default {
                    broken.push(format!("{place}({name}:) defaults to {:?}, not {:?}", there.default, wanted.default));
                }
            }
        }
    }
    let new = there.iter().filter(|(name, input)| input.is_required() && !wanted.contains_key(*name));
    broken.extend(new.map(|(name, _)| format!("{place}({name}:) is new and required")));
}
