//! CSV: what NDJSON says, as RFC 4180 has it, and nothing in it that a spreadsheet would run.

use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::story::stories;
use crate::harness::world::World;

use super::{Archive, QUESTION, ask, export, lines, written};

stories!(World: csv_says_what_ndjson_says, csv_holds_no_formula);

/// The records of a CSV text, read strictly.
fn records(text: &str) -> Vec<Vec<String>> {
    let mut letters = text.chars().peekable();
    let (mut records, mut record) = (Vec::new(), Vec::new());
    while letters.peek().is_some() {
        let mut field = String::new();
        if letters.next_if_eq(&'"').is_some() {
            loop {
                match letters.next().expect("a quote is closed") {
                    '"' if letters.next_if_eq(&'"').is_some() => field.push('"'),
                    '"' => break,
                    letter => field.push(letter),
                }
            }
        } else {
            while let Some(letter) = letters.next_if(|letter| !matches!(letter, ',' | '\r')) {
                assert!(!matches!(letter, '"' | '\n'), "a bare field in {text}");
                field.push(letter);
            }
        }
        record.push(field);
        match letters.next() {
            Some(',') => {}
            Some('\r') => {
                assert_eq!(letters.next(), Some('\n'));
                records.push(std::mem::take(&mut record));
            }
            other => panic!("{other:?} after a field"),
        }
    }
    assert!(record.is_empty(), "the last record ends, too");
    records
}

/// How a value stands in a cell; a formula's `'` is not told.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(all) if all.iter().all(Value::is_string) => {
            all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    }
}

const DANGEROUS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// What was written, from what a cell has.
fn undone(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if cell.trim_start_matches('\'').starts_with(DANGEROUS) => rest,
        _ => cell,
    }
}

async fn csv_says_what_ndjson_says(world: World) {
    Archive::fill(&world).await;
    let api = &world.admin.api;
    for what in ["messages", "dialogues", "events"] {
        let told = export(api, &[("what", what)]).await;
        let (status, text) = ask(api, &[("what", what), ("format", "csv")]).await;
        assert_eq!(status, StatusCode::OK);
        let mut records = records(&text).into_iter();
        let columns = records.next().expect("a header");
        let keys: Vec<_> = told[0].as_object().expect("an object").keys().collect();
        let mut sorted: Vec<_> = columns.iter().collect();
        sorted.sort();
        assert_eq!(sorted, keys, "the same fields");
        assert_eq!(records.len(), told.len());
        for (record, line) in records.zip(&told) {
            assert_eq!(record.len(), columns.len());
            for (column, found) in columns.iter().zip(&record) {
                assert_eq!(undone(found), cell(&line[column]), "{column} of {line:#}");
            }
        }
        // Each part of it is CSV by itself.
        let last = told.last().expect("a line")["cursor"].as_str().expect("a cursor").to_owned();
        let (_, rest) = ask(api, &[("what", what), ("format", "csv"), ("after", &last)]).await;
        assert_eq!(rest, format!("{}\r\n", columns.join(",")));
    }
    let (_, text) = ask(api, &[("format", "csv")]).await;
    assert!(text.contains(&QUESTION.replace('"', "\"\"")), "quoted, with its lines as they are: {text}");
    let written = written(&world, &["--format", "csv", "--what", "dialogues"]).await;
    assert_eq!(written, ask(api, &[("format", "csv"), ("what", "dialogues")]).await.1);
    assert!(lines("").is_empty());
}

async fn csv_holds_no_formula(world: World) {
    Archive::fill(&world).await;
    let api = &world.admin.api;
    let mut guarded = 0;
    for what in ["messages", "dialogues", "events"] {
        let (_, text) = ask(api, &[("what", what), ("format", "csv")]).await;
        for field in records(&text).iter().flatten() {
            assert!(!field.starts_with(DANGEROUS), "{field} of {what}");
            guarded += usize::from(field.starts_with("'=") || field.starts_with("'+") || field.starts_with("'-"));
        }
    }
    assert!(guarded >= 5, "formulas of clients, of channels and of tags, and a phone number");
}
