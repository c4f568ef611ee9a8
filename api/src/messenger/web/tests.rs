//! What is fetched and what is not, against servers of this machine that stand for the internet.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::TryStreamExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

/// A server that answers each path as it was told, and remembers what it was asked.
struct Pretend {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Pretend {
    /// With whole answers by path; `HOST` in them is its own address.
    async fn start(answers: &[(&str, String)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers: HashMap<String, String> = answers
            .iter()
            .map(|(path, answer)| ((*path).to_owned(), answer.replace("HOST", &address.to_string())))
            .collect();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { break };
                    head.push(byte);
                }
                let head = String::from_utf8(head).unwrap();
                let path = head.split(' ').nth(1).unwrap_or_default();
                let answer = answers.get(path.split('?').next().unwrap_or_default());
                let missing = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
                let answer = answer.map_or(missing, String::as_str).to_owned();
                requests.lock().unwrap().push(head);
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        });
        Self { address, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}", body.len())
}

fn found(location: &str) -> String {
    answer("302 Found", &format!("location: {location}\r\n"), "")
}

/// Names that mean what a test says.
struct Names(Vec<(&'static str, Vec<IpAddr>)>);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0.iter().find(|(known, _)| *known == name.as_str());
        let found: Vec<_> = found.into_iter().flat_map(|(_, to)| to).map(|ip| SocketAddr::new(*ip, 0)).collect();
        Box::pin(async move { Ok(Box::new(found.into_iter()) as Addrs) })
    }
}

fn web(exceptions: &[&str]) -> Web {
    crate::messenger::http_client().unwrap();
    Web::new(exceptions).unwrap()
}

/// The words of a fault, with whether it is for good.
async fn fault(web: &Web, url: &str) -> (bool, String) {
    match web.fetch(url, 100).await {
        Ok(_) => panic!("{url} was fetched"),
        Err(fault) => (matches!(fault, Fault::Final { .. }), fault.words().to_owned()),
    }
}

#[tokio::test]
async fn a_file_comes_with_its_type_from_where_the_settings_allow() {
    let server = Pretend::start(&[("/a", answer("200 OK", "content-type: Image/PNG; q=1\r\n", "bytes"))]).await;
    let web = web(&[&server.url("")]);
    let download = web.fetch(&server.url("/a?secret=1"), 100).await.unwrap();
    assert_eq!((download.size, download.content_type.as_deref()), (Some(5), Some("image/png")));
    let pieces: Vec<_> = download.bytes.try_collect().await.unwrap();
    assert_eq!(pieces.concat(), b"bytes");
}

#[tokio::test]
async fn an_exception_is_of_its_port_alone() {
    let allowed = Pretend::start(&[("/a", found("http://127.0.0.1:9/secret"))]).await;
    let other = Pretend::start(&[("/a", answer("200 OK", "", "inside"))]).await;
    let web = web(&[&allowed.url("")]);
    let (is_final, words) = fault(&web, &other.url("/a")).await;
    assert!(is_final && words.contains("not on the public internet"), "{words}");
    assert!(other.asked().is_empty(), "nobody connected");
    let (is_final, words) = fault(&web, &allowed.url("/a")).await;
    assert!(is_final && words.contains("127.0.0.1:9"), "a redirect is looked at as well: {words}");
}

#[tokio::test]
async fn addresses_that_are_not_public_are_refused_however_they_are_written() {
    let server = Pretend::start(&[("/", answer("200 OK", "", "inside"))]).await;
    let port = server.address.port();
    let web = web(&[]);
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "0.0.0.0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "localhost",
        "LOCALHOST",
    ] {
        let (is_final, words) = fault(&web, &format!("http://{host}:{port}/?sig=hidden")).await;
        assert!(is_final, "{host}: {words}");
        assert!(!words.contains("hidden"), "{words}");
    }
    for url in ["ftp://example.com/a", "file:///etc/passwd", "data:,a", "http://user:pass@127.0.0.1/", "no address"] {
        let (is_final, words) = fault(&web, url).await;
        assert!(is_final && !words.contains("pass"), "{url}: {words}");
    }
    assert!(server.asked().is_empty(), "nobody connected");
}

