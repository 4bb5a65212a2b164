//! What a stream that outlives its connections makes of each failure: a pause, or an end.

use std::time::Duration;

use tokio::time::sleep;

use super::Cluster;
use super::cause::Cause;
use super::grpc::{Code, Status};
use super::link::{Failure, Incoming};
use crate::error::Result;

/// Pause before a lost stream is asked for again.
const PAUSE: Duration = Duration::from_millis(50);

/// How a stream has fared so far.
#[derive(Debug, Default)]
pub struct Lasting {
    /// Something was heard: from here on it goes on whatever happens to connections.
    pub begun: bool,
    /// The connection was lost, which was told.
    lost: bool,
    /// The token was renewed since anything was heard.
    logged_in_again: bool,
}

impl Lasting {
    /// Tells that the stream goes on, where its loss was told.
    pub fn heard(&mut self, cluster: &Cluster, incoming: &Incoming) {
        self.begun = true;
        self.logged_in_again = false;
        if std::mem::take(&mut self.lost) {
            cluster.link.target.say(format_args!("{}: the connection is back", incoming.name()));
        }
    }

    /// `None`: the stream is to be asked for again, now. Else the server's word that ends it.
    ///
    /// # Errors
    /// The first server was not reached within the dial timeout.
    pub async fn weigh(&mut self, cluster: &Cluster, failure: Failure) -> Result<Option<Status>> {
        let (name, cause) = match failure {
            Failure::Status(name, status) => {
                let again = !std::mem::replace(&mut self.logged_in_again, true);
                if again && status.wants_login() && cluster.log_out() {
                    return Ok(None);
                }
                // etcd 3.7.1, `client/v3/client.go`, `isHaltErr`; the leader's absence ends a watch there too.
                let passing = matches!(status.code, Code::UNAVAILABLE | Code::INTERNAL);
                if !passing || status.known() == Some("no leader") {
                    return Ok(Some(status));
                }
                cluster.link.move_on();
                (name, Cause::Server(status.message))
            }
            Failure::Lost(name, cause) => (name, cause),
            failure @ Failure::Unreached(_) if !self.begun => {
                return Err(cluster.explained(failure, None).await);
            }
            Failure::Unreached(mut causes) => match causes.0.pop() {
                Some(last) => last,
                None => return Ok(None),
            },
        };
        if !std::mem::replace(&mut self.lost, true) {
            cluster.link.target.say(format_args!("{name}: {cause}; connecting again"));
        }
        sleep(PAUSE).await;
        Ok(None)
    }
}
