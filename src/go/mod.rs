//! Text and numbers as Go’s standard library reads and writes them: pure functions, tested by tables.
//!
//! The tables hold what real Go programs printed (Go 1.26, pflag 1.0.10, cobra 1.10.2).

pub mod csv;
pub mod duration;
pub mod errno;
pub mod json;
pub mod number;
pub mod printable;
pub mod quote;
mod run;
pub mod scan;
pub mod size;
pub mod tokens;
pub mod url;
pub mod words;
