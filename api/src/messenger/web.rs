//! Fetching from addresses that payloads name.

use super::{Download, Fault};

/// Fetches from addresses that payloads name, never from inside.
#[derive(Clone, Debug)]
pub struct Web;

impl Web {
    /// What is at `url`, at most `limit` bytes of it.
    pub async fn fetch(&self, url: &str, limit: u64) -> Result<Download, Fault> {
        let _ = (url, limit);
        Err(Fault::fatal("not yet"))
    }
}
