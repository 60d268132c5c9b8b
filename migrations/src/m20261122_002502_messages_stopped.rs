//! Messages: those of an account that the operator has suspended wait.

crate::schema::step!(
    r#"
-- of a chunk that is paused since its account is suspended: since when; null: it is not, or was paused by its owner
ALTER TABLE chunks ADD COLUMN stopped_at BIGINT;
-- when an account goes on, or what waits is cancelled: its chunks. Few have ever been stopped
CREATE INDEX chunks_stopped ON chunks (account_id) WHERE stopped_at IS NOT NULL;
"#
);
