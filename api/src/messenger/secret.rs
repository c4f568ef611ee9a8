//! Tokens and webhook secrets: never printed, compared in constant time.

use std::fmt;

use subtle::ConstantTimeEq as _;

/// A token or secret. `Debug` prints `…`, and there is no `Display`, so that it reaches no log by accident.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps `value` from being printed.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the wire and for encryption only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Whether a request's header holds the secret that we registered. Takes the same time for every wrong value of the
/// right length; a missing header and an empty `expected` are wrong.
pub fn verify(expected: &Secret, presented: Option<&[u8]>) -> bool {
    let expected = expected.0.as_bytes();
    presented.is_some_and(|presented| !expected.is_empty() && bool::from(expected.ct_eq(presented)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Some(Secret::new("123:ABC"))), "Some(…)");
    }

    #[test]
    fn only_the_same_secret_passes() {
        let expected = Secret::new("s3cret_-");
        assert!(verify(&expected, Some(b"s3cret_-")));
        for wrong in [Some(&b"s3cret_"[..]), Some(b"s3cret_-x"), Some(b"S3cret_-"), Some(b""), None] {
            assert!(!verify(&expected, wrong), "{wrong:?}");
        }
        assert!(!verify(&Secret::new(""), Some(b"")), "an unset secret lets nobody in");
    }
}
