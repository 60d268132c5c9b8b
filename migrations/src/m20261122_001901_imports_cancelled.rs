//! Imports that are stopped: one more status.

crate::schema::step!(
    r#"
[postgres] ALTER TABLE imports DROP CONSTRAINT imports_status_check;
[postgres] ALTER TABLE imports ADD CONSTRAINT imports_status_check CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled'));
-- SQLite cannot change a check: the column is made anew
[sqlite] DROP INDEX imports_open;
[sqlite] ALTER TABLE imports RENAME COLUMN status TO status_before;
[sqlite] ALTER TABLE imports ADD COLUMN status TEXT NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled'));
[sqlite] UPDATE imports SET status = status_before;
[sqlite] ALTER TABLE imports DROP COLUMN status_before;
-- the sweep looks for what is not finished
[sqlite] CREATE INDEX imports_open ON imports (lease_until) WHERE status IN ('queued', 'running');
"#
);
