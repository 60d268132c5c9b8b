//! How long a message may wait to be sent and delivered.

crate::schema::step!(
    r#"
ALTER TABLE campaigns ADD COLUMN validity_seconds BIGINT;
-- frozen when it is written; null: the carrier's own limit
ALTER TABLE messages ADD COLUMN valid_until BIGINT;
-- when the next of its waiting messages is over; null: none is
ALTER TABLE chunks ADD COLUMN over_at BIGINT;
-- the sweep asks: where has a waiting message's time run out
CREATE INDEX chunks_over ON chunks (over_at) WHERE over_at IS NOT NULL;
"#
);
