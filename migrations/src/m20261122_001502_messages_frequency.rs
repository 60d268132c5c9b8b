//! Frequency caps of accounts, and the sends that they look at.

crate::schema::step!(
    r#"
ALTER TABLE accounts ADD COLUMN frequency_caps JSONB;

-- One row for each message of a campaign that was handed over while its account had caps: a message that is handed over
-- again finds its own row and is not counted twice. The key serves what a mark asks: how often was this number written to.
CREATE TABLE campaign_sends (
    account_id UUID NOT NULL,
    phone BIGINT NOT NULL,
    message_id UUID NOT NULL,
    -- by the account's clock, counted from 1970-01-01
    day BIGINT NOT NULL,
    PRIMARY KEY (account_id, phone, message_id)
);
-- housekeeping asks: what is older than any cap looks back
CREATE INDEX campaign_sends_day ON campaign_sends (day);
"#
);
