//! Texts that people give, checked; what text filters look into; how times are written.

use chrono::{DateTime, SecondsFormat, Utc};
use colloquy_entity::Time;
use sea_orm::ColumnTrait;
use sea_orm::sea_query::{Expr, ExprTrait, LikeExpr, SimpleExpr};

use crate::error::{Error, Result};

/// Longest name or title, in characters.
pub(super) const LONGEST_NAME: usize = 256;
/// Longest note, description or comment, in characters.
pub(super) const LONGEST_NOTE: usize = 10_000;

/// A name that can be shown: one line, not empty, not endless. Answers it without spaces around.
pub(super) fn name(field: &str, text: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::bad(field, "A name cannot be empty"));
    }
    if text.chars().count() > LONGEST_NAME {
        return Err(Error::bad(field, format!("A name can have {LONGEST_NAME} characters at most")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::bad(field, "A name cannot contain control characters"));
    }
    Ok(text.into())
}

/// An optional text of one line, such as a phone number; nothing where it is blank. Answers it without spaces around.
pub(super) fn line(field: &str, text: Option<&str>) -> Result<Option<String>> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > LONGEST_NAME {
        return Err(Error::bad(field, format!("This can have {LONGEST_NAME} characters at most")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::bad(field, "This cannot contain control characters"));
    }
    Ok(Some(text.into()))
}

/// A longer text: may have many lines; not endless, and without U+0000, which PostgreSQL does not take.
pub(super) fn note(field: &str, text: &str) -> Result<String> {
    if text.chars().count() > LONGEST_NOTE {
        return Err(Error::bad(field, format!("A text can have {LONGEST_NOTE} characters at most")));
    }
    if text.contains('\0') {
        return Err(Error::bad(field, "A text cannot contain the character U+0000"));
    }
    Ok(text.into())
}

/// An optional longer text; nothing where it is blank.
pub(super) fn optional_note(field: &str, text: Option<&str>) -> Result<Option<String>> {
    text.filter(|text| !text.trim().is_empty()).map(|text| note(field, text)).transpose()
}

/// What text filters look into: lower case, Ё as Е, a line for each part.
pub(super) fn lookup<'a>(parts: impl IntoIterator<Item = &'a (impl AsRef<str> + ?Sized + 'a)>) -> String {
    parts.into_iter().map(|part| fold(part.as_ref())).collect::<Vec<_>>().join("\n")
}

/// As two texts are compared that differ only in case or in Ё.
pub(super) fn fold(text: &str) -> String {
    text.trim().to_lowercase().replace('ё', "е")
}

/// RFC 3339 of a time, in UTC and to the millisecond; times out of its range are cut to it.
pub(crate) fn rfc3339(time: Time) -> String {
    let moment = DateTime::<Utc>::from_timestamp_millis(time.0).unwrap_or(DateTime::<Utc>::MAX_UTC);
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Whether a column has this text, but for spaces around it.
pub(super) fn equals<C: ColumnTrait>(column: C, text: &str) -> SimpleExpr {
    // No row has a U+0000, and PostgreSQL takes none to compare with either.
    if text.contains('\0') { Expr::cust("1 = 0") } else { column.eq(text.trim()) }
}

/// What is looked for in `lookup` columns: a user name may be written as Telegram shows it.
pub(super) fn looked_for(text: &str) -> String {
    let mut text = fold(text);
    if text.starts_with('@') && text.len() > 1 {
        text.remove(0);
    }
    text
}

/// Whether a `lookup` column contains a text.
pub(super) fn contains<C: ColumnTrait>(lookup: C, text: &str) -> SimpleExpr {
    contains_before(lookup, text, "")
}

/// Whether the first of three lines does: of a contractor, the name.
pub(super) fn contains_in_name<C: ColumnTrait>(lookup: C, text: &str) -> SimpleExpr {
    contains_before(lookup, &text.replace('\n', "\0"), "\n%\n%")
}

fn contains_before<C: ColumnTrait>(lookup: C, text: &str, end: &str) -> SimpleExpr {
    let mut pattern = String::from("%");
    for c in looked_for(text).chars().filter(|c| *c != '\0') {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern.push_str(end);
    Expr::col(lookup.as_column_ref()).like(LikeExpr::new(pattern).escape('\\'))
}
