//! How much visitors may do: for each of them, and for each address they come from. In the memory of one process, of a
//! fixed size: with several processes each counts its own.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::error::{Error, Result};

/// Counters that are kept. Whoever has so many addresses that all are live has them forgotten, and could do what they
/// do by that many addresses anyway.
const KEPT: usize = 50_000;
/// Connections from one address at a time.
const CONNECTIONS: usize = 100;
/// When one with too many may try again, in seconds.
const SOON: u64 = 30;

/// Where somebody asks from: an IPv4 address, or the network of an IPv6 one, whose last half its owner chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Address(IpAddr);

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        Self(match ip.to_canonical() {
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.segments();
                IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
            }
            ip @ IpAddr::V4(_) => ip,
        })
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    /// Anything.
    Asked,
    /// Messages, by the minute.
    Message,
    /// Messages, by the hour.
    Messages,
    /// First messages of visitors who have written none.
    First,
    /// Uploads.
    File,
    /// Uploads of visitors who have written no message.
    FirstFile,
    /// Words that they are writing.
    Typing,
}

/// Who does it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Who {
    Visitor(Uuid),
    Address(Address),
}

/// So many within a minute or an hour.
fn most(what: What, who: Who) -> (u32, Duration) {
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    match (what, who) {
        (What::Asked, Who::Visitor(_)) => (300, minute),
        (What::Asked, Who::Address(_)) => (3000, minute),
        (What::Message, Who::Visitor(_)) => (30, minute),
        (What::Message, Who::Address(_)) => (120, minute),
        (What::Messages, Who::Visitor(_)) => (300, hour),
        (What::Messages, Who::Address(_)) => (3000, hour),
        (What::First, _) => (20, hour),
        (What::File, Who::Visitor(_)) => (20, hour),
        (What::File, Who::Address(_)) => (100, hour),
        (What::FirstFile, _) => (30, hour),
        (What::Typing, _) => (60, minute),
    }
}

/// What was done of late, and who is connected.
#[derive(Default)]
pub(super) struct Limits {
    done: Mutex<HashMap<(What, Who), (u32, Instant)>>,
    connected: Arc<Mutex<HashMap<Address, usize>>>,
}

impl Limits {
    pub fn asks(&self, visitor: Option<Uuid>, address: Address) -> Result<()> {
        let by_visitor = visitor.map(|id| (What::Asked, Who::Visitor(id)));
        self.take(by_visitor.into_iter().chain([(What::Asked, Who::Address(address))]), Instant::now())
    }

    pub fn writes(&self, visitor: Uuid, address: Address, is_first: bool) -> Result<()> {
        let (visitor, address) = (Who::Visitor(visitor), Who::Address(address));
        let first = is_first.then_some((What::First, address));
        let each = [visitor, address].into_iter().flat_map(|who| [(What::Message, who), (What::Messages, who)]);
        self.take(each.chain(first), Instant::now())
    }

    pub fn uploads(&self, visitor: Uuid, address: Address, is_first: bool) -> Result<()> {
        let (visitor, address) = (Who::Visitor(visitor), Who::Address(address));
        let first = is_first.then_some((What::FirstFile, address));
        self.take([visitor, address].map(|who| (What::File, who)).into_iter().chain(first), Instant::now())
    }

    pub fn types(&self, visitor: Uuid) -> Result<()> {
        self.take([(What::Typing, Who::Visitor(visitor))], Instant::now())
    }

    pub fn connect(&self, address: Address) -> Result<Place> {
        let mut connected = lock(&self.connected);
        let count = connected.entry(address).or_default();
        if *count >= CONNECTIONS {
            return Err(Error::RateLimited(SOON));
        }
        *count += 1;
        Ok(Place { address, of: Arc::clone(&self.connected) })
    }

    /// Counts all of these, or none where one is used up.
    fn take(&self, all: impl IntoIterator<Item = (What, Who)>, now: Instant) -> Result<()> {
        let all: Vec<_> = all.into_iter().collect();
        let mut done = lock(&self.done);
        let left = |(what, who): (What, Who), since: Instant| {
            most(what, who).1.saturating_sub(now.saturating_duration_since(since))
        };
        if done.len() + all.len() > KEPT {
            done.retain(|key, (_, since)| !left(*key, *since).is_zero());
            if done.len() + all.len() > KEPT {
                done.clear();
            }
        }
        let waits = all.iter().filter_map(|key| {
            let (count, since) = done.get(key)?;
            (*count >= most(key.0, key.1).0).then(|| left(*key, *since)).filter(|wait| !wait.is_zero())
        });
        if let Some(wait) = waits.max() {
            return Err(Error::RateLimited(wait.as_secs() + 1));
        }
        for key in all {
            let (count, since) = done.entry(key).or_insert((0, now));
            if left(key, *since).is_zero() {
                (*count, *since) = (0, now);
            }
            *count += 1;
        }
        Ok(())
    }
}

/// One connection's place among those of its address.
pub struct Place {
    address: Address,
    of: Arc<Mutex<HashMap<Address, usize>>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut connected = lock(&self.of);
        if let Some(count) = connected.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                connected.remove(&self.address);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        text.parse::<IpAddr>().unwrap().into()
    }

    #[test]
    fn what_is_used_up_is_there_again_when_its_time_is_over() {
        let (limits, now) = (Limits::default(), Instant::now());
        let key = (What::Message, Who::Visitor(Uuid::from_bytes([1; 16])));
        for _ in 0..30 {
            limits.take([key], now).unwrap();
        }
        let refused = |at| match limits.take([key], at) {
            Err(Error::RateLimited(seconds)) => Some(seconds),
            other => other.map(|()| None).unwrap(),
        };
        assert_eq!(refused(now), Some(61));
        assert_eq!(refused(now + Duration::from_secs(50)), Some(11));
        let another = (What::Message, Who::Visitor(Uuid::from_bytes([2; 16])));
        limits.take([another], now).unwrap();
        assert_eq!(refused(now + Duration::from_secs(60)), None, "a minute later");
    }

    #[test]
    fn what_is_refused_is_not_counted() {
        let (limits, now) = (Limits::default(), Instant::now());
        let visitor = (What::Message, Who::Visitor(Uuid::from_bytes([1; 16])));
        let first = (What::First, Who::Address(address("192.0.2.1")));
        for _ in 0..20 {
            limits.take([first], now).unwrap();
        }
        for _ in 0..50 {
            assert!(limits.take([visitor, first], now).is_err());
        }
        for _ in 0..30 {
            limits.take([visitor], now).unwrap();
        }
    }

    #[test]
    fn an_address_is_what_one_household_has() {
        assert_eq!(address("2001:db8:1:2::1"), address("2001:db8:1:2:ffff::9"));
        assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
    }

    #[test]
    fn the_memory_is_bounded() {
        let (limits, now) = (Limits::default(), Instant::now());
        for number in 0..2 * KEPT {
            limits.take([(What::Asked, Who::Visitor(Uuid::from_u128(number as u128)))], now).unwrap();
        }
        assert!(lock(&limits.done).len() <= KEPT);
    }

    #[test]
    fn connections_are_bounded_by_address_and_their_places_given_back() {
        let limits = Limits::default();
        let from = address("192.0.2.1");
        let mut places: Vec<Place> = (0..CONNECTIONS).map(|_| limits.connect(from).unwrap()).collect();
        assert!(limits.connect(from).is_err());
        limits.connect(address("192.0.2.2")).unwrap();
        places.pop();
        limits.connect(from).unwrap();
        drop(places);
        assert!(lock(&limits.connected).is_empty());
    }
}
