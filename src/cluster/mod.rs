//! The live cluster: where it is, how it is reached, what it answers.

pub mod tls;
