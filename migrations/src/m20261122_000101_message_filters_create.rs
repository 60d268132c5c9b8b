//! Saved filters of the list of messages.

crate::schema::step!(
    r#"
CREATE TABLE message_filters (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    conditions JSONB NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (account_id, name)
);
-- the list by id
CREATE INDEX message_filters_account ON message_filters (account_id, id);
"#
);
