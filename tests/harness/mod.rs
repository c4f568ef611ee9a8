//! What the stories stand on: databases, servers and fakes of their own, the real program, and clients that ask it.

pub mod chance;
pub mod child;
pub mod client;
pub mod communities;
pub mod feed;
pub mod port;
pub mod postgres;
#[expect(dead_code, reason = "the benchmarks use the rest")]
pub mod process;
pub mod provision;
pub mod redis;
pub mod redis_nodes;
pub mod s3;
pub mod schema;
pub mod scratch;
#[expect(dead_code, reason = "the transport's own tests use the rest")]
pub mod socket;
pub mod sse;
pub mod story;
pub mod updates;
pub mod viber;
pub mod visitor;
pub mod world;

pub use provision::{Backend, Database, provision, provision_on};
