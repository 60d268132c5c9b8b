//! Message templates and sender ids.

crate::schema::step!(
    r#"
CREATE TABLE templates (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (account_id, name)
);
-- the list by id
CREATE INDEX templates_account ON templates (account_id, id);

CREATE TABLE senders (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    value TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'rejected')),
    reason TEXT,
    created_at BIGINT NOT NULL,
    decided_at BIGINT,
    version BIGINT NOT NULL,
    UNIQUE (account_id, value)
);
"#
);
