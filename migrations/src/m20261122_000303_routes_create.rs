//! Routes: which carrier a message goes to; and on each message, the route that was taken.

crate::schema::step!(
    r#"
CREATE TABLE routes (
    id UUID PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    carrier_id UUID NOT NULL REFERENCES carriers (id),
    -- what a message must be; null: anything
    account_id UUID REFERENCES accounts (id),
    country TEXT,
    operator TEXT,
    sender_class TEXT CHECK (sender_class IN ('alphanumeric', 'numeric', 'short_code')),
    -- lower goes first
    priority BIGINT NOT NULL CHECK (priority BETWEEN 0 AND 1000),
    weight BIGINT NOT NULL CHECK (weight BETWEEN 0 AND 1000),
    -- in hundredths of a per cent; null: no canary
    canary BIGINT CHECK (canary BETWEEN 1 AND 10000),
    cost BIGINT CHECK (cost >= 0),
    currency TEXT,
    enabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    CHECK ((cost IS NULL) = (currency IS NULL))
);
-- what a page of messages is routed by
CREATE INDEX routes_account ON routes (account_id) WHERE enabled;

-- null: the account's own carrier, or none
ALTER TABLE messages ADD COLUMN route_id UUID;
"#
);
