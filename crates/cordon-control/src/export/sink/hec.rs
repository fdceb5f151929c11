//! Splunk's HTTP Event Collector.
//!
//! Without indexer acknowledgement a request counts when it is answered; with it, when the indexers
//! say so.
//!
//! Source: Splunk Enterprise, Getting Data In: HTTP Event Collector, its REST endpoints, indexer
//! acknowledgement and error codes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cordon_model::Mono;
use serde::Deserialize;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

use super::tls::{self, Trust, TrustError};
use super::{Sent, Sink};
use crate::export::delivery::Fault;

/// Longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// Most requests whose acknowledgement is asked for; older ones are sent again.
const PENDING_MAX: usize = 1_024;

/// Where a collector is and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Collector {
    /// `https://host:port`, without a path.
    pub url: String,
    /// The secret.
    pub token: String,
    /// The channel: a UUID that no other sender uses.
    pub channel: String,
    /// Whether the indexers acknowledge.
    pub is_acknowledged: bool,
    /// Whom to trust; nothing: plain, on this machine only.
    pub trust: Option<Trust>,
    /// How long a request may take.
    pub timeout_ms: u64,
}

/// Sends events to a collector.
#[derive(Debug)]
pub struct HecSink {
    agent: Agent,
    collector: Collector,
    /// By the collector's number of the acknowledgement.
    pending: BTreeMap<u64, u64>,
}

/// Says why a collector cannot be spoken to.
#[derive(Debug, thiserror::Error)]
pub enum HecError {
    /// The certificates cannot be used.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// A key file holds no key that can be used.
    #[error("`{}` holds no key that can be used", .0.display())]
    Key(PathBuf),
}

#[derive(Deserialize)]
struct Answer {
    code: Option<u32>,
    #[serde(rename = "ackId")]
    ack_id: Option<u64>,
}

#[derive(Deserialize)]
struct Acks {
    acks: BTreeMap<String, bool>,
}

fn tls_config(trust: &Trust) -> Result<TlsConfig, HecError> {
    let own = |path: &PathBuf| -> Result<Vec<_>, TrustError> {
        let found = tls::certificates(path)?;
        Ok(found.iter().map(|it| Certificate::from_der(it).to_owned()).collect())
    };
    let roots = RootCerts::Specific(Arc::new(own(&trust.ca_file)?));
    // Files that rustls would refuse are refused here, with their names.
    trust.client()?;
    let client = match &trust.own {
        None => None,
        Some((certificate, key)) => {
            let pem = std::fs::read(key).unwrap_or_default();
            let secret = PrivateKey::from_pem(&pem).map_err(|_| HecError::Key(key.clone()))?;
            Some(ClientCert::new_with_certs(&own(certificate)?, secret))
        }
    };
    Ok(TlsConfig::builder()
        .root_certs(roots)
        .client_cert(client)
        .unversioned_rustls_crypto_provider(tls::provider())
        .build())
}

/// Tells what an answer means.
/// # Shape
/// `code`: Splunk's own, in the body.
/// # Source
/// Splunk Enterprise, Getting Data In: HTTP Event Collector, possible error codes.
fn judge(status: u16, code: Option<u32>) -> Result<(), Fault> {
    match (status, code) {
        (200, _) => Ok(()),
        // Incorrect index, no or a wrong channel, acknowledgement switched off: not the record.
        (400, Some(7)) => Err(Fault::Refused("index")),
        (400, Some(10 | 11)) => Err(Fault::Refused("channel")),
        (400, Some(14)) => Err(Fault::Refused("acknowledgement-disabled")),
        (400 | 422, _) => Err(Fault::Rejected("bad-record")),
        (413, _) => Err(Fault::Rejected("too-large")),
        (401 | 403, _) => Err(Fault::Refused("token")),
        (404 | 405, _) => Err(Fault::Refused("no-such-endpoint")),
        (503, _) => Err(Fault::Away("busy")),
        (408 | 429, _) => Err(Fault::Away("slow-down")),
        (500..=599, _) => Err(Fault::Away("server-error")),
        (_, _) => Err(Fault::Refused("unexpected-answer")),
    }
}

/// Tells refusals from what time may heal.
fn fault(error: &ureq::Error) -> Fault {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    if let ureq::Error::Timeout(_) = error {
        return Fault::Away("timeout");
    }
    // TLS errors come wrapped in errors of reading and writing.
    while let Some(error) = source {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let tls = error.downcast_ref::<rustls::Error>();
        let tls = tls.or_else(|| inner.and_then(|inner| inner.downcast_ref()));
        if let Some(tls) = tls {
            return tls::fault(tls);
        }
        source = error.source();
    }
    Fault::Away("unreachable")
}

impl HecSink {
    /// Makes the sink; it connects with the first batch.
    /// # Errors
    /// [`HecError`].
    pub fn new(collector: Collector) -> Result<Self, HecError> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent("cordon")
            .timeout_global(Some(Duration::from_millis(collector.timeout_ms)));
        if let Some(trust) = &collector.trust {
            config = config.https_only(true).tls_config(tls_config(trust)?);
        }
        Ok(Self { agent: config.build().new_agent(), collector, pending: BTreeMap::new() })
    }

    fn post(&self, path: &str, body: &str) -> Result<(u16, String), Fault> {
        let Collector { url, token, channel, .. } = &self.collector;
        let request = self
            .agent
            .post(format!("{url}{path}"))
            .header("Authorization", format!("Splunk {token}"))
            .header("X-Splunk-Request-Channel", channel)
            .header("Content-Type", "application/json");
        let mut answer = request.send(body).map_err(|error| fault(&error))?;
        let status = answer.status().as_u16();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string();
        Ok((status, body.map_err(|_| Fault::Away("connection-lost"))?))
    }

    fn submit(&mut self, number: u64, texts: &[&str]) -> Result<Sent, Fault> {
        let (status, body) = self.post("/services/collector/event", &texts.join("\n"))?;
        let answer: Option<Answer> = serde_json::from_str(&body).ok();
        judge(status, answer.as_ref().and_then(|answer| answer.code))?;
        if !self.collector.is_acknowledged {
            return Ok(Sent::Accepted);
        }
        let ack = answer.and_then(|answer| answer.ack_id);
        let ack = ack.ok_or(Fault::Refused("acknowledgement-disabled"))?;
        self.pending.insert(ack, number);
        while self.pending.len() > PENDING_MAX {
            self.pending.pop_first();
        }
        Ok(Sent::Pending)
    }
}

impl Sink for HecSink {
    fn send(&mut self, _now: Mono, number: u64, texts: &[&str]) -> Sent {
        self.submit(number, texts).unwrap_or_else(Sent::Failed)
    }

    fn poll(&mut self, _now: Mono) -> Result<Vec<u64>, Fault> {
        let ids: Vec<u64> = self.pending.keys().copied().collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let body = serde_json::json!({ "acks": ids }).to_string();
        let path = format!("/services/collector/ack?channel={}", self.collector.channel);
        // Not to be heard does not mean that anything is lost; what is late is sent again anyway.
        let Ok((200, body)) = self.post(&path, &body) else { return Ok(Vec::new()) };
        let Ok(Acks { acks }) = serde_json::from_str(&body) else { return Ok(Vec::new()) };
        let done = acks.into_iter().filter(|(_, is_done)| *is_done);
        let done = done.filter_map(|(id, _)| self.pending.remove(&id.parse().ok()?));
        Ok(done.collect())
    }
}

#[cfg(test)]
mod tests;
