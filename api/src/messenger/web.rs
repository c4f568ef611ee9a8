//! Fetching from addresses that a stranger named: a client's message may point anywhere, and we look only at the public
//! internet.

use std::error::Error;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode};
use url::{Host, Origin, Url};

use super::http::client_builder;
use super::{ByteStream, Download, Fault, sanitize};

mod addresses;
#[cfg(test)]
mod tests;

use addresses::is_public;

/// Most redirects that are followed.
const REDIRECTS: usize = 5;
/// How long an answer may be waited for, and how long a download may stand still.
const STALL: Duration = Duration::from_secs(30);
/// How long it may take in all: 20 MiB in this time are 23 KiB a second.
const DOWNLOAD: Duration = Duration::from_secs(900);
/// The longest wait that a server can ask for, so that a wild number holds nothing up for good.
const LONGEST_WAIT: u64 = 86_400;

/// Fetches from the public internet, and from the hosts that the settings name. Clones are cheap and share connections.
///
/// Addresses in URLs are secrets (they are signed): no word of a fault holds one, but for the host.
#[derive(Clone, Debug)]
pub struct Web {
    /// For everybody: its resolver gives public addresses only.
    guarded: Client,
    /// For the exceptions.
    open: Client,
    exceptions: Arc<[Origin]>,
}

impl Web {
    /// With the origins (`http://127.0.0.1:8081`) that may be fetched from wherever they are: their host and port, as
    /// the settings name them.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(exceptions: &[&str]) -> reqwest::Result<Self> {
        Self::with_resolver(exceptions, Arc::new(System))
    }

    fn with_resolver(exceptions: &[&str], resolver: Arc<dyn Resolve>) -> reqwest::Result<Self> {
        let exceptions = exceptions.iter().filter_map(|one| Url::parse(one).ok()).map(|url| url.origin()).collect();
        let guarded = client_builder().dns_resolver(Arc::new(Guard(resolver))).build()?;
        Ok(Self { guarded, open: client_builder().build()?, exceptions })
    }

    /// The file at an address that a payload names, at most `limit` bytes of it, a piece at a time.
    ///
    /// # Errors
    /// [`Fault::Final`] where it leads to what is not public, is gone or too large; [`Fault::Passing`] where it may go
    /// well later.
    pub async fn fetch(&self, url: &str, limit: u64) -> Result<Download, Fault> {
        let mut url = Url::parse(url).map_err(|_| Fault::fatal("The file's address is none"))?;
        for _ in 0..=REDIRECTS {
            let response = self.get(&url).await?;
            if !response.status().is_redirection() {
                return download(response, &url, limit);
            }
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let next = location.and_then(|location| url.join(location).ok());
            url = next.ok_or_else(|| Fault::fatal(format!("{} redirects to nowhere", host(&url))))?;
        }
        Err(Fault::fatal(format!("{} is reached by too many redirects", host(&url))))
    }

    /// One request, without following: whom it goes to is looked at each time anew.
    async fn get(&self, url: &Url) -> Result<Response, Fault> {
        if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
            return Err(Fault::fatal("The file's address is none that files are fetched from"));
        }
        let client = if self.exceptions.contains(&url.origin()) {
            &self.open
        } else {
            // The client asks its resolver for names only.
            let literal = match url.host() {
                Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
                Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
                _ => None,
            };
            if literal.is_some_and(|address| !is_public(address)) {
                return Err(refused(url));
            }
            &self.guarded
        };
        let asked = client.get(url.clone()).timeout(DOWNLOAD).send();
        match tokio::time::timeout(STALL, asked).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if is_refusal(&error) => Err(refused(url)),
            Ok(Err(error)) => Err(Fault::passing(lost(url, &error))),
            Err(_) => Err(Fault::passing(format!("{} did not answer in time", host(url)))),
        }
    }
}

/// What came, if it is a file.
fn download(response: Response, url: &Url, limit: u64) -> Result<Download, Fault> {
    let status = response.status();
    let host = host(url);
    if status != StatusCode::OK {
        return Err(match status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Fault::fatal(format!("The file is gone from {host}")),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                again(&response, url)
            }
            _ if status.is_server_error() => again(&response, url),
            _ => Fault::fatal(format!("{host} does not give the file: it answered {}", status.as_u16())),
        });
    }
    let size = response.content_length();
    if size.is_some_and(|size| size > limit) {
        return Err(Fault::fatal(format!("The file at {host} is larger than {limit} bytes")));
    }
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let content_type = content_type.and_then(sanitize::content_type);
    Ok(Download { size, content_type, bytes: bytes(response, host, limit) })
}

/// The bytes as they come; one that is too long or stands still ends with an error.
fn bytes(response: Response, host: String, limit: u64) -> ByteStream {
    let pieces = stream::try_unfold((response, 0u64), move |(mut response, before)| {
        let host = host.clone();
        async move {
            let late = |_| io::Error::other(format!("{host} stopped sending"));
            let piece = tokio::time::timeout(STALL, response.chunk()).await.map_err(late)?;
            let piece = piece.map_err(|_| io::Error::other(format!("the connection to {host} broke off")))?;
            let Some(piece) = piece else { return Ok(None) };
            let sum = before + piece.len() as u64;
            if sum > limit {
                let words = format!("the file at {host} is larger than {limit} bytes");
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, words));
            }
            Ok(Some((piece, (response, sum))))
        }
    });
    pieces.boxed()
}

fn again(response: &Response, url: &Url) -> Fault {
    let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    Fault::Passing {
        words: format!("{} answered {}", host(url), response.status().as_u16()),
        retry_after: asked.map(|seconds| Duration::from_secs(seconds.min(LONGEST_WAIT))),
        whole_channel: false,
    }
}

fn refused(url: &Url) -> Fault {
    Fault::fatal(format!("The file's address leads to {}, which is not on the public internet", host(url)))
}

/// Without the address, whose query may be a secret.
fn lost(url: &Url, error: &reqwest::Error) -> String {
    let host = host(url);
    if error.is_connect() {
        format!("{host} could not be reached")
    } else if error.is_timeout() {
        format!("{host} did not answer in time")
    } else {
        format!("The connection to {host} broke off")
    }
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or("the host");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The system's own resolver.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Hands on public addresses only. What it gives is what is connected to: nothing is resolved a second time, in which
/// a name could mean something else.
struct Guard(Arc<dyn Resolve>);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.resolve(name);
        Box::pin(async move {
            let mut public: Vec<SocketAddr> = found.await?.collect();
            let any = !public.is_empty();
            public.retain(|address| is_public(address.ip()));
            if any && public.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// A name has addresses, and none of them is public.
#[derive(Debug, thiserror::Error)]
#[error("it is not on the public internet")]
struct NotPublic;

fn is_refusal(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<NotPublic>() {
            return true;
        }
        cause = error.source();
    }
    false
}
