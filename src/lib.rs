//! A drop-in `etcdctl`. The binary only calls [`run`]; the library exists so that tests can see inside.

pub mod cluster;
pub mod error;
pub mod go;
pub mod secret;
