//! Reads a document's tokens without recursion, to bound their number and their nesting before the parser, which
//! recurses without a bound of its own, sees them.

use super::{Limits, Refused};

/// Refuses a document that has too many tokens or too deep brackets, or a string that never ends.
///
/// Strings and comments end where async-graphql's parser ends them, so that no bracket can hide from this and still be
/// seen by the parser. What else is wrong with the document is left for the parser to say.
pub(super) fn scan(document: &str, limits: &Limits) -> Result<(), Refused> {
    let bytes = document.as_bytes();
    let mut at = 0;
    let mut tokens = 0_usize;
    let mut nesting = 0_usize;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at += run(&bytes[at..], |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            b'"' => at = string_end(bytes, at).ok_or_else(|| unterminated(document, at))?,
            b'{' | b'[' | b'(' => {
                nesting += 1;
                if nesting > limits.nesting {
                    return Err(Refused::too_complex(format!(
                        "The document nests deeper than {} brackets.",
                        limits.nesting
                    )));
                }
                at += 1;
            }
            b'}' | b']' | b')' => {
                nesting = nesting.saturating_sub(1);
                at += 1;
            }
            byte if is_word(byte) => at += run(&bytes[at..], is_word),
            _ => at += 1,
        }
        tokens += 1;
        if tokens > limits.tokens {
            return Err(Refused::too_complex(format!("The document has more than {} tokens.", limits.tokens)));
        }
    }
    Ok(())
}

/// Letters and digits of names and numbers; a sign or a point beside them counts as a token more, which does no harm.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&byte| !belongs(byte)).unwrap_or(bytes.len())
}

/// The index after the closing quote of the string that opens at `start`, or nothing when it does not close.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    if bytes[start..].starts_with(b"\"\"\"") {
        let mut at = start + 3;
        while at < bytes.len() {
            let rest = &bytes[at..];
            if rest.starts_with(b"\\\"\"\"") {
                at += 4;
            } else if rest.starts_with(b"\"\"\"") {
                return Some(at + 3);
            } else {
                at += 1;
            }
        }
        return None;
    }
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\n' | b'\r' => return None,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

fn unterminated(document: &str, at: usize) -> Refused {
    let line = document.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
    Refused::bad_input(format!("A string that opens on line {line} does not end."))
}
