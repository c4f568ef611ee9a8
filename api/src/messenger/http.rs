//! The one HTTP client under all messengers.

use std::sync::Once;
use std::time::Duration;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// Shorter than messengers' servers keep idle connections, so that a request seldom meets one that just closed.
const IDLE: Duration = Duration::from_secs(30);

/// An HTTP client for messengers' servers: TLS by rustls with ring, no redirects and no `Referer` (the address of a
/// request holds a token), no proxy from the environment (settings are read in one place). It has no timeout for a
/// whole request: callers set their own, since a long poll and an upload differ.
///
/// # Errors
/// When TLS cannot be set up, for instance where the system has no root certificates.
pub fn http_client() -> reqwest::Result<reqwest::Client> {
    client_builder().build()
}

/// The same before it is built, for clients that differ in something.
pub fn client_builder() -> reqwest::ClientBuilder {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        // An error says that one is installed already, by a test or a library: then that one serves.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
    reqwest::Client::builder()
        .user_agent(concat!("colloquy/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        // A connection for each that is under way: with HTTP/2 a broken one would take all of them down.
        .http1_only()
}

/// What went wrong on the way to `messenger`, in words and without the address, which may hold a token.
pub(super) fn lost(messenger: &str, error: &reqwest::Error) -> String {
    if error.is_connect() {
        format!("{messenger} could not be reached")
    } else if error.is_timeout() {
        format!("{messenger} did not answer in time")
    } else {
        format!("The connection to {messenger} broke off")
    }
}
