//! Commands and settings: what they print, and what they say of what is wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;

use crate::harness::client::Api;
use crate::harness::process::Program;
use crate::harness::scratch::Scratch;

use super::{KEY, PASSWORD, run, text};

#[tokio::test]
async fn the_printed_schema_is_the_one_in_the_repository() {
    let output = run(&Scratch::new(), &["schema"], &[], "").await;
    assert!(output.status.success(), "{output:?}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema.graphql");
    let kept = fs::read_to_string(&file).expect("schema.graphql is there");
    assert!(text(&output.stdout) == kept, "schema.graphql is stale: cargo run -q -- schema > schema.graphql");
}

#[tokio::test]
async fn a_wrong_setting_ends_the_start_with_a_line_that_names_it() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("it is bound").to_string();
    let wrong = [
        ("DATABASE_URL", "mysql://localhost/x"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///proc/no/such/folder/x.db"),
        ("DATABASE_URL", "nonsense"),
        ("REDIS_URL", "http://127.0.0.1"),
        ("REDIS_URL", "redis://127.0.0.1:1/"),
        ("REDIS_URL", "redis://:s3cret@127.0.0.1:1,redis://:s3cret@127.0.0.1:2"),
        ("REDIS_URL", "redis://:s3cret@127.0.0.1:1,127.0.0.1:2"),
        ("REDIS_URL", "rediss://:s3cret@127.0.0.1"),
        ("REDIS_URL", "redis+sentinel://:s3cret@127.0.0.1:1/shop"),
        ("REDIS_URL", "redis+sentinel://:s3cret@127.0.0.1"),
        ("REDIS_URL", "redis+sentinel://:s3cret@127.0.0.1/shop/first"),
        ("LISTEN", "nonsense"),
        ("LISTEN", "127.0.0.1"),
        ("LISTEN", taken.as_str()),
        ("PUBLIC_URL", "nonsense"),
        ("PUBLIC_URL", "ftp://desk.example"),
        ("PUBLIC_URL", "http://desk.example"),
        ("PUBLIC_URL", "https://desk.example?a=b"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", &"z".repeat(64)),
        ("FILES_URL", "nonsense"),
        ("FILES_URL", "ftp://desk.example/files"),
        ("FILES_URL", "file:///proc/no/such/folder"),
        ("FILES_URL", "s3://attachments"),
        ("FILES_URL", "s3:///attachments"),
        ("FILES_URL", "s3://AKID:s3cret@attachments"),
        ("TELEGRAM_API_URL", "nonsense"),
        ("TELEGRAM_API_URL", "https://api.example.com/bot"),
        ("VK_API_URL", "ftp://api.example.com"),
        ("VIBER_API_URL", "https://user@api.example.com"),
        ("LOG", "colloquy=loudly"),
        ("LOG_FORMAT", "xml"),
        ("INTROSPECTION", "maybe"),
        ("ALLOWED_ORIGINS", "https://desk.example/path"),
        ("CONNECTION_INIT_WAIT", "0"),
        ("CONNECTION_INIT_WAIT", "10s"),
        ("METRICS_LISTEN", "nonsense"),
        ("METRICS_LISTEN", taken.as_str()),
    ];
    let dir = Scratch::new();
    let database = format!("sqlite://{}", dir.path().join("data/colloquy.db").display());
    for (name, value) in wrong {
        let settings = [("DATABASE_URL", database.as_str()), ("LISTEN", "127.0.0.1:0"), (name, value)];
        let output = run(&dir, &["serve"], &settings, "").await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}={value}: {said}");
        let (lines, named) = (said.lines().count(), said.lines().last().is_some_and(|line| line.contains(name)));
        assert!(lines == 1 && named && said.len() < 300, "{name}={value}: {said}");
        assert_eq!(text(&output.stdout), "", "{name}={value}");
        assert!(!said.contains("s3cret"), "{name}={value}: {said}");
    }
    let s3 = [("FILES_URL", "s3://attachments"), ("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "s3cret")];
    for (name, value) in [
        ("AWS_SECRET_ACCESS_KEY", ""),
        ("AWS_REGION", " "),
        ("AWS_ENDPOINT_URL", "nonsense"),
        ("AWS_ENDPOINT_URL", "http://minio.example:9000"),
        ("AWS_ENDPOINT_URL", "https://minio.example/bucket"),
        // Nobody listens there.
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
    ] {
        let own = [("DATABASE_URL", database.as_str()), ("LISTEN", "127.0.0.1:0")];
        let settings: Vec<_> = own.into_iter().chain(s3).chain([(name, value)]).collect();
        let output = run(&dir, &["serve"], &settings, "").await;
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}={value}: {said}");
        let named = said.contains(name) || said.contains("FILES_URL");
        assert!(named && said.lines().count() == 1 && !said.contains("s3cret"), "{name}={value}: {said}");
    }
    let output = run(&dir, &["serve"], &[("DATABASE_URL", "postgres://nobody@127.0.0.1/nothing")], "").await;
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("SECRET_KEY"), "PostgreSQL needs it given: {output:?}");
    fs::write(dir.path().join(".env"), "LOG_FORMAT=xml\n").expect("a file is written");
    let output = run(&dir, &["serve"], &[("DATABASE_URL", &database), ("LISTEN", "127.0.0.1:0")], "").await;
    assert!(text(&output.stderr).contains("LOG_FORMAT"), "the .env file is read: {output:?}");
}

