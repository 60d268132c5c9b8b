//! Accounts, API tokens, rate-limit windows, idempotency keys and leases.

crate::schema::step!(
    r#"
CREATE TABLE accounts (
    id UUID PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    mode TEXT NOT NULL CHECK (mode IN ('live', 'test')),
    -- a test environment is an account of its own, beside the live one
    live_account_id UUID REFERENCES accounts (id),
    status TEXT NOT NULL CHECK (status IN ('test', 'active', 'suspended', 'closed')),
    default_country TEXT,
    time_zone TEXT NOT NULL,
    language TEXT NOT NULL,
    -- fixed at the first posting
    currency TEXT,
    rate_deck_id UUID,
    carrier_id UUID,
    -- '*' or a list of ISO 3166 codes that may be sent to
    countries JSONB NOT NULL,
    -- final statuses whose charge is given back
    refund_on JSONB NOT NULL,
    max_segments BIGINT NOT NULL CHECK (max_segments BETWEEN 1 AND 255),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE TABLE api_tokens (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    description TEXT NOT NULL,
    -- SHA-256 of the token; unique, and what authentication looks up
    hash BYTEA NOT NULL UNIQUE,
    hint TEXT NOT NULL,
    scopes JSONB NOT NULL,
    networks JSONB NOT NULL,
    requests_per_minute BIGINT,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used_at BIGINT,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);
-- the list of an account's tokens
CREATE INDEX api_tokens_account ON api_tokens (account_id, id);

-- one row a token: permits of the current minute that processes have leased
CREATE TABLE rate_windows (
    token_id UUID PRIMARY KEY NOT NULL,
    window_start BIGINT NOT NULL,
    leased BIGINT NOT NULL
);

-- the answer of a request that spent or sent, committed with its effect
CREATE TABLE idempotency_keys (
    account_id UUID NOT NULL,
    operation TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    status BIGINT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (account_id, operation, key)
);
-- the sweep that deletes what has expired
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);

-- who may do a thing that one process at a time does: hold a bind, number events, sweep
CREATE TABLE leases (
    name TEXT PRIMARY KEY NOT NULL,
    owner TEXT NOT NULL,
    until BIGINT NOT NULL
);
"#
);
