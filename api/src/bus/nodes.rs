//! Where Redis is, as `REDIS_URL` tells: one server, the nodes of a cluster, or the master that sentinels name.

use std::future::pending;
use std::time::Duration;

use redis::sentinel::{Sentinel, SentinelNodeConnectionInfo};
use redis::{Client, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo};
use tokio::time::{sleep, timeout};
use url::Url;

/// No answer for so long means that Redis is away. Also between two looks whether it is still there, and still the one.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

const SENTINEL: &str = "redis+sentinel://";
/// Where a sentinel listens that is named without its port.
const SENTINEL_PORT: u16 = 26379;

/// The places where words may be said and heard.
pub enum Nodes {
    /// One server, or nodes of one cluster. A cluster hands each word on to all its nodes, as long as they are said by
    /// PUBLISH and not by SPUBLISH, which stays within a slot's shard. So it is no matter at which node somebody is, and
    /// nothing of the crate's cluster client, which finds the node of a key, is needed.
    Any {
        /// In the order of the setting.
        clients: Vec<Client>,
        /// The one that answered last.
        last: usize,
    },
    /// What sentinels call the master. A replica would take words, too, and tell nobody but its own listeners.
    Master {
        /// Asks the sentinels; boxed, because it is several times as large as the rest.
        sentinel: Box<Sentinel>,
        /// The name under which they know the master.
        service: String,
        /// How to sign in at the master.
        servers: SentinelNodeConnectionInfo,
    },
}

impl Nodes {
    /// Reads `REDIS_URL`; the words of an error say what is wrong with it, and nothing of what it contains.
    pub fn parse(url: &str) -> Result<Self, String> {
        if let Some(rest) = url.trim().strip_prefix(SENTINEL) {
            let Sentinels { addresses, service, servers } = sentinels(rest)?;
            let sentinel = Box::new(Sentinel::build(addresses).map_err(words)?);
            let servers = SentinelNodeConnectionInfo::default().set_redis_connection_info(servers);
            return Ok(Self::Master { sentinel, service, servers });
        }
        Ok(Self::Any { clients: nodes(url)?, last: 0 })
    }

    /// The place to connect to now, which has just answered; or in words why there is none.
    pub async fn find(&mut self) -> Result<Client, String> {
        match self {
            Self::Any { clients, last } => {
                let mut failures = Vec::new();
                for next in (*last..clients.len()).chain(0..*last) {
                    match ping(&clients[next]).await {
                        Ok(()) => {
                            *last = next;
                            return Ok(clients[next].clone());
                        }
                        Err(error) if clients.len() == 1 => failures.push(error),
                        Err(error) => failures.push(format!("{}: {error}", address(&clients[next]))),
                    }
                }
                Err(failures.join("; "))
            }
            // Each step of it has a limit of its own, and a sentinel that hangs holds up the next ones no longer than that.
            Self::Master { sentinel, service, servers } => {
                sentinel.async_master_for(service, Some(servers)).await.map_err(words)
            }
        }
    }

    /// Returns once `here` is to be left for another place, though it may still answer; of a cluster, never.
    ///
    /// A master that was cut off from its sentinels, or that somebody made a replica by hand, takes words and subscribers
    /// as ever, but those who come later go to the new one.
    pub async fn moved_from(&mut self, here: &Client) {
        if matches!(self, Self::Any { .. }) {
            return pending().await;
        }
        loop {
            sleep(PATIENCE).await;
            // That sentinels are away, or between two masters, does not end what works.
            if self.find().await.is_ok_and(|master| address(&master) != address(here)) {
                return;
            }
        }
    }
}

/// Host and port, for the log: never who signs in there, nor with what.
pub(super) fn address(client: &Client) -> String {
    client.get_connection_info().addr().to_string()
}

/// Whether Redis answers there now.
pub(super) async fn ping(client: &Client) -> Result<(), String> {
    let look = async {
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").query_async::<String>(&mut connection).await
    };
    match timeout(PATIENCE, look).await {
        Ok(answer) => answer.map(drop).map_err(words),
        Err(_) => Err("no answer within a second".into()),
    }
}

fn words(error: redis::RedisError) -> String {
    error.to_string()
}