#[tokio::test]
async fn help_lists_all_settings() {
    let output = run(&Scratch::new(), &["serve", "--help"], &[("DATABASE_URL", "postgres://x:hidden@y/z")], "").await;
    let help = text(&output.stdout);
    for name in [
        "DATABASE_URL",
        "REDIS_URL",
        "LISTEN",
        "PUBLIC_URL",
        "SECRET_KEY",
        "FILES_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_ENDPOINT_URL",
        "TELEGRAM_API_URL",
        "VK_API_URL",
        "VIBER_API_URL",
        "LOG",
        "LOG_FORMAT",
        "INTROSPECTION",
        "ALLOWED_ORIGINS",
        "CONNECTION_INIT_WAIT",
        "METRICS_LISTEN",
        "--demo",
    ] {
        assert!(help.contains(name), "{name} is not in\n{help}");
    }
    for default in ["sqlite://data/colloquy.db", "127.0.0.1:8080", "https://api.telegram.org"] {
        assert!(help.contains(default), "{default} is not in\n{help}");
    }
    assert!(!help.contains("hidden"), "what is set now may be secret");
}

#[tokio::test]
async fn employees_and_tokens_are_made_on_the_command_line() {
    let dir = Scratch::new();
    let database = format!("sqlite://{}", dir.path().join("data/colloquy.db").display());
    let settings = [("DATABASE_URL", database.as_str())];
    let add = async |email: &str, role: &str, password: &str| {
        let arguments = ["user", "add", "--name", "Anna", "--email", email, "--role", role];
        run(&dir, &arguments, &settings, password).await
    };
    // On a database that is not there yet.
    let output = add("anna@example.com", "admin", &format!("{PASSWORD}\r\n")).await;
    assert!(output.status.success() && text(&output.stdout).starts_with("usr_"), "{output:?}");
    assert!(!text(&output.stdout).contains(PASSWORD) && !text(&output.stderr).contains(PASSWORD));
    let key = dir.path().join("data/secret.key");
    let kept = fs::read_to_string(&key).expect("the first start makes a key");
    assert_eq!(kept.trim().len(), 64);
    assert_eq!(fs::metadata(&key).expect("it is there").permissions().mode() & 0o777, 0o600);

    for (email, role, password) in [
        ("anna@example.com", "employee", "long enough\n"),
        ("nonsense", "employee", "long enough\n"),
        ("boris@example.com", "employee", "short\n"),
        ("boris@example.com", "employee", ""),
    ] {
        let output = add(email, role, password).await;
        let said = text(&output.stderr);
        assert!(output.status.code() == Some(1) && said.lines().count() == 1, "{email} {password:?}: {said}");
    }
    assert_eq!(add("boris@example.com", "king", "long enough\n").await.status.code(), Some(2));

    let token =
        async |email: &str| run(&dir, &["token", "create", "--email", email, "--name", "sync"], &settings, "").await;
    let output = token("Anna@Example.com").await;
    assert!(output.status.success(), "{output:?}");
    let printed = text(&output.stdout).trim().to_owned();
    let output = token("nobody@example.com").await;
    assert!(output.status.code() == Some(1) && text(&output.stderr).lines().count() == 1, "{output:?}");

    let program = Program::serve(&settings).await;
    let sign_in = format!(
        "mutation {{ signIn(input: {{ email: \"anna@example.com\", password: {PASSWORD:?} }}) {{ viewer {{ role }} }} }}"
    );
    let anonymous = Api::anonymous(program.url());
    assert_eq!(anonymous.run(&sign_in, Value::Null).await.at("signIn.viewer.role"), "ADMIN");
    let viewer = anonymous.with_token(&printed).run("{ viewer { email } }", Value::Null).await;
    assert_eq!(viewer.at("viewer.email"), "anna@example.com");
    assert_eq!(fs::read_to_string(&key).expect("it is there"), kept, "made once");
    drop(program);
    let other = [("DATABASE_URL", database.as_str()), ("SECRET_KEY", KEY), ("LISTEN", "127.0.0.1:0")];
    Program::serve(&other).await;
}
