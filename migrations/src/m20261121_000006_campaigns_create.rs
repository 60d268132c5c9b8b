//! Campaigns and their counts by status.

crate::schema::step!(
    r#"
CREATE TABLE campaigns (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    description TEXT,
    status TEXT NOT NULL CHECK (status IN
        ('draft', 'scheduled', 'preparing', 'sending', 'paused', 'finishing', 'completed', 'cancelled', 'failed')),
    sender TEXT NOT NULL,
    template_id UUID,
    text TEXT,
    split_mode TEXT NOT NULL,
    audience JSONB NOT NULL,
    send_at BIGINT,
    currency TEXT,
    hold_id UUID,
    -- the checkpoint of preparation: the last contact whose message is written
    prepare_cursor UUID,
    -- how many numbers without a contact are written; null while contacts are
    prepare_numbers BIGINT,
    error_code TEXT,
    error_detail TEXT,
    copied_from UUID,
    external_id TEXT,
    metadata JSONB NOT NULL,
    lease_owner TEXT,
    lease_until BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    launched_at BIGINT,
    started_at BIGINT,
    finished_at BIGINT,
    version BIGINT NOT NULL
);
-- the list by id
CREATE INDEX campaigns_account ON campaigns (account_id, id);
-- the sweep asks: which campaigns are on their way
CREATE INDEX campaigns_open ON campaigns (status) WHERE finished_at IS NULL AND status <> 'draft';

-- how many messages of a campaign are in which status, moved in the transaction that moves the messages
CREATE TABLE campaign_counts (
    campaign_id UUID NOT NULL REFERENCES campaigns (id),
    status TEXT NOT NULL,
    messages BIGINT NOT NULL,
    PRIMARY KEY (campaign_id, status)
);
"#
);
