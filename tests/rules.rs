//! The rules of the house that Cargo cannot enforce. Each failure prints the rule it is about.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below these folders, with its text.
fn sources(folders: &[&str]) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("target") {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for folder in folders {
        walk(&root().join(folder), &mut found);
    }
    found.sort();
    let name = |p: &Path| p.strip_prefix(root()).unwrap().display().to_string();
    found.iter().map(|p| (name(p), fs::read_to_string(p).unwrap())).collect()
}

const ALL: &[&str] = &["api/src", "domain/src", "migrations/src", "smpp/src", "src", "worker/src"];

fn is_test(path: &str) -> bool {
    path.contains("/tests") || path.contains("/test_app") || path.ends_with("testing.rs")
}

fn check(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "\n{rule}\nbroken by:\n  {}\n", broken.join("\n  "));
}

#[test]
fn every_module_says_what_it_is() {
    let silent = sources(ALL).into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path);
    check("Every module begins with //! lines: what it is, its states, its invariants.", silent.collect());
}

#[test]
fn pure_modules_stay_pure() {
    let pure = ["domain/src/phone", "domain/src/segments", "domain/src/templates/text", "domain/src/files"];
    let impure = ["sea_orm", "tokio", "async fn", "Clock", "crate::db"];
    let broken = sources(&["domain/src"])
        .into_iter()
        .filter(|(path, _)| pure.iter().any(|p| path.starts_with(p)) && !is_test(path));
    let broken = broken.flat_map(|(path, text)| {
        let words: Vec<String> = impure.iter().filter(|w| text.contains(**w)).map(|w| format!("{path}: {w}")).collect();
        words
    });
    check("Pure modules (phone, segments, template text, files) import no database, clock or async.", broken.collect());
}

#[test]
fn api_and_worker_never_meet() {
    let manifest = |name: &str| fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
    let mut broken = Vec::new();
    for (one, other) in
        [("api", "worker"), ("worker", "api"), ("domain", "api"), ("domain", "worker"), ("smpp", "domain")]
    {
        if manifest(one).lines().any(|l| l.starts_with(&format!("{other}."))) {
            broken.push(format!("{one} depends on {other}"));
        }
    }
    check("api → domain, smpp; worker → domain, smpp; domain and smpp know neither: they meet only in src/.", broken);
}

/// Which folder of domain writes which table.
const OWNERS: &[(&str, &[&str])] = &[
    ("accounts", &["accounts"]),
    ("tokens", &["api_tokens", "rate_windows"]),
    ("operator_tokens", &["operator_tokens"]),
    ("balance", &["journal", "postings", "balances", "holds"]),
    ("rates", &["rate_decks", "rates"]),
    ("ported_numbers", &["ported_numbers"]),
    ("contact_fields", &["contact_fields"]),
    (
        "contacts",
        &[
            "contacts",
            "contact_consents",
            "contact_merges",
            "contact_outcomes",
            "contact_outcomes_read",
            "contact_search",
            "contact_search_queue",
        ],
    ),
    ("contact_jobs", &["contact_jobs", "contact_job_tallies", "contact_job_keys"]),
    ("contact_segments", &["contact_segments"]),
    ("groups", &["groups", "contact_groups"]),
    ("blacklist", &["blacklist"]),
    ("uploads", &["files", "file_pieces"]),
    (
        "trash",
        &[
            "trashed_contacts",
            "trashed_groups",
            "trashed_memberships",
            "contacts",
            "contact_consents",
            "contact_merges",
            "groups",
            "contact_groups",
        ],
    ),
    ("imports", &["imports", "import_errors", "contacts"]),
    ("exports", &["exports"]),
    ("templates", &["templates"]),
    ("senders", &["senders"]),
    ("carriers", &["carriers", "carrier_binds"]),
    ("routes", &["routes"]),
    (
        "messages",
        &[
            "chunks",
            "messages",
            "message_texts",
            "message_parts",
            "receipts",
            "messages_in_doubt",
            "message_attempts",
            "campaign_counts",
            "campaign_sends",
        ],
    ),
    ("message_filters", &["message_filters"]),
    ("inbound_messages", &["inbound_messages", "inbound_parts"]),
    ("unsubscribes", &["unsubscribes"]),
    ("campaigns", &["campaigns", "campaign_counts"]),
    ("events", &["events", "event_sequence"]),
];

#[test]
fn a_table_is_written_by_its_capability_alone() {
    let tables: Vec<&str> = OWNERS.iter().flat_map(|(_, tables)| tables.iter().copied()).collect();
    let mut broken = Vec::new();
    for (path, text) in
        sources(&["domain/src", "api/src", "worker/src", "src"]).iter().filter(|(path, _)| !is_test(path))
    {
        let folder = path.strip_prefix("domain/src/").and_then(|p| p.split(['/', '.']).next()).unwrap_or("");
        let own: Vec<&str> =
            OWNERS.iter().filter(|(owner, _)| *owner == folder).flat_map(|(_, t)| t.iter().copied()).collect();
        for verb in ["INSERT INTO ", "UPDATE ", "DELETE FROM "] {
            for (at, _) in text.match_indices(verb) {
                let table: String =
                    text[at + verb.len()..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if tables.contains(&table.as_str()) && !own.contains(&table.as_str()) {
                    broken.push(format!("{path}: {verb}{table}"));
                }
            }
        }
    }
    check("A capability uses another's verbs, never its table (reads may join).", broken);
}

#[test]
fn nothing_is_left_for_later() {
    let words = ["todo!(", "unimplemented!(", "dbg!(", "FIXME", "XXX"];
    let broken = sources(ALL).into_iter().flat_map(|(path, text)| {
        let found: Vec<String> = words.iter().filter(|w| text.contains(**w)).map(|w| format!("{path}: {w}")).collect();
        found
    });
    check("No stubs and no notes to self.", broken.collect());
}

#[test]
fn every_error_code_is_used() {
    let table = fs::read_to_string(root().join("domain/src/error.rs")).unwrap();
    let codes = table
        .lines()
        .filter_map(|l| l.trim().split_once(" = \"").map(|(name, _)| name.to_owned()))
        .filter(|n| n.chars().all(char::is_alphanumeric));
    let all: String = sources(ALL)
        .into_iter()
        .filter(|(path, _)| path != "domain/src/error.rs" && !is_test(path))
        .map(|(_, text)| text)
        .collect();
    let own = table.split("impl Error").last().unwrap_or_default().to_owned();
    let unused =
        codes.filter(|name| !all.contains(&format!("Code::{name}")) && !own.contains(&format!("Code::{name}")));
    check("Each code of the catalogue is answered somewhere.", unused.collect());
}

#[test]
fn migrations_are_named_and_listed() {
    let lib = fs::read_to_string(root().join("migrations/src/lib.rs")).unwrap();
    let mut broken = Vec::new();
    for (path, _) in sources(&["migrations/src"]) {
        let name = path.trim_start_matches("migrations/src/").trim_end_matches(".rs").to_owned();
        if name.starts_with('m') && !(lib.contains(&format!("mod {name};")) && lib.contains(&format!("{name}::Step"))) {
            broken.push(name);
        }
    }
    check("A migration is one file named m<date>_<number>_<capability>_<what>, and listed in order.", broken);
}
