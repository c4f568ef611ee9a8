//! Errors: a code on each, the argument's path where one is to blame, and nothing of a cause that is ours.

use async_graphql::{Context, ErrorExtensionValues, Pos, Response, ServerError};

use crate::error::{Error, Result};

/// Most errors of one answer: a document can be wrong in thousands of places.
const MOST: usize = 20;

/// What a nullable field answers: null beside an error.
///
/// async-graphql 8.0.0-rc.5 turns an error of a nullable field into `data: null` for all its siblings; so the error is
/// put beside the answer by hand.
pub fn answer<T>(ctx: &Context<'_>, result: Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            let error = async_graphql::Error::from(error).into_server_error(ctx.item.pos);
            ctx.add_error(ctx.set_error_path(error));
            None
        }
    }
}

/// The answer of an operation that is not run, or not any more: an error that belongs to no place in the document.
pub fn refusal(error: Error) -> Response {
    let mut error = async_graphql::Error::from(error).into_server_error(Pos::default());
    error.locations.clear();
    dress(Response::from_errors(vec![error]))
}

/// Gives each error its code. What nobody of ours made is a document that does not parse or validate.
pub fn dress(mut response: Response) -> Response {
    response.errors.truncate(MOST);
    for error in &mut response.errors {
        dress_one(error);
    }
    response
}

fn dress_one(error: &mut ServerError) {
    let ours = error.source::<Error>().cloned();
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    let Some(ours) = ours else {
        if extensions.get("code").is_none() {
            extensions.set("code", "BAD_USER_INPUT");
            // The library checks the values of arguments before anything is run, and tells in words which is wrong.
            let named = error.message.strip_prefix("Invalid value for argument \"");
            if let Some((field, _)) = named.and_then(|rest| rest.split_once('"')) {
                extensions.set("field", field);
            }
        }
        return;
    };
    ours.log();
    extensions.set("code", ours.code());
    match ours {
        Error::BadInput { field, .. } if !field.is_empty() => extensions.set("field", field),
        Error::Conflict { holders, existing, .. } => {
            if !holders.is_empty() {
                extensions.set("holderIds", holders.iter().map(ToString::to_string).collect::<Vec<_>>());
            }
            if let Some(existing) = existing {
                extensions.set("existingId", existing);
            }
        }
        Error::RateLimited(seconds) => extensions.set("retryAfter", seconds),
        _ => {}
    }
}
