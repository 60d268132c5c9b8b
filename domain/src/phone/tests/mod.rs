//! Tests of `phone`. Expected results come from files, made with the reference library; see `tests/fixtures/README.md`.

mod find;
mod information;
mod reading;
mod zones;

use super::*;

fn country(code: &str) -> Country {
    code.parse().unwrap()
}

fn number(text: &str) -> Msisdn {
    text.parse().unwrap()
}

/// A file of the shared data, or of the project's own fixtures.
fn fixture(name: &str) -> String {
    let shared = std::env::var("CARILLON_SHARED_DATA").ok().map(|folder| format!("{folder}/{name}"));
    let own = format!("{}/../tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let path = shared.filter(|path| std::path::Path::new(path).exists()).unwrap_or(own);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}
