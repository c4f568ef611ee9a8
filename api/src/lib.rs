//! colloquy: a customer-messaging inbox, all of what runs.
//!
//! # The map
//!
//! | module | |
//! |---|---|
//! | [`config`], [`app`], [`serve`], [`sandbox`] | settings; what every function gets; starting and stopping; pretend messengers |
//! | [`db`], [`error`], [`viewer`], [`policy`], [`paging`] | the database and [`Tx`](db::Tx); errors and their codes; who asks; who may; pages |
//! | [`inbox`] | what the product does, a file a noun |
//! | [`log`] | the event log: writing, positions, following, reading |
//! | [`bus`] | how word travels between processes: in the process, or by Redis |
//! | [`messenger`] | how the outside speaks: Telegram, VK, Viber, websites; fetching from the public internet; knows nothing of the inbox |
//! | [`graphql`] | the API's shape, a file a noun, and the guard in front of it; [`graphql::chat`], that of websites' visitors |
//! | [`live`] | what stays connected: WebSocket and SSE |
//! | [`http`] | the doors: GraphQL, webhooks, files, exports, the website's chat, pages, health |
//! | [`words`] | what is found by what: words, their forms, numbers; the same on every database |
//! | [`secrets`], [`metrics`] | encryption, tokens, passwords; numbers for Prometheus |
//!
//! Imports point one way: `http` → `graphql`, `live` → `inbox` → `messenger`, `log`, `bus`, `db`, `policy` → the crate
//! `colloquy_entity`, which says what is stored. `inbox` knows neither axum nor async-graphql; `graphql` and `http` know
//! neither SQL nor Redis. Why it is built so: `docs/architecture.md`.
//!
//! Small types carry everything. [`App`](app::App) is made once, the same in tests. [`Viewer`](viewer::Viewer) is who asks,
//! the second argument of the functions of the inbox. [`Tx`](db::Tx) is a change: what it does and the events that tell of it
//! commit together. [`Event`](log::Event) holds ids and what changed. [`Messenger`](messenger::Messenger) reads updates
//! and sends messages.
//!
//! # Three walks
//!
//! ## A client writes
//!
//! 1. `http::webhooks::receive` finds the channel ([`connecting::at_door`](inbox::connecting::at_door)), or one that is just
//!    being connected, whose messenger tries our address out.
//! 2. [`intake::take`](inbox::intake::take) has the messenger check in constant time that it is they who speak
//!    ([`Messenger::verify`](messenger::Messenger::verify)), and has the update until it is stored or given up. It lets the messenger
//!    read it ([`Messenger::read`](messenger::Messenger::read)), which never fails on what it does not know, and asks for what an
//!    update leaves out: the client's name, the rest of a cropped message (`inbox::profiles`).
//! 3. [`receive::receive`](inbox::receive::receive) is the one transaction: [`App::begin`](app::App::begin); the client,
//!    the dialogue, a contractor, a deal, the next manager of the queue, the message and the automatic texts, with an
//!    event for each ([`Tx::emit`](db::Tx::emit)); [`Tx::commit`](db::Tx::commit), which returns once the events have
//!    their positions (`log::append`).
//! 4. The messenger is answered 200. Files that came along are fetched afterwards (`inbox::fetching`), into the store and
//!    with a preview (`inbox::files`).
//!
//! A website's visitor comes by a door of our own: [`chat::admit`](inbox::chat::admit) reads their signed token,
//! [`chat::send`](inbox::chat::send) goes on with step 3, and [`chat::Updates`](inbox::chat::Updates) is their place in the log.
//!
//! Where the outside cannot reach us, `inbox::polling` asks for updates, and goes on with step 2.
//!
//! ## An operator answers
//!
//! 1. `http::graphql::post` finds out who asks ([`sessions::viewer`](inbox::sessions::viewer)); [`Api::admit`](graphql::Api::admit)
//!    bounds the document, and [`Api::run`](graphql::Api::run) runs it.
//! 2. The resolver of `sendMessage` is a call of [`messages::send`](inbox::messages::send): may they, can they see it; the
//!    message is stored as QUEUED and told of, in one transaction. Its files were uploaded before
//!    ([`files::upload`](inbox::files::upload), by `http::files`).
//! 3. The process that has the channel's lease ([`leases::run`](inbox::leases::run)) hears of the event. Its sender
//!    (`inbox::delivery`) counts a try, calls [`Messenger::send`](messenger::Messenger::send), and records what became of it, with the event
//!    MESSAGE_DELIVERY_CHANGED. What the messenger tells later of how far it came is a receipt (`inbox::receipts`), what it tells
//!    of our own sending an echo (`inbox::receive`).
//! 4. [`changes::edit`](inbox::changes::edit) and [`changes::delete`](inbox::changes::delete) change it here at once, and at the
//!    messenger in the order of sending.
//!
//! ## A front end follows
//!
//! 1. [`Live::upgrade`](live::Live::upgrade) speaks graphql-transport-ws on a WebSocket
//!    ([`Live::event_stream`](live::Live::event_stream) on SSE); [`Operations::connect`](live::Operations::connect) makes a
//!    viewer of the token.
//! 2. [`Api::follow`](graphql::Api::follow) hands `events` and `eventBatches` to `graphql::shared`: the arguments are
//!    checked, and the subscriber joins those who follow with the same operation. A [`Following`](log::Following) reads the
//!    log since the cursor, and then takes what the process's follower ([`Log::run`](log::Log::run)) hands on by its route
//!    (`log::routes`): what its filter names.
//! 3. As an event is handed over, [`Access::hears`](log::Access::hears) says whether this viewer may hear of it now.
//! 4. For those who see everything it is executed once, in a task that depends on nobody's socket, and all take the
//!    [`Answer`](live::Answer); for observers, and where a field is the viewer's own, it is executed for each.
#![recursion_limit = "256"]
pub mod app;
pub mod bus;
pub mod config;
pub mod db;
pub mod error;
pub mod graphql;
pub mod http;
pub mod inbox;
pub mod live;
pub mod log;
pub mod messenger;
pub mod metrics;
pub mod paging;
pub mod policy;
mod ranked;
pub mod sandbox;
pub mod secrets;
pub mod serve;
pub mod viewer;
pub mod words;