#[tokio::test]
async fn a_name_is_what_it_resolves_to() {
    let loopback = "127.0.0.1".parse().unwrap();
    let names = Names(vec![
        ("inside.example", vec![loopback, "10.0.0.1".parse().unwrap(), "fe80::1".parse().unwrap()]),
        ("nobody.example", Vec::new()),
    ]);
    let server =
        Pretend::start(&[("/a", found("http://inside.example/b")), ("/x", answer("200 OK", "", "inside"))]).await;
    crate::messenger::http_client().unwrap();
    let web = Web::with_resolver(&[&server.url("")], Arc::new(names)).unwrap();
    let (port, url) = (server.address.port(), server.url("/a"));
    for url in [format!("http://inside.example:{port}/x"), "https://inside.example/x?sig=hidden".into(), url] {
        let (is_final, words) = fault(&web, &url).await;
        assert!(is_final && words.contains("inside.example") && !words.contains("hidden"), "{url}: {words}");
    }
    let (is_final, words) = fault(&web, "http://nobody.example/").await;
    assert!(!is_final, "a name may come back: {words}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_name_with_some_public_addresses_is_reached_by_those_alone() {
    let names = Names(vec![("both.example", vec!["127.0.0.1".parse().unwrap(), "8.8.8.8".parse().unwrap()])]);
    let given = Guard(Arc::new(names)).resolve("both.example".parse().unwrap()).await.unwrap();
    assert_eq!(given.map(|address| address.ip().to_string()).collect::<Vec<_>>(), ["8.8.8.8"]);
}

#[tokio::test]
async fn redirects_are_followed_without_telling_who_sent_us_and_not_for_ever() {
    let server = Pretend::start(&[
        ("/a", found("/b?second=2")),
        ("/b", answer("200 OK", "set-cookie: a=b\r\n", "there")),
        ("/round", found("http://HOST/round")),
        ("/nowhere", answer("302 Found", "", "")),
        ("/script", found("javascript:alert(1)")),
    ])
    .await;
    let web = web(&[&server.url("")]);
    let download = web.fetch(&server.url("/a?first=1"), 100).await.unwrap();
    assert_eq!(download.bytes.try_collect::<Vec<_>>().await.unwrap().concat(), b"there");
    let asked = server.asked();
    assert_eq!(asked.len(), 2);
    assert!(asked.iter().all(|head| !head.to_lowercase().contains("referer")), "{asked:?}");
    for path in ["/round", "/nowhere", "/script"] {
        assert!(fault(&web, &server.url(path)).await.0, "{path}");
    }
    assert_eq!(server.asked().len(), 2 + (REDIRECTS + 1) + 2);
}

#[tokio::test]
async fn what_is_too_large_ends_whether_it_says_so_or_not() {
    let long = "x".repeat(101);
    let unsaid = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{long}");
    let server = Pretend::start(&[("/said", answer("200 OK", "", &long)), ("/unsaid", unsaid)]).await;
    let web = web(&[&server.url("")]);
    assert!(fault(&web, &server.url("/said")).await.0);
    let download = web.fetch(&server.url("/unsaid"), 100).await.unwrap();
    assert_eq!(download.size, None);
    let error = download.bytes.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge, "{error}");
    assert!(web.fetch(&server.url("/unsaid"), 101).await.unwrap().bytes.try_collect::<Vec<_>>().await.is_ok());
}

#[tokio::test]
async fn a_fault_passes_or_does_not() {
    let server = Pretend::start(&[
        ("/gone", answer("410 Gone", "", "")),
        ("/expired", answer("403 Forbidden", "", "")),
        ("/busy", answer("429 Too Many Requests", "retry-after: 7\r\n", "")),
        ("/broken", answer("500 Internal Server Error", "", "")),
        ("/cut", "HTTP/1.1 200 OK\r\ncontent-length: 50\r\nconnection: close\r\n\r\nhalf".into()),
    ])
    .await;
    let web = web(&[&server.url("")]);
    for (path, expected) in
        [("/gone", true), ("/missing", true), ("/expired", true), ("/busy", false), ("/broken", false)]
    {
        let (is_final, words) = fault(&web, &server.url(&format!("{path}?sig=hidden"))).await;
        assert_eq!(is_final, expected, "{path}: {words}");
        assert!(!words.contains("hidden"), "{words}");
    }
    let busy = web.fetch(&server.url("/busy"), 100).await.err().unwrap();
    assert!(matches!(busy, Fault::Passing { retry_after: Some(wait), .. } if wait == Duration::from_secs(7)));
    let cut = web.fetch(&server.url("/cut"), 100).await.unwrap();
    assert!(cut.bytes.try_collect::<Vec<_>>().await.is_err());
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let origin = format!("http://{closed}");
    let web = self::web(&[&origin]);
    assert!(!fault(&web, &format!("{origin}/a")).await.0, "nobody there now");
}
