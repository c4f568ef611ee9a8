//! Viber against the payloads in `tests/fixtures/viber` and the answers in `sandbox/responses/viber`.

mod answers;
mod odd;
mod server;
mod wire;

use std::path::{Path, PathBuf};

use serde_json::Value;

fn folder(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match name {
        "responses" => root.join("sandbox/responses/viber"),
        name => root.join("tests/fixtures/viber").join(name),
    }
}

fn bytes(of: &str, file: &str) -> Vec<u8> {
    let path = folder(of).join(file);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn fixture(of: &str, file: &str) -> Value {
    serde_json::from_slice(&bytes(of, file)).unwrap()
}

/// The names of all JSON files of a folder, in order.
fn names(of: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder(of))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".json") && name != "signatures.json")
        .collect();
    names.sort();
    assert!(!names.is_empty(), "no fixtures in {of}");
    names
}
