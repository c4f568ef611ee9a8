//! VK against its recorded events and answers, and against odd ones.

mod answers;
mod odd;
mod payloads;
mod polls;

use std::path::Path;

use colloquy_sandbox::vk::FakeVk;
use serde_json::Value;

use super::Vk;
use crate::messenger::web::Web;
use crate::messenger::{Outgoing, Secret, http_client};

const GROUP: i64 = 200_000_001;
const ANNA: i64 = 700_000_101;
const TOKEN: &str = "vk1.a.secret-part";

/// A community of a pretend VK to which Anna has written once.
async fn community() -> (FakeVk, Vk) {
    let fake = FakeVk::start().await;
    fake.community(GROUP, TOKEN, "Shop");
    fake.says(GROUP, ANNA, "Hello");
    let vk = at(fake.url());
    (fake, vk)
}

fn at(url: &str) -> Vk {
    Vk::new(http_client().unwrap(), Web::new(&[]).unwrap(), url, GROUP, Secret::new(TOKEN)).unwrap()
}

fn text(text: &str) -> Outgoing {
    Outgoing {
        to: ANNA.to_string(),
        text: text.to_owned(),
        reply_to: None,
        files: Vec::new(),
        sender: "Shop".to_owned(),
        repeat_key: 1,
    }
}

/// The recorded events, with their names.
fn payloads() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/vk/payloads");
    let mut all: Vec<(String, Value)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap())
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(all.len() >= 39, "the payloads are there");
    all
}

fn payload(name: &str) -> Value {
    payloads().into_iter().find(|(of, _)| of == name).unwrap().1
}
