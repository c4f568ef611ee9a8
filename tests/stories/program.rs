//! The program from outside: its commands, its settings, starting, stopping, and what it writes of both.

mod commands;
mod demo;
mod sandbox;
mod stopping;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use futures_util::future::join;
use serde_json::{Value, json};

use crate::harness::client::Api;
use crate::harness::process::Program;
use crate::harness::scratch::Scratch;
use crate::harness::socket::Socket;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::visitor::{ORIGIN, Visitor};
use crate::harness::world::Channel;
use crate::harness::{Backend, Database, provision};
use colloquy_sandbox::telegram::FakeTelegram;

stories!(Home: it_stops_in_good_order_and_keeps_everything, a_second_process_is_refused_where_it_would_do_harm,
    nothing_secret_is_logged, several_migrate_at_once);

const KEY: &str = "0707070707070707070707070707070707070707070707070707070707070707";
const PASSWORD: &str = "correct horse battery";

/// A database, and a directory to run the program in.
struct Home {
    backend: Backend,
    dir: Scratch,
    database: Database,
}

impl Home {
    async fn start(backend: Backend) -> Self {
        Self { backend, dir: Scratch::new(), database: provision(backend).await }
    }

    /// What the program is told of this home.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let files = format!("file://{}", self.dir.path().join("files").display());
        let mut settings =
            vec![("DATABASE_URL", self.database.url.clone()), ("SECRET_KEY", KEY.into()), ("FILES_URL", files)];
        settings.extend(self.database.redis_url().map(|url| ("REDIS_URL", url)));
        settings
    }

    async fn serve(&self, more: &[(&str, &str)]) -> Program {
        let settings = self.settings();
        let mut all: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        all.extend(more);
        Program::serve(&all).await
    }

    /// Runs a command to its end.
    async fn run(&self, arguments: &[&str], input: &str) -> Output {
        let settings = self.settings();
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        run(&self.dir, arguments, &settings, input).await
    }

    async fn add_administrator(&self) {
        let arguments = ["user", "add", "--name", "Anna", "--email", "anna@example.com", "--role", "admin"];
        let output = self.run(&arguments, &format!("{PASSWORD}\n")).await;
        assert!(output.status.success(), "{output:?}");
    }
}

