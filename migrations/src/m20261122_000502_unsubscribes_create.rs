//! Numbers that want nothing more from one sender.

crate::schema::step!(
    r#"
CREATE TABLE unsubscribes (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    phone BIGINT NOT NULL,
    -- as the account's sender is written
    sender TEXT NOT NULL,
    reason TEXT,
    source TEXT NOT NULL,
    -- the inbound message that it came by
    source_id TEXT,
    created_at BIGINT NOT NULL,
    -- a send asks: does this number want nothing from this sender
    UNIQUE (account_id, phone, sender)
);
-- the list by id
CREATE INDEX unsubscribes_account ON unsubscribes (account_id, id);
"#
);
