//! JSON: text to a tree, and a tree to text as the API server and kubectl write it.

mod read;
mod write;

pub use read::{number, read, read_partly};
pub use write::{Style, canonical, write};

#[cfg(test)]
mod tests;
