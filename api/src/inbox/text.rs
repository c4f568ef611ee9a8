//! Texts that people give: names checked, and what text filters look into.

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

/// What text filters look into: lower case, Ё as Е, a line for each part.
pub(super) fn lookup<'a>(parts: impl IntoIterator<Item = &'a (impl AsRef<str> + ?Sized + 'a)>) -> String {
    parts.into_iter().map(|part| fold(part.as_ref())).collect::<Vec<_>>().join("\n")
}

/// As two texts are compared that differ only in case or in Ё.
pub(super) fn fold(text: &str) -> String {
    text.trim().to_lowercase().replace('ё', "е")
}

/// Whether a `lookup` column contains a text.
pub(super) fn contains<C: ColumnTrait>(lookup: C, text: &str) -> SimpleExpr {
    let mut pattern = String::from("%");
    for c in fold(text).chars().filter(|c| *c != '\0') {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    Expr::col(lookup.as_column_ref()).like(LikeExpr::new(pattern).escape('\\'))
}
