//! Messages: those that were submitted a second time, because the answer to the first was lost.

crate::schema::step!(
    r#"
-- one row a message, so that none is submitted a third time; looked up by the message alone
CREATE TABLE message_resends (
    message_id UUID PRIMARY KEY NOT NULL,
    carrier_id UUID NOT NULL,
    -- what its doubt would have been: no_answer, connection_lost, interrupted
    reason TEXT NOT NULL,
    resent_at BIGINT NOT NULL
);
"#
);
