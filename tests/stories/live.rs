//! Open connections: what they hear of a right that ends, when they are closed, and what can be asked over them.

mod asking;
mod closing;
