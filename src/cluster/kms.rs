//! KMS plugins of an API server: programs beside it that unwrap the keys of sealed values, asked over gRPC on a socket of
//! this machine (`k8s.io/kms`, `apis/v1beta1` and `apis/v2`). Only those that a configuration names.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroize as _;

use super::conn::KeepAlive;
use super::endpoint::Endpoint;
use super::grpc::{self, PREFIX};
use super::link::{Ask, Failure, Link};
use super::target::{Limits, Login, Patience, Target};
use crate::kube::encryption::{Keys, Version, Wrapped};
use crate::proto::{KmsResponse, KmsV1Request, KmsV2Request};
use crate::reply::Pair;

/// The most that a plugin may answer: keys are short.
const LIMIT: usize = 64 << 10;

/// The plugins that were asked, by their sockets; none where one did not answer, which is not asked again.
#[derive(Default)]
pub struct Plugins(BTreeMap<String, Option<Link>>);

impl Plugins {
    /// Has the keys unwrapped that these values need, and says which plugin did not.
    pub async fn unwrap(&mut self, keys: &Keys, pairs: &[Pair]) -> Vec<String> {
        let mut failures = Vec::new();
        for pair in pairs {
            let Some(wrapped) = keys.wrapped(&pair.value) else { continue };
            let link = self.0.entry(wrapped.plugin.endpoint.clone());
            let link = link.or_insert_with(|| Some(Link::new(target(&wrapped))));
            let Some(open) = link else { continue };
            match ask(open, &wrapped).await {
                Ok(key) => keys.learn(wrapped.key, key),
                Err(why) => {
                    let name = &wrapped.plugin.name;
                    failures.push(format!("the KMS plugin {name:?} unwraps no key: {why}"));
                    *link = None;
                }
            }
        }
        failures
    }
}

fn target(wrapped: &Wrapped) -> Target {
    let patience = wrapped.plugin.timeout;
    Target {
        endpoints: vec![Endpoint::parse(&wrapped.plugin.endpoint)],
        tls: None,
        login: Login::None,
        patience: Patience { dial: Some(patience), command: patience },
        keep_alive: KeepAlive { every: Duration::ZERO, timeout: Duration::ZERO },
        limits: Limits::OFFICIAL,
        debug: false,
    }
}

async fn ask(link: &Link, wrapped: &Wrapped) -> Result<Vec<u8>, String> {
    let (path, message) = match wrapped.plugin.version {
        Version::V1 => {
            let request =
                KmsV1Request { version: "v1beta1".to_owned(), cipher: wrapped.key.clone() };
            ("/v1beta1.KeyManagementService/Decrypt", grpc::frame(&request))
        }
        Version::V2 => {
            let request = KmsV2Request {
                ciphertext: wrapped.key.clone(),
                uid: format!("{:016x}", fastrand::u64(..)),
                key_id: wrapped.key_id.clone(),
                annotations: wrapped.annotations.clone(),
            };
            ("/v2.KeyManagementService/Decrypt", grpc::frame(&request))
        }
    };
    let patience = wrapped.plugin.timeout;
    let deadline = Instant::now() + patience;
    let ask = Ask { path, message, timeout: Some(patience), anonymous: true, needs_leader: false };
    let answer = timeout_at(deadline, answer(link, &ask, deadline)).await;
    let answer = answer.map_err(|_| "it does not answer".to_owned())?.map_err(|err| words(&err))?;
    let response = KmsResponse::decode(&answer[..]).map_err(|_| "its answer is none".to_owned());
    if let Ok(mut bytes) = answer.try_into_mut() {
        bytes.as_mut().zeroize();
    }
    response.map(|response| response.plain)
}

async fn answer(link: &Link, ask: &Ask, deadline: Instant) -> Result<Bytes, Failure> {
    let mut incoming = link.open(ask, Some(deadline)).await?;
    let first = incoming.message(LIMIT + PREFIX).await?;
    first.ok_or_else(|| incoming.lost("the answer is empty"))
}

fn words(failure: &Failure) -> String {
    match failure {
        Failure::Unreached(causes) => causes
            .0
            .iter()
            .map(|(endpoint, cause)| format!("{endpoint}: {cause}"))
            .collect::<Vec<_>>()
            .join("; "),
        Failure::Lost(_, cause) => cause.to_string(),
        Failure::Status(_, status) => status.message.clone(),
    }
}
