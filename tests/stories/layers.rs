//! The sources as design.md wants them: imports point one way, and files stay small.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Longest file that is still one thing to read.
const MOST_LINES: usize = 400;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every Rust source below `folder` of the repository: its path from there, and its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display())) {
            let path = entry.expect("an entry of the folder").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let name = path.strip_prefix(root().join(folder)).expect("below it").to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(&path).expect("a source file")));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no sources");
    found
}

/// A source without comments and without the text of strings, so that only code is looked at.
fn code(source: &str) -> String {
    let without_comments = source.lines().map(|line| match line.find("//") {
        Some(start) if line[..start].matches('"').count() % 2 == 0 => &line[..start],
        _ => line,
    });
    without_comments.collect::<Vec<_>>().join("\n").split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

/// The first words of all paths that begin with `start`, braces opened: of `crate::{db::Tx, log}` that is db and log.
fn heads<'a>(code: &'a str, start: &str) -> BTreeSet<&'a str> {
    let mut heads = BTreeSet::new();
    for (at, _) in code.match_indices(start) {
        if code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':') {
            continue;
        }
        let path = &code[at + start.len()..];
        let Some(list) = path.strip_prefix('{') else {
            heads.insert(word(path));
            continue;
        };
        let mut depth = 1;
        let mut fresh = true;
        for (index, letter) in list.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' if depth == 1 => break,
                '}' => depth -= 1,
                ',' if depth == 1 => fresh = true,
                letter if fresh && !letter.is_whitespace() => {
                    heads.insert(word(&list[index..]));
                    fresh = false;
                }
                _ => {}
            }
        }
    }
    heads
}

fn word(path: &str) -> &str {
    let end = path.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(path.len());
    &path[..end]
}

/// The module of api/src that a file is of: `inbox/tags.rs` is of inbox, `db.rs` of db.
fn module(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

/// Tests look at everything.
fn is_test(file: &str) -> bool {
    file.ends_with("tests.rs") || file.contains("/tests/")
}

/// The program's modules in the order of design.md, outermost first. One may use those that stand behind it, and what
/// stands in its own line where `true` says so.
const ORDER: &[(&[&str], bool)] = &[
    (&["main", "commands"], false),
    (&["serve", "sandbox"], false),
    (&["http"], false),
    (&["graphql", "live"], true),
    (&["inbox"], false),
    // What every function gets, made of all below; the inbox's own memory of failed sign-ins is part of it.
    (&["app"], false),
    (
        &[
            "messenger",
            "log",
            "bus",
            "db",
            "policy",
            "paging",
            "ranked",
            "viewer",
            "secrets",
            "metrics",
            "config",
            "error",
            "words",
        ],
        true,
    ),
];

/// Edges against the order that are meant, with the reason.
const MEANT: &[(&str, &str)] = &[
    // `App` holds what the inbox remembers of failed sign-ins.
    ("app", "inbox"),
];

#[test]
fn imports_point_one_way() {
    let place = |module: &str| ORDER.iter().position(|(line, _)| line.contains(&module));
    let mut wrong = Vec::new();
    for (file, source) in sources("api/src") {
        let from = module(&file);
        if from == "lib" || is_test(&file) {
            continue;
        }
        let Some(here) = place(from) else {
            wrong.push(format!("{file}: {from} has no place in the order of layers"));
            continue;
        };
        let code = code(&source);
        let start = if matches!(from, "main" | "commands") { "colloquy::" } else { "crate::" };
        for to in heads(&code, start) {
            let right = match place(to) {
                Some(there) => there > here || to == from || (there == here && ORDER[here].1),
                // A macro or type of the crate's root.
                None => !code.contains(&format!("{start}{to}::")),
            };
            if !right && !MEANT.contains(&(from, to)) {
                wrong.push(format!("{file} uses {to}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Which crates a module knows nothing of.
const STRANGERS: &[(&str, &[&str])] = &[
    ("inbox", &["axum", "async_graphql", "redis"]),
    ("graphql", &["sea_orm", "redis", "sqlx"]),
    ("http", &["sea_orm", "redis", "sqlx"]),
    ("live", &["sea_orm", "redis", "sqlx"]),
    ("messenger", &["sea_orm", "axum", "async_graphql", "redis", "sqlx"]),
    ("log", &["axum", "async_graphql", "redis"]),
    ("bus", &["sea_orm", "axum", "async_graphql"]),
    ("policy", &["axum", "async_graphql"]),
];

#[test]
fn each_layer_knows_its_own_libraries_only() {
    let mut wrong = Vec::new();
    for (file, source) in sources("api/src") {
        if is_test(&file) {
            continue;
        }
        let code = code(&source);
        for (_, strangers) in STRANGERS.iter().filter(|(of, _)| *of == module(&file)) {
            let known = strangers.iter().filter(|stranger| !heads_of(&code, stranger).is_empty());
            wrong.extend(known.map(|stranger| format!("{file} knows {stranger}")));
        }
    }
    for (file, source) in sources("entity/src").into_iter().chain(sources("migration/src")) {
        let known = ["axum", "async_graphql", "redis", "colloquy"]
            .into_iter()
            .filter(|one| !heads_of(&code(&source), one).is_empty());
        wrong.extend(known.map(|stranger| format!("{file} knows {stranger}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn heads_of(code: &str, library: &str) -> BTreeSet<String> {
    heads(code, &format!("{library}::")).into_iter().map(str::to_owned).collect()
}

#[test]
fn settings_are_read_in_one_place() {
    let readers: Vec<String> = sources("api/src")
        .into_iter()
        .filter(|(file, _)| !is_test(file) && !matches!(module(file), "config" | "main"))
        .filter(|(_, source)| ["env::var", "env::vars", "dotenvy"].iter().any(|word| code(source).contains(word)))
        .map(|(file, _)| file)
        .collect();
    assert!(readers.is_empty(), "besides config and main, the environment is read in {readers:?}");
}

#[test]
fn files_tell_their_purpose_and_stay_small() {
    let mut wrong = Vec::new();
    for folder in ["api", "entity", "migration", "sandbox", "tests"] {
        for (file, source) in sources(folder) {
            let lines = source.lines().count();
            if lines > MOST_LINES {
                wrong.push(format!("{folder}/{file} has {lines} lines: it asks to be two"));
            }
            if !source.starts_with("//!") {
                wrong.push(format!("{folder}/{file} does not begin with what it is for"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_reading_of_sources_finds_what_is_there() {
    let code = code(
        "use crate::{db::{Tx, Db}, log};\nuse crate::inbox; // crate::http\nlet x = \"crate::live\"; crate::bus::f();",
    );
    assert_eq!(heads(&code, "crate::").into_iter().collect::<Vec<_>>(), ["bus", "db", "inbox", "log"]);
    assert!(heads("colloquy_entity::user", "entity::").is_empty());
}
