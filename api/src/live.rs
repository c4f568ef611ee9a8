//! Subscriptions on the wire.
