//! How lines are written: NDJSON, and CSV as RFC 4180 has it.

use std::borrow::Cow;
use std::fmt::Display;

use colloquy_entity::Time;
use serde::Serialize;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::inbox::rfc3339;

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object a line.
    Ndjson,
    /// A header, and then a record a line; a text may have lines of its own.
    Csv,
}

impl Format {
    /// As it is written, and the end of a file's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
        }
    }

    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8; header=present",
        }
    }

    pub(super) fn read(text: &str) -> Result<Self> {
        let known = [Self::Ndjson, Self::Csv].into_iter().find(|format| format.as_str() == text);
        known.ok_or_else(|| Error::bad("format", "This is `ndjson` or `csv`"))
    }
}

/// What stands in a column.
pub(super) enum Cell<'a> {
    Nothing,
    /// Ids, times and words of ours.
    Plain(String),
    Number(i64),
    Flag(bool),
    /// What people wrote, clients among them.
    Written(Cow<'a, str>),
    Plains(Vec<String>),
    /// None of them has a line break.
    Writtens(Vec<String>),
    Value(Value),
}

impl<'a> Cell<'a> {
    pub(super) fn plain(what: impl Display) -> Self {
        Self::Plain(what.to_string())
    }

    pub(super) fn plains(all: impl IntoIterator<Item = impl Display>) -> Self {
        Self::Plains(all.into_iter().map(|one| one.to_string()).collect())
    }

    pub(super) fn time(time: Time) -> Self {
        Self::Plain(rfc3339(time))
    }

    pub(super) fn written(text: &'a str) -> Self {
        Self::Written(Cow::Borrowed(text))
    }
}

impl<'a> From<Option<Cell<'a>>> for Cell<'a> {
    fn from(cell: Option<Cell<'a>>) -> Self {
        cell.unwrap_or(Self::Nothing)
    }
}

/// The columns of a record and what stands in them, each named once.
macro_rules! record {
    ($(#[$doc:meta])* fn $cells:ident($($given:ident: $kind:ty),*) { $($column:literal => $cell:expr,)* }) => {
        pub(super) const COLUMNS: &[&str] = &[$($column),*];

        $(#[$doc])*
        fn $cells<'a>($($given: &'a $kind),*) -> Vec<Cell<'a>> {
            vec![$(Cell::from($cell)),*]
        }
    };
}
pub(super) use record;

/// Lines, written.
pub(super) struct Lines {
    format: Format,
    bytes: Vec<u8>,
}

impl Lines {
    pub(super) fn new(format: Format) -> Self {
        Self { format, bytes: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn header(&mut self, columns: &[&str]) {
        if self.format == Format::Csv {
            self.bytes.extend_from_slice(columns.join(",").as_bytes());
            self.bytes.extend_from_slice(b"\r\n");
        }
    }

    pub(super) fn line(&mut self, columns: &[&str], cells: &[Cell<'_>]) -> Result<()> {
        match self.format {
            Format::Ndjson => self.object(columns, cells),
            Format::Csv => self.record(cells),
        }
    }

    fn object(&mut self, columns: &[&str], cells: &[Cell<'_>]) -> Result<()> {
        for (place, (column, cell)) in columns.iter().zip(cells).enumerate() {
            self.bytes.push(if place == 0 { b'{' } else { b',' });
            self.json(column)?;
            self.bytes.push(b':');
            match cell {
                Cell::Nothing => self.json(&())?,
                Cell::Plain(text) => self.json(text)?,
                Cell::Number(number) => self.json(number)?,
                Cell::Flag(flag) => self.json(flag)?,
                Cell::Written(text) => self.json(text)?,
                Cell::Plains(all) | Cell::Writtens(all) => self.json(all)?,
                Cell::Value(value) => self.json(value)?,
            }
        }
        self.bytes.extend_from_slice(b"}\n");
        Ok(())
    }

    fn json(&mut self, what: &(impl Serialize + ?Sized)) -> Result<()> {
        Ok(serde_json::to_writer(&mut self.bytes, what)?)
    }

    fn record(&mut self, cells: &[Cell<'_>]) -> Result<()> {
        for (place, cell) in cells.iter().enumerate() {
            if place > 0 {
                self.bytes.push(b',');
            }
            match cell {
                Cell::Nothing => {}
                Cell::Plain(text) => self.field(text),
                Cell::Number(number) => self.field(&number.to_string()),
                Cell::Flag(flag) => self.field(if *flag { "true" } else { "false" }),
                Cell::Written(text) => self.field(&harmless(text)),
                Cell::Plains(all) => self.field(&all.join("\n")),
                Cell::Writtens(all) => self.field(&harmless(&all.join("\n"))),
                Cell::Value(Value::Array(all)) if all.is_empty() => {}
                Cell::Value(value) => self.field(&serde_json::to_string(value)?),
            }
        }
        self.bytes.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn field(&mut self, text: &str) {
        let is_bare = !text.contains(['"', ',', ';', '\r', '\n']) && text.trim() == text;
        if is_bare {
            self.bytes.extend_from_slice(text.as_bytes());
            return;
        }
        self.bytes.push(b'"');
        self.bytes.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        self.bytes.push(b'"');
    }
}

/// A text that no spreadsheet takes for a formula: in front of one that would be stands a `'`. One `'` more stands, too,
/// where some do already, so that taking the first off gives what was written, always.
fn harmless(text: &str) -> Cow<'_, str> {
    let is_formula = text
        .trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    if is_formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(cells: &[Cell<'_>]) -> String {
        let mut lines = Lines::new(Format::Csv);
        lines.line(&[], cells).expect("it is written");
        String::from_utf8(lines.into_bytes()).expect("UTF-8")
    }

    #[test]
    fn a_record_is_quoted_as_rfc_4180_has_it() {
        let cells = [
            Cell::written("plain"),
            Cell::written("a,b"),
            Cell::written("a;b"),
            Cell::written("он сказал \"да\""),
            Cell::written("one\r\ntwo"),
            Cell::written(" spaced "),
            Cell::Nothing,
            Cell::Number(-5),
            Cell::Flag(true),
            Cell::Writtens(vec!["a".into(), "б; в".into()]),
            Cell::Value(serde_json::json!([{ "a": "b" }])),
            Cell::Value(serde_json::json!([])),
        ];
        let written = "plain,\"a,b\",\"a;b\",\"он сказал \"\"да\"\"\",\"one\r\ntwo\",\" spaced \",,-5,true,\
                       \"a\nб; в\",\"[{\"\"a\"\":\"\"b\"\"}]\",\r\n";
        assert_eq!(csv(&cells), written);
    }

    #[test]
    fn a_formula_is_none_and_can_be_had_back() {
        for (text, written) in [
            ("=1+1", "'=1+1"),
            ("+7 916", "'+7 916"),
            ("-", "'-"),
            ("@all", "'@all"),
            ("\t=1", "'\t=1"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("'=1", "''=1"),
            ("'tis", "'tis"),
            ("1-1=0", "1-1=0"),
        ] {
            assert_eq!(csv(&[Cell::written(text)]).trim_end_matches("\r\n"), written);
        }
        assert_eq!(csv(&[Cell::Writtens(vec!["=a".into(), "b".into()])]), "\"'=a\nb\"\r\n");
        assert_eq!(csv(&[Cell::plain("-5")]), "-5\r\n");
    }
}
