//! Messages in doubt that the operator resolved: who did, and why.

crate::schema::step!(
    r#"
-- one row a message, so that none is resolved twice; it is written by the transaction that ends the message
CREATE TABLE doubts_resolved (
    message_id UUID PRIMARY KEY NOT NULL,
    carrier_id UUID NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('delivered', 'undelivered', 'not_sent')),
    -- in the operator's words
    reason TEXT NOT NULL,
    operator_token_id UUID NOT NULL,
    resolved_at BIGINT NOT NULL
);

-- the operator asks for doubts of a carrier, oldest first, and resolves those of a period
CREATE INDEX messages_in_doubt_since ON messages_in_doubt (carrier_id, since, message_id);
"#
);
