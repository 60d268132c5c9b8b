//! Configuration: the documented defaults, a file, the environment, in this order. A contradiction stops the start with
//! a sentence.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use domain::{messages::Patience, secrets::Keyring};
use figment::{
    Figment,
    providers::{Env, Format, Toml},
};
use serde::Deserialize;
use worker::WorkerConfig;

const DEFAULTS: &str = include_str!("../config/carillon.default.toml");

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub database_url: String,
    pub data_dir: PathBuf,
    pub connections: u32,
    pub secret_keys: String,
    pub api: Api,
    pub worker: Worker,
    pub simulator: Simulator,
    pub log: Log,
    pub traces: Traces,
    /// Set by CARILLON_DEMO_TOKEN only: the token of the demo account.
    #[serde(default)]
    pub demo_token: Option<String>,
}

/// The REST API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api {
    pub listen: SocketAddr,
    pub requests_per_minute: i64,
    pub trusted_proxies: Vec<String>,
    pub threads: usize,
}

/// The worker.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worker {
    pub listen: String,
    pub lease_seconds: u64,
    pub in_doubt_hours: f64,
    pub receipt_hours: f64,
    pub settle_seconds: f64,
    pub drain_seconds: u64,
    pub public_url: String,
    pub private_carriers: bool,
}

/// The built-in carrier.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulator {
    pub run: bool,
    pub listen: SocketAddr,
    pub receipt_delay_ms: u64,
    pub address: String,
    pub binds: u32,
    pub window: usize,
}

/// Logging.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub format: String,
    pub filter: String,
}

/// Spans for an OpenTelemetry collector.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    pub endpoint: String,
    pub service_name: String,
    pub sample_ratio: f64,
}

/// A configuration and whether anything was configured at all.
pub struct Loaded {
    pub config: Config,
    pub untouched: bool,
}

/// Variables that begin like settings and are none: the file's own name, and what the tests read.
const OTHERS: &[&str] = &["config", "test_postgres", "shared_data"];

/// Reads the configuration.
pub fn load(file: Option<PathBuf>) -> Result<Loaded, String> {
    let named = file.is_some();
    let file = file.unwrap_or_else(|| PathBuf::from("carillon.toml"));
    if named && !file.exists() {
        return Err(format!("the configuration file {} does not exist", file.display()));
    }
    let variable = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let database_url = variable("DATABASE_URL");
    let configures = |name: &str| {
        name.strip_prefix("CARILLON_")
            .is_some_and(|n| n != "DEMO_TOKEN" && !OTHERS.contains(&n.to_lowercase().as_str()))
    };
    let set = std::env::vars().any(|(name, _)| configures(&name));
    let untouched = !set && database_url.is_none() && !file.exists();
    let mut figment = Figment::new().merge(Toml::string(DEFAULTS)).merge(Toml::file(&file));
    figment = figment.merge(Env::prefixed("CARILLON_").ignore(OTHERS).split("__"));
    let mut config: Config = figment.extract().map_err(|e| format!("the configuration cannot be read: {e}"))?;
    if let Some(url) = database_url {
        config.database_url = url;
    }
    if let Some(url) = variable("OTEL_EXPORTER_OTLP_ENDPOINT") {
        config.traces.endpoint = url;
    }
    if let Some(name) = variable("OTEL_SERVICE_NAME") {
        config.traces.service_name = name;
    }
    config.check()?;
    Ok(Loaded { config, untouched })
}

