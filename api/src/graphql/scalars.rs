//! Scalars, checked as they are read: a bad value fails before anything is done.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use chrono::DateTime as ChronoTime;
use colloquy_entity::Time;

use crate::inbox::rfc3339;

/// RFC 3339, UTC, to the millisecond: 2026-11-22T05:30:00.123Z
#[derive(Clone, Copy, Debug)]
pub struct DateTime(pub Time);

/// RFC 3339, UTC, to the millisecond: 2026-11-22T05:30:00.123Z
#[Scalar(name = "DateTime")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let wrong = || InputValueError::custom("a DateTime is written as in 2026-11-22T05:30:00.123Z");
        let moment = ChronoTime::parse_from_rfc3339(text).map_err(|_| wrong())?;
        let milliseconds = moment.timestamp_millis();
        // Years 0 to 9999: those that RFC 3339 can write.
        if !(-62_167_219_200_000..253_402_300_800_000).contains(&milliseconds) {
            return Err(wrong());
        }
        Ok(Self(Time(milliseconds)))
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(rfc3339(self.0))
    }
}

impl From<Time> for DateTime {
    fn from(time: Time) -> Self {
        Self(time)
    }
}

/// An exact decimal number, as a string: "1999.90"
#[derive(Clone, Debug)]
pub struct Decimal(pub rust_decimal::Decimal);

/// An exact decimal number, as a string: "1999.90"
#[Scalar(name = "Decimal")]
impl ScalarType for Decimal {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let wrong = || InputValueError::custom("a Decimal is written as a string, as in \"1999.90\"");
        let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
        if !plain {
            return Err(wrong());
        }
        rust_decimal::Decimal::from_str_exact(text).map(Self).map_err(|_| wrong())
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An absolute address: https://example.com/page
#[derive(Clone, Debug)]
pub struct Url(pub String);

/// An absolute address: https://example.com/page
#[Scalar(name = "URL")]
impl ScalarType for Url {
    fn parse(value: Value) -> InputValueResult<Self> {
        let Value::String(text) = &value else { return Err(InputValueError::expected_type(value)) };
        let wrong = || InputValueError::custom("a URL is absolute, http or https, as in https://example.com/page");
        let url = url::Url::parse(text).map_err(|_| wrong())?;
        // The parser drops these where the text that is kept would still have them.
        let odd = text.contains(|c: char| c.is_control() || c.is_whitespace());
        if !matches!(url.scheme(), "http" | "https") || text.len() > 2048 || odd {
            return Err(wrong());
        }
        Ok(Self(text.clone()))
    }

    fn is_valid(value: &Value) -> bool {
        Self::parse(value.clone()).is_ok()
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}