/// One URL, or several with commas between them.
fn nodes(list: &str) -> Result<Vec<Client>, String> {
    // A comma in a password is none between nodes: the next node begins with its scheme.
    let commas = list.match_indices(',').map(|(at, _)| at).filter(|at| begins_url(&list[at + 1..]));
    let ends: Vec<usize> = commas.chain([list.len()]).collect();
    let starts = [0].into_iter().chain(ends.iter().map(|end| end + 1));
    let urls: Vec<&str> = starts.zip(&ends).map(|(start, end)| list[start..*end].trim()).collect();
    if let [url] = urls[..] {
        return Ok(vec![node(url)?]);
    }
    let of_cluster = |(at, url): (usize, &&str)| {
        let client = node(url).map_err(|words| format!("node {}: {words}", at + 1))?;
        match client.get_connection_info().redis_settings().db() {
            0 => Ok(client),
            _ => Err(format!("node {}: a cluster has no database but 0", at + 1)),
        }
    };
    urls.iter().enumerate().map(of_cluster).collect()
}

fn begins_url(text: &str) -> bool {
    let scheme = text.trim_start().split_once("://").map_or("", |(scheme, _)| scheme);
    !scheme.is_empty() && scheme.bytes().all(|letter| letter.is_ascii_alphabetic() || letter == b'+')
}

fn node(text: &str) -> Result<Client, String> {
    const NEITHER: &str = "it must begin with redis:// or redis+sentinel://";
    const SEVERAL: &str = "several nodes are redis://host:port,redis://host:port";
    if !begins_url(text) {
        return Err(NEITHER.into());
    }
    let url = Url::parse(text).map_err(|error| format!("{error}; {SEVERAL}"))?;
    if url.host_str().is_some_and(|host| host.contains(',')) {
        return Err(SEVERAL.into());
    }
    match url.scheme() {
        "redis" | "valkey" | "unix" | "redis+unix" | "valkey+unix" => Client::open(url).map_err(words),
        "rediss" | "valkeys" => Err("this version speaks to Redis without TLS".into()),
        "redis+sentinel" => Err("sentinels are one URL, redis+sentinel://host,host/service".into()),
        _ => Err(NEITHER.into()),
    }
}

/// What `redis+sentinel://…` says.
struct Sentinels {
    addresses: Vec<ConnectionInfo>,
    service: String,
    /// Name, password and database at the servers that the sentinels watch.
    servers: RedisConnectionInfo,
}

