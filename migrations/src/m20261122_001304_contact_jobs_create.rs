//! Work on many contacts in the background, and which contacts were merged into which.

crate::schema::step!(
    r#"
CREATE TABLE contact_jobs (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    -- which contacts, and what to do with them
    selection JSONB NOT NULL,
    action JSONB NOT NULL,
    -- count only
    dry_run BOOLEAN NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'completed', 'failed', 'cancelled')),
    -- the checkpoint, committed with what was done: which walk, and after which row of it
    phase BIGINT NOT NULL,
    after_id UUID,
    -- rows looked at, of so many when that is known
    done BIGINT NOT NULL,
    total BIGINT,
    -- contacts, numbers or sets that are meant, and those that were changed
    matched BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    error_code TEXT,
    error_detail TEXT,
    -- when what it keeps beside is deleted
    clear_at BIGINT,
    lease_owner TEXT,
    lease_until BIGINT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    version BIGINT NOT NULL
);
-- the list of an account's jobs
CREATE INDEX contact_jobs_account ON contact_jobs (account_id, id);
-- the sweep looks for what is not finished
CREATE INDEX contact_jobs_open ON contact_jobs (lease_until) WHERE status IN ('queued', 'running');
-- the sweep looks for what is to be cleared
CREATE INDEX contact_jobs_clear ON contact_jobs (clear_at) WHERE clear_at IS NOT NULL;

-- the last messages of each contact, newest first, as far as a job has read them
CREATE TABLE contact_job_tallies (
    job_id UUID NOT NULL REFERENCES contact_jobs (id) ON DELETE CASCADE,
    contact_id UUID NOT NULL,
    seen BIGINT NOT NULL,
    reached BIGINT NOT NULL,
    PRIMARY KEY (job_id, contact_id)
);

-- contacts by what they have in common, folded and digested
CREATE TABLE contact_job_keys (
    job_id UUID NOT NULL REFERENCES contact_jobs (id) ON DELETE CASCADE,
    key UUID NOT NULL,
    contact_id UUID NOT NULL,
    PRIMARY KEY (job_id, key, contact_id)
);

-- a contact that was merged into another: its messages are the other's
CREATE TABLE contact_merges (
    contact_id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    survivor_id UUID NOT NULL,
    merged_at BIGINT NOT NULL
);
-- the list of messages of a contact asks: which others is it
CREATE INDEX contact_merges_survivor ON contact_merges (survivor_id);
"#
);
