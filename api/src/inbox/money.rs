//! Money: exact amounts, each with its currency.

use rust_decimal::Decimal;

use crate::error::{Error, Result};

use super::currencies::is_currency;

/// Most digits before the point: what fits a 64-bit number of whole units wherever amounts are added up.
const LARGEST: i128 = 999_999_999_999_999_999;
/// Most digits after the point: no currency has more.
const FINEST: u32 = 4;

/// An amount as it is stored: plain digits, as many after the point as were given.
pub(super) fn amount(field: &str, amount: Decimal) -> Result<String> {
    if amount.scale() > FINEST || amount.trunc().mantissa().abs() > LARGEST {
        let words = "An amount can have 18 digits before the point and 4 after it at most";
        return Err(Error::bad(field, words));
    }
    let mut amount = amount;
    if amount.is_zero() {
        amount.set_sign_positive(true);
    }
    Ok(amount.to_string())
}

/// A currency's code.
pub(super) fn currency(field: &str, code: &str) -> Result<String> {
    if !is_currency(code) {
        return Err(Error::bad(field, "A currency is a code of ISO 4217 in capitals, such as RUB"));
    }
    Ok(code.into())
}

/// That an amount has a currency, and that there is no currency without an amount.
pub(super) fn check(amount: Option<&str>, currency: Option<&str>) -> Result<()> {
    match (amount, currency) {
        (Some(_), None) => Err(Error::bad("input.currency", "An amount needs its currency")),
        (None, Some(_)) => Err(Error::bad("input.currency", "A currency comes with an amount")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str) -> Option<String> {
        amount("input.amount", Decimal::from_str_exact(text).ok()?).ok()
    }

    #[test]
    fn an_amount_is_kept_digit_for_digit() {
        for text in ["0", "0.10", "1999.90", "-5.0001", "999999999999999999.9999"] {
            assert_eq!(stored(text).as_deref(), Some(text));
        }
    }

    #[test]
    fn zero_has_no_sign() {
        assert_eq!(stored("-0.00").as_deref(), Some("0.00"));
    }

    #[test]
    fn too_many_digits_are_refused_and_not_rounded() {
        for text in ["1000000000000000000", "-1000000000000000000.5", "0.00001", "1.00000"] {
            assert_eq!(stored(text), None, "{text}");
        }
    }
}
