//! One test program, so one link.

mod support {
    pub mod certs;
}
mod tls;
