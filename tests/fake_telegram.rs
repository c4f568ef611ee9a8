//! A pretend Telegram for trying colloquy out without an account: `cargo run -p colloquy --example fake-telegram -- 8081`.
//!
//! What colloquy sends is printed; what a client is to write is typed in.

use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

#[path = "harness"]
mod harness {
    #[expect(dead_code, reason = "the stories use the rest")]
    pub mod telegram;
}

use harness::telegram::{Call, FakeTelegram};

/// Who writes a text that is typed in: the client of most recorded payloads.
const CLIENT: i64 = 5_000_000_101;

const HELP: &str = "Type what a client writes to the bot that was called last, or TOKEN and a text, or TOKEN and the \
    path of an update (tests/fixtures/telegram/payloads/01-text.json).";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).unwrap_or_else(|| "8081".into());
    let port: u16 = port.parse().map_err(|_| format!("{port} is no port"))?;
    let fake = FakeTelegram::open(TcpListener::bind(("127.0.0.1", port)).await?);
    println!("A pretend Telegram listens: TELEGRAM_API_URL={}", fake.url());
    println!("{HELP}");
    tokio::spawn(print(fake.clone()));
    let mut lines = lines();
    while let Some(line) = lines.recv().await {
        match deliver(&fake, line.trim()).await {
            Ok(outcome) => println!("{outcome}"),
            Err(words) => println!("{words}"),
        }
    }
    // Nothing more will be typed; colloquy may still send.
    Ok(tokio::signal::ctrl_c().await?)
}

/// The lines of standard input.
fn lines() -> mpsc::UnboundedReceiver<String> {
    let (typed, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if typed.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Every message that colloquy sends, as it comes.
async fn print(fake: FakeTelegram) {
    for n in 0.. {
        let Call { method, chat_id, text, caption, file, .. } = fake.message(n).await;
        let chat = chat_id.unwrap_or_default();
        let file = file.map(|file| format!(" [{}, {} bytes]", file.name, file.bytes.len())).unwrap_or_default();
        println!("{method} to {chat}: {}{file}", text.or(caption).unwrap_or_default());
    }
}

/// Posts one update to the webhook, or keeps it for `getUpdates` where there is none.
async fn deliver(fake: &FakeTelegram, line: &str) -> Result<String, String> {
    if line.is_empty() {
        return Err(HELP.into());
    }
    let (token, what) = match line.split_once(' ') {
        Some((first, rest)) if is_token(first) => (first.to_owned(), rest.trim()),
        _ => (fake.last_called().ok_or("No bot is known yet: connect one with connectChannel")?, line),
    };
    if !fake.knows(&token) {
        return Err(format!("No bot with the token {token} is known yet: connect it with connectChannel"));
    }
    let update = if what.ends_with(".json") { read(Path::new(what))? } else { written(what) };
    if fake.webhook(&token).is_none() {
        fake.push(&token, update);
        return Ok("kept until colloquy polls for it: the bot has no webhook".into());
    }
    let posted = fake.try_deliver(&token, &update).await;
    posted.map(|status| format!("delivered: {status}")).map_err(|error| format!("not delivered: {error}"))
}

fn is_token(word: &str) -> bool {
    word.split_once(':').is_some_and(|(id, secret)| id.parse::<i64>().is_ok() && !secret.is_empty())
}

fn read(path: &Path) -> Result<Value, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// The update of a text. Its ids are the time, so that they are new after a restart as well.
fn written(text: &str) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let person =
        json!({ "id": CLIENT, "first_name": "Анна", "last_name": "Примерова", "username": "anna_primer_test" });
    let (mut from, mut chat) = (person.clone(), person);
    from["is_bot"] = false.into();
    chat["type"] = "private".into();
    let id = now.as_millis() as u64 / 100 % 1_000_000_000;
    json!({ "update_id": id, "message": {
        "message_id": id,
        "date": now.as_secs(),
        "from": from,
        "chat": chat,
        "text": text,
    } })
}
