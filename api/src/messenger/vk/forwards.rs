//! Forwarded messages: VK sends them whole inside the message that forwards them, nested and many.

use serde_json::Value;

use super::attachments::Gathered;
use super::page;
use super::read::{int_of, str_of};
use crate::messenger::{Part, sanitize};

/// VK nests 45 deep: dev.vk.com/en/reference/objects/message.
const DEPTH: usize = 45;
/// Of up to 500 so many are written out.
const MESSAGES: usize = 100;
/// And so many characters of their texts.
const CHARACTERS: usize = 20_000;
/// Files that one message may bring in all.
const PARTS: usize = 50;

/// What was forwarded.
pub struct Forwarded {
    /// The pages of those who wrote it, the outermost alone.
    pub from: String,
    /// Who wrote what, each line behind as many `>` as it was forwarded times.
    pub text: String,
}

/// What is in `fwd_messages`, if anything; files join `parts`.
pub fn read(messages: &Value, parts: &mut Vec<Part>) -> Option<Forwarded> {
    let messages = messages.as_array().filter(|messages| !messages.is_empty())?;
    let mut from: Vec<String> = Vec::new();
    for writer in messages.iter().map(writer) {
        if !from.contains(&writer) {
            from.push(writer);
        }
    }
    let mut writing = Writing { lines: Vec::new(), messages: MESSAGES, characters: CHARACTERS, is_cut: false, parts };
    writing.all(messages, 1);
    if writing.is_cut {
        writing.lines.push("> …".to_owned());
    }
    Some(Forwarded { from: sanitize::line(&from.join(", "), sanitize::NAME), text: writing.lines.join("\n") })
}

struct Writing<'a> {
    lines: Vec<String>,
    /// What is left of the bounds.
    messages: usize,
    characters: usize,
    /// Whether something was left out.
    is_cut: bool,
    parts: &'a mut Vec<Part>,
}

impl Writing<'_> {
    fn all(&mut self, messages: &[Value], depth: usize) {
        for message in messages {
            if self.messages == 0 || self.characters == 0 || depth > DEPTH {
                self.is_cut = true;
                return;
            }
            self.messages -= 1;
            self.one(message, depth);
            if let Some(inner) = message["fwd_messages"].as_array() {
                self.all(inner, depth + 1);
            }
        }
    }

    fn one(&mut self, message: &Value, depth: usize) {
        let text = str_of(message, "text").or_else(|| str_of(message, "body")).unwrap_or_default();
        let text = sanitize::text(text).into_owned();
        let mut gathered = Gathered::beside(&text);
        gathered.take_all(&message["attachments"]);
        let room = PARTS.saturating_sub(self.parts.len());
        self.parts.extend(gathered.parts.into_iter().take(room));
        let quote = "> ".repeat(depth);
        self.lines.push(format!("{quote}{}:", writer(message)));
        for line in text.lines().chain(gathered.lines.iter().map(String::as_str)) {
            let cut: String = line.chars().take(self.characters).collect();
            self.is_cut |= cut.len() < line.len();
            self.characters -= cut.chars().count();
            self.lines.push(format!("{quote}{cut}"));
        }
    }
}

/// Events tell no names: who wrote is the page.
fn writer(message: &Value) -> String {
    match int_of(message, "from_id").or_else(|| int_of(message, "user_id")) {
        Some(id) if id != 0 => page(id),
        _ => "VK".to_owned(),
    }
}