impl Config {
    /// Refuses what contradicts itself.
    fn check(&self) -> Result<(), String> {
        let Self {
            database_url,
            data_dir: _,
            connections,
            secret_keys,
            api,
            worker,
            simulator,
            log,
            traces,
            demo_token,
        } = self;
        let known = database_url.is_empty()
            || ["postgres://", "postgresql://", "sqlite:"].iter().any(|p| database_url.starts_with(p));
        if !known {
            return Err(
                "database_url must begin with postgres:// or sqlite:, or be empty for a SQLite file in data_dir".into(),
            );
        }
        if !(1..=500).contains(connections) {
            return Err("connections must be 1 to 500".into());
        }
        domain::secrets::Keyring::parse(secret_keys).map_err(|e| format!("secret_keys: {e}"))?;
        if simulator.run && !simulator.listen.ip().is_loopback() {
            return Err("simulator.listen must be a loopback address: anyone who reaches it could bind".into());
        }
        if !worker.listen.is_empty() && worker.listen.parse::<SocketAddr>().is_err() {
            return Err("worker.listen must be an address and a port, such as 127.0.0.1:9464, or be empty".into());
        }
        if worker.lease_seconds == 0 {
            return Err("worker.lease_seconds must be at least 1".into());
        }
        let times = [worker.in_doubt_hours, worker.receipt_hours, worker.settle_seconds];
        if times.iter().any(|t| !t.is_finite() || *t < 0.0 || *t > 1e6) {
            return Err("worker.in_doubt_hours, receipt_hours and settle_seconds must be zero or more".into());
        }
        let url = &worker.public_url;
        if !url.is_empty() && !is_base(url) {
            return Err("worker.public_url must be https://host or http://host, without a query, or empty".into());
        }
        if !matches!(log.format.as_str(), "text" | "json") {
            return Err("log.format must be text or json".into());
        }
        let Traces { endpoint, service_name: _, sample_ratio } = traces;
        if !endpoint.is_empty() && !["http://", "https://"].iter().any(|p| endpoint.starts_with(p)) {
            return Err("traces.endpoint must begin with http:// or https://, or be empty for no traces".into());
        }
        if !(0.0..=1.0).contains(sample_ratio) {
            return Err("traces.sample_ratio must be 0 to 1".into());
        }
        if let Some(token) = demo_token {
            if domain::tokens::Secret::parse(token).is_none() {
                return Err(
                    "CARILLON_DEMO_TOKEN must be crl_test_ or crl_live_ and at least 24 letters and digits".into()
                );
            }
            if !api.listen.ip().is_loopback() {
                return Err(format!(
                    "CARILLON_DEMO_TOKEN is for trying things out: it is refused while api.listen is {}, which others can reach",
                    api.listen
                ));
            }
        }
        Ok(())
    }

    /// Where the database is; makes the data directory when it is a file there.
    pub fn database(&self) -> Result<String, String> {
        if !self.database_url.is_empty() {
            return Ok(self.database_url.clone());
        }
        std::fs::create_dir_all(&self.data_dir)
            .map_err(|e| format!("the data directory {} cannot be made: {e}", self.data_dir.display()))?;
        let file = self.data_dir.join("carillon.db");
        Ok(format!("sqlite://{}", file.display()))
    }

    /// The worker's own form.
    pub fn worker(&self, keys: Keyring) -> WorkerConfig {
        let Worker {
            listen: _,
            lease_seconds,
            in_doubt_hours,
            receipt_hours,
            settle_seconds,
            drain_seconds,
            public_url,
            private_carriers,
        } = &self.worker;
        WorkerConfig {
            lease: Duration::from_secs(*lease_seconds),
            patience: Patience {
                in_doubt: Duration::from_secs_f64(in_doubt_hours * 3600.0),
                receipt: Duration::from_secs_f64(receipt_hours * 3600.0),
                settle: Duration::from_secs_f64(*settle_seconds),
            },
            drain: Duration::from_secs(*drain_seconds),
            keys,
            public_url: public_url.clone(),
            private_carriers: *private_carriers,
        }
    }
}

/// Whether an address can have a path added.
fn is_base(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|r| {
        !r.is_empty() && !r.starts_with('/') && r.bytes().all(|b| b.is_ascii_graphic() && b != b'?' && b != b'#')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut Config)) -> Result<(), String> {
        let mut config: Config = Figment::new().merge(Toml::string(DEFAULTS)).extract().unwrap();
        change(&mut config);
        config.check()
    }

    #[test]
    fn the_defaults_are_sound_and_contradictions_are_told() {
        assert!(with(|_| {}).is_ok());
        assert!(with(|c| c.database_url = "mysql://x".into()).is_err());
        assert!(with(|c| c.demo_token = Some("crl_test_short".into())).is_err());
        assert!(with(|c| c.worker.public_url = "sms.example.com".into()).is_err());
        assert!(with(|c| c.worker.public_url = "https://sms.example.com".into()).is_ok());
        assert!(with(|c| c.worker.listen = "9464".into()).is_err());
        assert!(with(|c| c.traces.endpoint = "collector:4317".into()).is_err());
        assert!(with(|c| c.traces.sample_ratio = f64::NAN).is_err());
        assert!(with(|c| c.secret_keys = "0123".into()).unwrap_err().starts_with("secret_keys: "));
        assert!(with(|c| c.secret_keys = format!("{},{}", "a".repeat(64), "0".repeat(64))).is_ok());
        let token = Some("crl_test_0123456789abcdefghijABCD".to_owned());
        assert!(with(|c| c.demo_token = token.clone()).is_ok());
        let refused = with(|c| {
            c.demo_token = token.clone();
            c.api.listen = "0.0.0.0:8080".parse().unwrap();
        });
        assert!(refused.unwrap_err().contains("others can reach"));
    }
}
