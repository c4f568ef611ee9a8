//! The clients that front ends use, from the package registry, at a real server: graphql-ws and graphql-sse.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::harness::child::Child;
use crate::harness::story::stories;
use crate::harness::updates::Person;
use crate::harness::world::World;

stories!(World: the_clients_of_others_are_content);

/// Only a failing story waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

async fn the_clients_of_others_are_content(world: World) {
    let frontend = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frontend");
    assert!(frontend.join("node_modules/graphql-sse").exists(), "`make page` installs the clients");
    let channel = world.connect_channel("Shop").await;
    let dialogue = world.write(&channel, &Person::new(8201), "hello").await;

    let mut command = Command::new("node");
    // Node 20 has its WebSocket behind this; later ones take it as said.
    command.args(["--experimental-websocket", "testing/clients.mjs"]).current_dir(&frontend);
    let token = world.admin.api.token.as_deref().expect("signed in");
    command.args([&format!("{}/graphql", world.server.url), token, &dialogue]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let node = Child::spawn(command, libc::SIGKILL).expect("Node runs");
    let (output, errors) = {
        let mut process = node.process();
        (process.stdout.take().expect("piped"), process.stderr.take().expect("piped"))
    };
    let read = |pipe| spawn_blocking(move || std::io::read_to_string(pipe).expect("UTF-8"));
    let output = read(Box::new(output) as Box<dyn std::io::Read + Send>);
    let errors = read(Box::new(errors));
    let status = timeout(PATIENCE, node.exit()).await;
    drop(node);

    let errors = errors.await.expect("read");
    assert!(matches!(status, Ok(status) if status.success()), "{status:?}: {errors}");
    assert_eq!(output.await.expect("read"), "graphql-ws is content\ngraphql-sse is content\n");
}
