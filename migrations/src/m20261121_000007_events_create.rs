//! The outbox: every change that others may want to hear of, written in the transaction that made it.

crate::schema::step!(
    r#"
CREATE TABLE events (
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    -- given after commit by one leased sequencer; null until then
    seq BIGINT,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    data JSONB NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id)
) PARTITIONED;
-- the stream of an account, after a place in it
CREATE INDEX events_stream ON events (account_id, seq);
-- the sequencer asks: what has no place yet
CREATE INDEX events_new ON events (id) WHERE seq IS NULL;

CREATE TABLE event_sequence (
    one BIGINT PRIMARY KEY NOT NULL CHECK (one = 1),
    last BIGINT NOT NULL
);
INSERT INTO event_sequence (one, last) VALUES (1, 0);

[postgres] SELECT carillon_partitions('events', 2);
"#
);
