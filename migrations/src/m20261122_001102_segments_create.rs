//! Segments, and what a campaign's segments meant when it was prepared.

crate::schema::step!(
    r#"
CREATE TABLE contact_segments (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    description TEXT,
    filter JSONB NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (account_id, name)
);
-- the list by id
CREATE INDEX contact_segments_account ON contact_segments (account_id, id);

-- the segments of the audience as they were when the preparation began, so that it goes on with the same after a crash
ALTER TABLE campaigns ADD COLUMN segments JSONB;
"#
);
