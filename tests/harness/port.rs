//! Loopback ports for servers that must be told theirs.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the ports that systems hand out by themselves (Linux: from 32768), so that no passing connection takes the
/// port of a server that is stopped and started again.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port that nobody listens on now. Another process may still take it first: who starts a server tries again.
pub fn free_port() -> u16 {
    let start = std::process::id() as usize * 97;
    for _ in 0..COUNT {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) as usize;
        let port = FIRST + ((start + step) % COUNT as usize) as u16;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port from {FIRST} on");
}
