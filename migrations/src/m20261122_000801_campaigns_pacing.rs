//! Pacing of campaigns: spread over a period, inside allowed hours. A chunk knows whose clock counts for it, and when the
//! window that it may leave in closes.

crate::schema::step!(
    r#"
ALTER TABLE campaigns ADD COLUMN pacing JSONB;
ALTER TABLE chunks ADD COLUMN zone TEXT;
ALTER TABLE chunks ADD COLUMN closes_at BIGINT;
-- the sweep asks: whose window has closed before all of it left
CREATE INDEX chunks_closing ON chunks (closes_at) WHERE closes_at IS NOT NULL AND status = 'ready';
"#
);
