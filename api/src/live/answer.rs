//! One answer of an operation, serialized once for however many clients it goes to.

use async_graphql::Response;
use axum::extract::ws::Utf8Bytes;
use serde::Serialize;

/// The JSON of an answer. Cloning shares the bytes.
#[derive(Clone, Debug)]
pub struct Answer(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Result(Utf8Bytes),
    Refused(Utf8Bytes),
}

impl Answer {
    /// A result from its JSON: an object with `data`, `errors`, or both.
    pub fn from_json(result: impl Into<Utf8Bytes>) -> Self {
        Self(Kind::Result(result.into()))
    }

    /// The JSON of the result, or that of the list of errors for which the operation did not run or cannot go on. Such
    /// errors end the operation.
    pub(super) fn json(&self) -> Result<&str, &str> {
        match &self.0 {
            Kind::Result(json) => Ok(json),
            Kind::Refused(json) => Err(json),
        }
    }
}

impl From<Response> for Answer {
    /// A response of nothing but errors that belong to no field is a request error
    /// (<https://spec.graphql.org/October2021/#sec-Errors.Request-errors>): the document did not validate. One with a path
    /// came of running, though it left no data.
    fn from(response: Response) -> Self {
        let refused = response.data == async_graphql::Value::Null
            && !response.errors.is_empty()
            && response.errors.iter().all(|error| error.path.is_empty());
        Self(if refused { Kind::Refused(json(&response.errors)) } else { Kind::Result(json(&response)) })
    }
}

fn json(value: &impl Serialize) -> Utf8Bytes {
    serde_json::to_string(value).map(Utf8Bytes::from).unwrap_or_else(|error| {
        tracing::error!(%error, "an answer could not be serialized");
        Utf8Bytes::from_static(r#"[{"message":"Internal error","extensions":{"code":"INTERNAL"}}]"#)
    })
}