/// `[user[:password]@]host[:port][,host[:port]…]/service[/db]`
fn sentinels(rest: &str) -> Result<Sentinels, String> {
    if rest.contains(['?', '#']) {
        return Err("redis+sentinel:// takes no parameters; in a password ? is %3F and # is %23".into());
    }
    let missing = "the service is missing: redis+sentinel://host:26379/service";
    let (authority, path) = rest.split_once('/').ok_or(missing)?;
    let (service, database) = path.split_once('/').unwrap_or((path, ""));
    if service.is_empty() {
        return Err(missing.into());
    }
    // What Redis takes for a name.
    if !service.bytes().all(|letter| letter.is_ascii_alphanumeric() || b".-_".contains(&letter)) {
        return Err("a service is named by letters, digits, . - and _; in a password / is %2F".into());
    }
    let hosts = authority.rsplit_once('@').map_or(authority, |(_, hosts)| hosts);
    let credentials = &authority[..authority.len() - hosts.len()];
    let mut addresses = Vec::new();
    let mut servers = RedisConnectionInfo::default();
    for (at, host) in hosts.split(',').enumerate() {
        let of = |words: String| format!("sentinel {}: {words}", at + 1);
        // The crate reads hosts, names, passwords and databases of the URL of a server: each is made to look like one.
        let mut url = Url::parse(&format!("redis://{credentials}{}/{database}", host.trim()))
            .map_err(|error| of(error.to_string()))?;
        if url.port().is_none() {
            // It is refused where there is no host: that is told by the next line.
            let _ = url.set_port(Some(SENTINEL_PORT));
        }
        let server = url.into_connection_info().map_err(|error| of(words(error)))?;
        servers = server.redis_settings().clone();
        // Sentinels have no databases, and their own passwords if any: what is for the servers is not told to them.
        addresses.push(server.set_redis_settings(RedisConnectionInfo::default()));
    }
    Ok(Sentinels { addresses, service: service.to_owned(), servers })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(url: &str) -> Vec<String> {
        let clients = nodes(url).unwrap_or_else(|words| panic!("{url}: {words}"));
        clients.iter().map(address).collect()
    }

    #[test]
    fn one_server_or_the_nodes_of_a_cluster() {
        assert_eq!(addresses("redis://127.0.0.1"), ["127.0.0.1:6379"]);
        assert_eq!(addresses("redis://name:p,ss@a:7000/3"), ["a:7000"], "a comma in a password");
        assert_eq!(addresses("unix:///run/redis,1.sock"), ["/run/redis,1.sock"]);
        assert_eq!(addresses("redis://a:7000,redis://b,redis://[::1]:7002"), ["a:7000", "b:6379", "::1:7002"]);
        assert_eq!(addresses("redis://:p,ss@a, redis://:p,ss@b/0"), ["a:6379", "b:6379"]);
    }

    #[test]
    fn sentinels_of_a_service() {
        let read = |rest: &str| {
            let Sentinels { addresses, service, servers } = sentinels(rest).unwrap_or_else(|words| panic!("{words}"));
            for sentinel in &addresses {
                let told = sentinel.redis_settings();
                assert!(told.username().is_none() && told.password().is_none() && told.db() == 0, "{told:?}");
            }
            let addresses: Vec<_> = addresses.iter().map(|one| one.addr().to_string()).collect();
            let signs_in = (servers.username().map(str::to_owned), servers.password().map(str::to_owned));
            (addresses.join(" "), service, signs_in, servers.db())
        };
        let nobody = (None, None);
        assert_eq!(read("a/shop"), ("a:26379".into(), "shop".into(), nobody.clone(), 0));
        assert_eq!(read("a:5000,b,[::1]:7/my-shop.1/"), ("a:5000 b:26379 ::1:7".into(), "my-shop.1".into(), nobody, 0));
        let named = (Some("app".into()), Some("p@,/ss".into()));
        assert_eq!(read("app:p%40,%2Fss@a, b:5/shop/2"), ("a:26379 b:5".into(), "shop".into(), named, 2));
        assert_eq!(read(":pass@a/shop").2, (None, Some("pass".into())));
        assert!(matches!(Nodes::parse("redis+sentinel://a/shop"), Ok(Nodes::Master { .. })));
    }

    #[test]
    fn what_is_wrong_is_told_without_what_is_secret() {
        for (url, said) in [
            ("", "begin with redis://"),
            ("nonsense", "begin with redis://"),
            ("s3cret@a:6379", "begin with redis://"),
            ("http://:s3cret@a", "begin with redis://"),
            ("redis://", "host"),
            ("redis://:s3cret@", "host"),
            ("redis://:s3cret@a:port", "port"),
            ("redis://:s3cret@a/one", "database"),
            ("rediss://:s3cret@a", "TLS"),
            ("redis://:s3cret@a:1,b:2", "several nodes are"),
            ("redis://:s3cret@a,b:2", "several nodes are"),
            ("redis://a,", "several nodes are"),
            ("redis://a,redis://:s3cret@b:port", "node 2: "),
            ("redis://a,redis://:s3cret@b/1", "node 2: a cluster has no database"),
            ("redis://a,rediss://:s3cret@b", "node 2: this version"),
            ("redis://a,redis+sentinel://:s3cret@b/shop", "sentinels are one URL"),
            ("redis+sentinel://", "service is missing"),
            ("redis+sentinel://:s3cret@a", "service is missing"),
            ("redis+sentinel://:s3cret@a/", "service is missing"),
            ("redis+sentinel:///shop", "sentinel 1: "),
            ("redis+sentinel://:s3cret@a,,b/shop", "sentinel 2: "),
            ("redis+sentinel://:s3cret@a,b:port/shop", "sentinel 2: "),
            ("redis+sentinel://:s3cret@a/shop/one", "database"),
            ("redis+sentinel://:s3cret@a/shop/1/2", "database"),
            ("redis+sentinel://:s/3cret@a/shop", "%2F"),
            ("redis+sentinel://:s3cret@a/shop?db=1", "%3F"),
            ("redis+sentinel://a/shop,redis://:s3cret@b", "service is named"),
            ("rediss+sentinel://:s3cret@a/shop", "begin with redis://"),
        ] {
            let words = Nodes::parse(url).err().unwrap_or_else(|| panic!("{url} is taken"));
            assert!(words.contains(said) && !words.contains("3cret") && words.lines().count() == 1, "{url}: {words}");
        }
    }

    #[tokio::test]
    async fn nodes_that_do_not_answer_are_named() {
        let mut nodes = Nodes::parse("redis://:s3cret@127.0.0.1:1,redis://:s3cret@127.0.0.1:2").expect("two nodes");
        let words = nodes.find().await.expect_err("nobody listens there");
        assert!(words.contains("127.0.0.1:1: ") && words.contains("; 127.0.0.1:2: "), "{words}");
        assert!(!words.contains("s3cret"), "{words}");
    }
}
