//! Kubernetes objects as they are stored, printed as kubectl would. Bytes in, a tree or text out; nothing
//! here reads a file or asks a server.

pub mod schema;