/// Runs a command with these settings and no others, in a directory without a `.env` file but its own.
async fn run(dir: &Scratch, arguments: &[&str], settings: &[(&str, &str)], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_colloquy"));
    command.args(arguments).env_clear().envs(settings.iter().copied()).current_dir(dir.path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = input.to_owned();
    let ended = tokio::task::spawn_blocking(move || {
        use std::io::Write;
        let mut child = command.spawn().expect("the program runs");
        // One that ends at once does not read.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        child.wait_with_output().expect("it ends")
    });
    ended.await.expect("no panic")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn sign_in(url: &str) -> Api {
    let sign_in =
        format!("mutation {{ signIn(input: {{ email: \"anna@example.com\", password: {PASSWORD:?} }}) {{ token }} }}");
    let anonymous = Api::anonymous(url);
    let token: String = anonymous.run(&sign_in, Value::Null).await.get("signIn.token");
    anonymous.with_token(&token)
}

async fn it_stops_in_good_order_and_keeps_everything(home: Home) {
    home.add_administrator().await;
    let program = home.serve(&[]).await;
    let api = sign_in(program.url()).await;
    let tag = "mutation { createFunnel(input: { name: \"Sales\", stages: [{ name: \"New\" }] }) { funnel { id } } }";
    let funnel: String = api.run(tag, Value::Null).await.get("createFunnel.funnel.id");
    let socket = Socket::connect(&format!("{}/graphql", program.url()), api.token.as_deref()).await;
    let following = socket.subscribe("subscription { events { kind } }", json!({}));
    socket.ping().await;

    let status = program.terminate().await;

    assert_eq!(status.code(), Some(0));
    assert_eq!(socket.closed().await.0, 1001);
    drop(following);
    assert!(reqwest::get(format!("{}/healthz", program.url())).await.is_err(), "nobody is there");
    if let Some(file) = home.database.url.strip_prefix("sqlite://") {
        assert!(!Path::new(&format!("{file}-wal")).exists(), "everything is in the file, which can be copied");
    }

    let program = home.serve(&[]).await;
    let mut again = Api::anonymous(program.url());
    again.token = api.token;
    let kept = again.run("{ funnels { id } viewer { email } }", Value::Null).await;
    assert_eq!(kept.data(), &json!({ "funnels": [{ "id": funnel }], "viewer": { "email": "anna@example.com" } }));
    // Ctrl-C in a terminal is as good.
    program.signal(libc::SIGINT);
    assert_eq!(program.exit().await.code(), Some(0));
}

async fn a_second_process_is_refused_where_it_would_do_harm(home: Home) {
    home.add_administrator().await;
    let first = home.serve(&[]).await;
    match home.backend {
        Backend::Sqlite => {
            let second = home.run(&["serve", "--listen", "127.0.0.1:0"], "").await;
            assert_eq!((second.status.code(), text(&second.stdout).as_str()), (Some(2), ""));
            assert!(text(&second.stderr).starts_with("colloquy: DATABASE_URL: "), "{second:?}");
        }
        Backend::Postgres => {
            let second = home.serve(&[]).await;
            let api = sign_in(second.url()).await;
            let other = Api::anonymous(first.url()).with_token(api.token.as_deref().expect("signed in"));
            other.run("{ viewer { id } }", Value::Null).await.data();
        }
    }
    sign_in(first.url()).await;
    // Commands may run beside it.
    let arguments = ["user", "add", "--name", "Boris", "--email", "boris@example.com", "--role", "observer"];
    let output = home.run(&arguments, "another password\n").await;
    assert!(output.status.success(), "{output:?}");
    let sign_in =
        "mutation { signIn(input: { email: \"boris@example.com\", password: \"another password\" }) { token } }";
    Api::anonymous(first.url()).run(sign_in, Value::Null).await.data();
}

async fn nothing_secret_is_logged(home: Home) {
    home.add_administrator().await;
    let telegram = FakeTelegram::start().await;
    let bot = "7000000001:AAsecretOfTheBot";
    telegram.bot(bot, "secret_bot");
    let program = home.serve(&[("TELEGRAM_API_URL", telegram.url()), ("LOG", "trace"), ("LOG_FORMAT", "json")]).await;
    let api = sign_in(program.url()).await;
    let made: String = api
        .run("mutation { createApiToken(input: { name: \"x\" }) { secret } }", Value::Null)
        .await
        .get("createApiToken.secret");
    let connect = "mutation($token: String!) { connectChannel(input: { name: \"Shop\", credentials: { telegram: { botToken: $token } } }) { channel { id } } }";
    api.run(connect, json!({ "token": bot })).await.data();
    // Polled: the bot's token is in each address. One message each way, and a refusal.
    let person = Person::new(801);
    telegram.push(bot, person.says("hello"));
    telegram.wait_for_confirmed(bot).await;
    let dialogues: Vec<Value> = api.run("{ dialogues { nodes { id } } }", Value::Null).await.get("dialogues.nodes");
    telegram.fail_next("sendMessage", colloquy_sandbox::telegram::Fault::Reset);
    let send =
        "mutation($id: ID!) { sendMessage(input: { dialogueId: $id, text: \"words of ours\" }) { message { id } } }";
    api.run(send, json!({ "id": dialogues[0]["id"] })).await.data();
    telegram.wait_for_sent(1).await;
    api.with_token("cqt_wrong").run("{ viewer { id } }", Value::Null).await;
    let socket = Socket::connect(&format!("{}/graphql", program.url()), Some(&made)).await;
    socket.ping().await;
    let (visitor, signed) = visit(&api).await;
    api.run("{ broken", Value::Null).await;
    assert_eq!(program.terminate().await.code(), Some(0));

    let log = program.errors();
    let session = api.token.as_deref().expect("signed in");
    for secret in [PASSWORD, bot, "AAsecretOfTheBot", session, &made, "cqt_wrong", KEY, &visitor, "cqv_forged", &signed]
    {
        assert!(!log.contains(secret), "{secret} is in the log:\n{}", around(&log, secret));
    }
    let mut with_id = 0;
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        let spans = line["spans"].as_array().into_iter().flatten();
        with_id += spans.filter(|span| span["name"] == "request" && span["id"].is_string()).count();
    }
    assert!(with_id > 5, "requests have their ids in the log");
}

/// A visitor of a website who sends a file, and one who is none; gives their token, and what signs the file's address.
async fn visit(api: &Api) -> (String, String) {
    let connect = "mutation($origins: [String!]!) { connectChannel(input: {
        name: \"Site\", credentials: { website: { allowedOrigins: $origins } }
    }) { channel { id } } }";
    let connected = api.run(connect, json!({ "origins": [ORIGIN] })).await;
    let channel = Channel { id: connected.get("connectChannel.channel.id"), token: String::new() };
    let visitor = Visitor::start_at(&Api::page(&api.url, ORIGIN), &channel).await;
    let (_, uploaded) = visitor.upload("a.txt", "text/plain", b"a".to_vec()).await;
    let sent = visitor.send_with("file", json!({ "files": [uploaded["id"]] })).await;
    let url = sent.at("sendMessage.message.files.0.url").as_str().expect("an address").to_owned();
    let got = reqwest::Client::builder().no_proxy().build().expect("a client").get(&url).send().await;
    assert_eq!(got.expect("an answer").status(), 200);
    let forged = Visitor { api: visitor.api.with_token("cqv_forged") };
    assert_eq!(forged.send("forged", "Hello").await.error_code(), "UNAUTHENTICATED");
    let signature = url.rsplit(['=', '/']).next().expect("a signature").to_owned();
    assert!(signature.len() > 20, "{url}");
    (visitor.api.token.expect("a token"), signature)
}

fn around<'a>(log: &'a str, word: &str) -> &'a str {
    log.lines().find(|line| line.contains(word)).unwrap_or_default()
}

async fn several_migrate_at_once(home: Home) {
    // One that nobody has migrated yet.
    let mut home = home;
    match home.backend {
        Backend::Sqlite => home.database.url = format!("sqlite://{}", home.dir.path().join("new/fresh.db").display()),
        Backend::Postgres => {
            let server = crate::harness::postgres::PostgresServer::shared().await;
            home.database.url = server.url(&server.create_database("template0").await);
        }
    }
    let (one, other) = join(home.run(&["migrate"], ""), home.run(&["migrate"], "")).await;
    assert!(one.status.success() && other.status.success(), "{one:?}\n{other:?}");
    home.add_administrator().await;
}
