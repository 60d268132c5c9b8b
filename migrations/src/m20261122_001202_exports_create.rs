//! Exports: tables made by a job, kept as files until they expire.

crate::schema::step!(
    r#"
CREATE TABLE exports (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    -- contacts, blacklist or unsubscribes
    kind TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'completed', 'failed')),
    -- what was asked for
    settings JSONB NOT NULL,
    file_name TEXT NOT NULL,
    -- the finished table; null before, and of no file any more when it has expired
    file_id UUID,
    bytes BIGINT,
    done BIGINT NOT NULL,
    total BIGINT,
    error_code TEXT,
    error_detail TEXT,
    lease_owner TEXT,
    lease_until BIGINT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    expires_at BIGINT,
    version BIGINT NOT NULL
);
-- the list of an account's exports
CREATE INDEX exports_account ON exports (account_id, id);
-- the sweep looks for what is not finished
CREATE INDEX exports_open ON exports (lease_until) WHERE status IN ('queued', 'running');
"#
);
