//! Redis as several servers: a cluster, and a master that a sentinel may change.

use std::time::{Duration, Instant};

use colloquy::config::Pace;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::harness::Backend;
use crate::harness::feed::Feed;
use crate::harness::redis_nodes::{Cluster, Watched, listeners};
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::{Server, World};

stories!(Clustered, Postgres: words_reach_those_at_another_node_and_go_on_when_one_ends_or_hangs);
stories!(Guarded, Postgres:
    words_go_on_by_the_replica_that_the_sentinel_promotes,
    a_master_that_is_none_any_more_is_left_though_it_answers,
);

/// Two servers that never look by themselves as long as a story lasts: what they hear of each other they hear by Redis.
struct Two {
    world: World,
    other: Server,
    dialogue: String,
}

impl Two {
    /// Each with its own `REDIS_URL`.
    async fn start(backend: Backend, urls: [String; 2]) -> Self {
        let [first, second] = urls;
        let deaf = Pace { look: Duration::from_secs(3600), ..Pace::default() };
        let world = World::start_with(backend, |config| {
            config.redis_url = Some(first);
            config.pace = deaf;
        })
        .await;
        let other = world.another_with(|config| config.redis_url = Some(second)).await;
        let channel = world.connect_channel("Shop").await;
        let dialogue = world.write(&channel, &Person::new(6401), "Hello").await;
        Self { world, other, dialogue }
    }

    fn urls(&self) -> [&str; 2] {
        [&self.world.server.url, &self.other.url]
    }

    async fn follow(&self, server: &str) -> Feed {
        self.world.follow(&self.world.admin.at(server).api, None).await
    }

    /// Says something at one server; gives what tells its event. A comment goes to no messenger: nothing follows from it
    /// at a server that works for the channel, and makes that one look.
    async fn say(&self, server: &str) -> impl Fn(&Value) -> bool + use<> {
        let add = "mutation($input: AddCommentInput!) { addComment(input: $input) { comment { id } } }";
        let comment = json!({ "input": { "dialogueId": self.dialogue, "text": "Look" } });
        let added = self.world.admin.at(server).api.run(add, comment).await;
        let id: String = added.get("addComment.comment.id");
        move |event| event["kind"] == "COMMENT_ADDED" && event["comment"]["id"] == *id
    }

    /// What is said at either is heard at the other.
    async fn hear_each_other(&self) {
        let [first, second] = self.urls();
        for (from, to) in [(first, second), (second, first)] {
            let mut feed = self.follow(to).await;
            for _ in 0..5 {
                let said = self.say(from).await;
                feed.until(said).await;
            }
        }
    }

    /// Goes on saying something at each until the other hears it: what is said meanwhile is lost.
    async fn find_each_other_again(&self) {
        let [first, second] = self.urls();
        for (from, to) in [(first, second), (second, first)] {
            let mut feed = self.follow(to).await;
            loop {
                let said = self.say(from).await;
                if timeout(Duration::from_millis(100), feed.until(said)).await.is_ok() {
                    break;
                }
            }
        }
        self.hear_each_other().await;
        for server in self.urls() {
            let ready = reqwest::get(format!("{server}/readyz")).await.expect("it answers");
            assert_eq!(ready.status(), 200);
        }
    }
}

/// Each begins at a node of its own.
struct Clustered {
    two: Two,
    cluster: Cluster,
}

impl Clustered {
    async fn start(backend: Backend) -> Self {
        let cluster = Cluster::start().await;
        let two = Two::start(backend, [cluster.url_from(0), cluster.url_from(1)]).await;
        Self { two, cluster }
    }
}

async fn words_reach_those_at_another_node_and_go_on_when_one_ends_or_hangs(Clustered { two, cluster }: Clustered) {
    for node in &cluster.nodes {
        assert_eq!(listeners(&node.url()).await, 1, "each is at another node");
    }
    two.hear_each_other().await;
    cluster.nodes[0].stop().await;
    two.find_each_other_again().await;
    assert_eq!(listeners(&cluster.nodes[1].url()).await, 2);
    // The one that worked last is good as long as it works.
    cluster.nodes[0].start().await;
    two.hear_each_other().await;
    assert_eq!(listeners(&cluster.nodes[1].url()).await, 2);
    cluster.nodes[1].signal(libc::SIGSTOP);
    two.find_each_other_again().await;
}

/// Both ask a sentinel where to be.
struct Guarded {
    two: Two,
    redis: Watched,
}

impl Guarded {
    async fn start(backend: Backend) -> Self {
        let redis = Watched::start().await;
        let two = Two::start(backend, [redis.url(), redis.url()]).await;
        Self { two, redis }
    }
}

async fn words_go_on_by_the_replica_that_the_sentinel_promotes(Guarded { two, redis }: Guarded) {
    assert_eq!((redis.listeners(0).await, redis.listeners(1).await), (2, 0), "both are at the master");
    two.hear_each_other().await;
    redis.servers[0].stop().await;
    redis.until_master(1).await;
    two.find_each_other_again().await;
    assert_eq!(redis.listeners(1).await, 2);
    // It takes itself for a master still, until the sentinel tells it otherwise.
    redis.servers[0].start().await;
    two.hear_each_other().await;
    assert_eq!(redis.listeners(1).await, 2);
}

async fn a_master_that_is_none_any_more_is_left_though_it_answers(Guarded { two, redis }: Guarded) {
    two.hear_each_other().await;
    redis.promote(1).await;
    redis.watch(1).await;
    let since = Instant::now();
    redis.until_listeners([0, 2]).await;
    // Two seconds, and what a busy machine adds.
    assert!(since.elapsed() < Duration::from_secs(5), "after {:?}", since.elapsed());
    // Who listens there says there, too: nothing is lost any more.
    two.hear_each_other().await;
    assert!(redis.tells(0, "role:master").await, "nobody ended its connections");
}
