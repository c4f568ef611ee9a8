//! Telegram against the payloads in `tests/fixtures/telegram` and the answers in `sandbox/responses/telegram`.

mod answers;
mod odd;
mod payloads;
mod server;
mod wire;

use std::path::{Path, PathBuf};

use serde_json::Value;

fn fixtures(folder: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match folder {
        "responses" => root.join("sandbox/responses/telegram"),
        folder => root.join("tests/fixtures/telegram").join(folder),
    }
}

fn fixture(folder: &str, file: &str) -> Value {
    let path = fixtures(folder).join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// The names of all JSON files of a folder, in order.
fn names(folder: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(fixtures(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json"))
        .collect();
    names.sort();
    assert!(!names.is_empty(), "no fixtures in {folder}");
    names
}
