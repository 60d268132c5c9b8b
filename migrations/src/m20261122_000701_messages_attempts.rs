//! What became of a message on the ways it took before its present one: a row for each carrier that refused it. Most
//! messages have none, so this is beside `messages`.

crate::schema::step!(
    r#"
CREATE TABLE message_attempts (
    message_id UUID NOT NULL,
    -- from 1, in the order of time
    attempt BIGINT NOT NULL,
    carrier_id UUID NOT NULL,
    route_id UUID,
    -- the carrier's own code
    error TEXT NOT NULL,
    ended_at BIGINT NOT NULL,
    -- serves the trace, and the choice of a way that was not tried
    PRIMARY KEY (message_id, attempt)
);
"#
);
