//! Pretend messengers: Telegram, VK and Viber as far as an inbox meets them, each on a port of this machine.
//!
//! They behave towards colloquy as the real ones do (registration, retries, signatures, echoes, receipts), check what the
//! real ones check, answer with recorded answers (`responses/`), remember every call, and fail on demand. The tests use
//! them, and so does `colloquy sandbox`, with a page on which a person is a client.
//!
//! Nothing here sleeps to wait for something: what is waited for wakes who waits.

pub mod phones;
pub mod socket;
pub mod telegram;
pub mod viber;
pub mod vk;
pub mod wire;
