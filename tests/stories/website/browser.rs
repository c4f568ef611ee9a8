//! The widget in a real browser, on a page of another origin: written there, read at the desk, answered, read there.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::harness::Backend;
use crate::harness::child::Child;
use crate::harness::feed::Feed;
use crate::harness::story;
use crate::harness::world::World;

/// Only a failing story waits so long: a browser takes its time to start.
const PATIENCE: Duration = Duration::from_secs(100);

/// What the browsers that can be driven are called.
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

#[test]
fn a_visitor_writes_in_the_widget_and_is_answered() {
    story::run(Backend::Sqlite, World::start, visitor);
}

fn browser() -> &'static str {
    let is_there = |name: &&str| {
        let found = Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        found.is_ok_and(|status| status.success())
    };
    BROWSERS.into_iter().find(is_there).expect("scripts/install-for-tests installs Chromium")
}

async fn visitor(world: World) {
    let frontend = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontend");
    for needed in ["dist/widget.js", "node_modules/axe-core"] {
        assert!(frontend.join(needed).exists(), "`make page` brings {needed}");
    }
    let mut command = Command::new("node");
    // Node 20 has its WebSocket behind this; later ones take it as said.
    command.args(["--experimental-websocket", "testing/widget-browser.mjs", browser()]).current_dir(&frontend);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let node = Child::spawn(command, libc::SIGTERM).expect("Node runs");
    let (mut input, output, errors) = {
        let mut process = node.process();
        (
            process.stdin.take().expect("piped"),
            process.stdout.take().expect("piped"),
            process.stderr.take().expect("piped"),
        )
    };
    let errors = spawn_blocking(move || std::io::read_to_string(errors).unwrap_or_default());
    let (said, mut lines) = mpsc::unbounded_channel();
    let output = spawn_blocking(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = said.send(line);
        }
    });
    let told = async {
        let origin = lines.recv().await?;
        let channel = world.connect_website("Shop", &[&origin]).await;
        let begin = json!({ "server": world.server.url, "channel": channel.id, "token": world.admin.api.token });
        writeln!(input, "{begin}").expect("Node listens");
        let mut desk = Feed::follow(&world.admin.api, None).await;
        assert_eq!(lines.recv().await?, "written");
        let heard = desk.until(|event| event["message"]["text"] == "Is it there?").await;
        let dialogue = heard.last()?["dialogue"]["id"].as_str()?.to_owned();
        let answer = world.admin.send(&dialogue, "It is, in blue").await;
        assert_eq!(lines.recv().await?, "read");
        // It was on the screen, and the widget has said so.
        desk.until_delivery(&answer, "READ").await;
        Some(())
    };
    let told = timeout(PATIENCE, told).await;
    let status = timeout(PATIENCE, node.exit()).await;
    drop(node);

    let errors = errors.await.expect("read");
    assert!(matches!(told, Ok(Some(()))), "{status:?}: {errors}");
    assert!(matches!(status, Ok(status) if status.success()), "{status:?}: {errors}");
    output.await.expect("read");
}
