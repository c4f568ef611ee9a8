//! Several Redis servers that are one: a cluster, and a master and its replica with a sentinel.

use std::time::{Duration, Instant};

use redis::{FromRedisValue, RedisResult};
use tokio::time::sleep;

use super::port::free_port;
use super::redis::RedisServer;

/// Far more than any takes on a machine that has nothing else to do.
const LIMIT: Duration = Duration::from_secs(60);

/// A cluster of two nodes. It has no slots: words need none.
pub struct Cluster {
    pub nodes: [RedisServer; 2],
}

impl Cluster {
    pub async fn start() -> Self {
        let start = || {
            let bus = free_port().to_string();
            ["--cluster-enabled", "yes", "--cluster-port", &bus].map(String::from).to_vec()
        };
        let nodes = [RedisServer::start_with(start).await, RedisServer::start_with(start).await];
        let bus: Vec<String> = ask(&nodes[1].url(), &["CONFIG", "GET", "cluster-port"]).await.expect("it answers");
        let meet = ["CLUSTER", "MEET", "127.0.0.1", &nodes[1].port().to_string(), &bus[1]];
        ask::<String>(&nodes[0].url(), &meet).await.expect("they are told of each other");
        for node in &nodes {
            until("the nodes of a cluster have met", async || {
                let known: String = ask(&node.url(), &["CLUSTER", "NODES"]).await.expect("it answers");
                let settled = |line: &str| line.ends_with(" connected") && !line.contains("handshake");
                known.lines().count() == 2 && known.lines().all(settled)
            })
            .await;
        }
        Self { nodes }
    }

    /// `REDIS_URL` of both, beginning with one of them.
    pub fn url_from(&self, first: usize) -> String {
        format!("{},{}", self.nodes[first].url(), self.nodes[1 - first].url())
    }
}

/// A master, its replica, and one sentinel that finds for itself what it has to find.
pub struct Watched {
    /// The first is the master, to begin with.
    pub servers: [RedisServer; 2],
    pub sentinel: RedisServer,
}

/// What the servers ask for, and the sentinel does not.
const PASSWORD: &str = "p@ss/word";
const SERVICE: &str = "shop-1";

impl Watched {
    pub async fn start() -> Self {
        // A master that waits for more replicas before it begins with the first holds up each story by five seconds.
        let signed = ["--requirepass", PASSWORD, "--masterauth", PASSWORD, "--repl-diskless-sync-delay", "0"];
        let signed = signed.map(String::from);
        let master = RedisServer::start_with(|| signed.to_vec()).await;
        let of = ["--replicaof".into(), "127.0.0.1".into(), master.port().to_string()];
        let replica = RedisServer::start_with(|| [&signed[..], &of[..]].concat()).await;
        let sentinel = RedisServer::start_with(|| vec!["--sentinel".into()]).await;
        let watched = Self { servers: [master, replica], sentinel };
        until("the replica follows", async || {
            watched.tells(1, "master_link_status:up").await && watched.tells(0, "state=online").await
        })
        .await;
        watched.watch(0).await;
        until("the sentinel has found the replica", async || {
            let replicas: Vec<Vec<String>> = watched.of_sentinel(&["SENTINEL", "REPLICAS", SERVICE]).await;
            let told = |fields: &Vec<String>, name: &str, value: &str| fields.chunks(2).any(|two| two == [name, value]);
            replicas.iter().any(|one| told(one, "flags", "slave") && told(one, "master-link-status", "ok"))
        })
        .await;
        watched
    }

    /// `REDIS_URL`
    pub fn url(&self) -> String {
        format!("redis+sentinel://:p%40ss%2Fword@127.0.0.1:{}/{SERVICE}", self.sentinel.port())
    }

    /// Has the sentinel look after a server as the master, whatever it knew before.
    pub async fn watch(&self, server: usize) {
        let _: RedisResult<String> = ask(&self.sentinel.url(), &["SENTINEL", "REMOVE", SERVICE]).await;
        let port = self.servers[server].port().to_string();
        let _: String = self.of_sentinel(&["SENTINEL", "MONITOR", SERVICE, "127.0.0.1", &port, "1"]).await;
        for (name, value) in [("auth-pass", PASSWORD), ("down-after-milliseconds", "500"), ("failover-timeout", "2000")]
        {
            let _: String = self.of_sentinel(&["SENTINEL", "SET", SERVICE, name, value]).await;
        }
    }

    /// Waits until the sentinel calls a server the master.
    pub async fn until_master(&self, server: usize) {
        until("the sentinel has chosen", async || {
            let at: Vec<String> = self.of_sentinel(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE]).await;
            at == ["127.0.0.1".to_owned(), self.servers[server].port().to_string()]
        })
        .await;
    }

    /// Makes a server a master by hand; the other one stays what it is.
    pub async fn promote(&self, server: usize) {
        let _: String = ask(&self.signed_in(server), &["REPLICAOF", "NO", "ONE"]).await.expect("it is taken");
    }

    /// Whether a server says so of its part.
    pub async fn tells(&self, server: usize, words: &str) -> bool {
        let told: String = ask(&self.signed_in(server), &["INFO", "replication"]).await.expect("it answers");
        told.contains(words)
    }

    /// How many connections listen at a server.
    pub async fn listeners(&self, server: usize) -> usize {
        listeners(&self.signed_in(server)).await
    }

    /// Waits until so many listen at each.
    pub async fn until_listeners(&self, wanted: [usize; 2]) {
        until("they are where they should be", async || [self.listeners(0).await, self.listeners(1).await] == wanted)
            .await;
    }

    fn signed_in(&self, server: usize) -> String {
        format!("redis://:p%40ss%2Fword@127.0.0.1:{}", self.servers[server].port())
    }

    async fn of_sentinel<T: FromRedisValue>(&self, words: &[&str]) -> T {
        ask(&self.sentinel.url(), words).await.expect("the sentinel answers")
    }
}

/// How many connections listen at a server to words of ours.
pub async fn listeners(url: &str) -> usize {
    let channels: Vec<String> = ask(url, &["PUBSUB", "CHANNELS", "colloquy:*"]).await.expect("it answers");
    let mut listeners = 0;
    for channel in channels {
        let (_, at_it): (String, usize) = ask(url, &["PUBSUB", "NUMSUB", &channel]).await.expect("it answers");
        listeners += at_it;
    }
    listeners
}

async fn ask<T: FromRedisValue>(url: &str, words: &[&str]) -> RedisResult<T> {
    let mut connection = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
    let mut command = redis::cmd(words[0]);
    command.arg(&words[1..]);
    command.query_async(&mut connection).await
}

async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let since = Instant::now();
    while !is_so().await {
        assert!(since.elapsed() < LIMIT, "after {LIMIT:?} it is not so that {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
