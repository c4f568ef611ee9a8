//! How events leave: signed, once for a story, again and again for people.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::StatusCode;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

use super::Doors;
use super::state::{Check, Shared};

/// How long an answer is waited for: slower ones were seen to be posted again.
const PATIENCE: Duration = Duration::from_secs(5);
/// For people: three times quickly, then each minute for an hour, at a tenth of the time.
const QUICK: (usize, Duration) = (3, Duration::from_millis(500));
const SLOW: (usize, Duration) = (60, Duration::from_secs(6));

/// `X-Viber-Content-Signature`: hex HMAC-SHA256 of the body, keyed by the bot's token.
///
/// # Panics
/// Never: any key will do.
pub fn sign(token: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(token.as_bytes()).expect("a key of any length");
    mac.update(body);
    mac.finalize().into_bytes().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// One post of a body.
pub async fn post(
    http: &reqwest::Client,
    url: &str,
    body: Bytes,
    signature: Option<&str>,
) -> reqwest::Result<StatusCode> {
    let mut request = http.post(url).header("Content-Type", "application/json");
    if let Some(signature) = signature {
        request = request.header("X-Viber-Content-Signature", signature);
    }
    Ok(request.body(body).send().await?.status())
}

/// Posts an event, where the bot wants it. In a story once; for people until it is taken, as long as Viber would try.
pub async fn hand_over(doors: Doors, token: String, event: Value) {
    let kind = event["event"].as_str().unwrap_or_default().to_owned();
    let (quick, slow) = (std::iter::repeat_n(QUICK.1, QUICK.0), std::iter::repeat_n(SLOW.1, SLOW.0));
    let mut waits = quick.chain(slow);
    loop {
        let webhook = doors.shared.read(|state| state.accounts.get(&token)?.webhook.clone());
        let Some(webhook) = webhook.filter(|webhook| webhook.wants(&kind)) else { return };
        if is_taken(&doors.http, &webhook.url, &token, &event).await || !is_open(&doors.shared) {
            return;
        }
        let Some(wait) = waits.next() else { return };
        tokio::time::sleep(wait).await;
    }
}

fn is_open(shared: &Arc<Shared>) -> bool {
    shared.read(|state| state.is_open)
}

async fn is_taken(http: &reqwest::Client, url: &str, token: &str, event: &Value) -> bool {
    let body = event.to_string();
    let signature = sign(token, body.as_bytes());
    let posted = tokio::time::timeout(PATIENCE, post(http, url, body.into(), Some(&signature))).await;
    matches!(posted, Ok(Ok(StatusCode::OK)))
}

/// The check of an address that is about to be taken: in words what came instead of 200.
pub async fn check(http: &reqwest::Client, url: &str, token: &str, event: &Value, how: Check) -> Result<(), String> {
    let body = event.to_string();
    let signature = match how {
        Check::Signed => Some(sign(token, body.as_bytes())),
        Check::Unsigned => None,
        Check::Forged => Some(sign("somebody else's", body.as_bytes())),
    };
    let posted = tokio::time::timeout(PATIENCE, post(http, url, body.into(), signature.as_deref())).await;
    match posted {
        Ok(Ok(StatusCode::OK)) => Ok(()),
        Ok(Ok(status)) => Err(format!(" > HttpResponse[HTTP/1.1 {status}]@20d79eb3]")),
        _ => Err("]".to_owned()),
    }
}
