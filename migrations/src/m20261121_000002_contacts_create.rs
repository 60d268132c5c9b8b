//! Contacts, their fields and groups, the blacklist, uploaded files and imports.

crate::schema::step!(
    r#"
CREATE TABLE contact_fields (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    key TEXT NOT NULL,
    title TEXT NOT NULL,
    type TEXT NOT NULL,
    choices JSONB NOT NULL,
    created_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (account_id, key)
);

CREATE TABLE contacts (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    -- E.164 digits as a number
    phone BIGINT NOT NULL,
    country TEXT,
    operator TEXT,
    line_type TEXT,
    first_name TEXT,
    last_name TEXT,
    patronymic TEXT,
    -- ISO date
    birth_date TEXT,
    sex TEXT,
    email TEXT,
    company TEXT,
    link TEXT,
    comment TEXT,
    language TEXT,
    consent TEXT NOT NULL,
    consent_at BIGINT,
    consent_source TEXT,
    fields JSONB NOT NULL,
    external_id TEXT,
    metadata JSONB NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    -- one contact per phone and account; imports and sends look up by it
    UNIQUE (account_id, phone)
);
-- the list of contacts by id
CREATE INDEX contacts_account ON contacts (account_id, id);
-- upsert by the integrator's own id
CREATE UNIQUE INDEX contacts_external ON contacts (account_id, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE groups (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    description TEXT,
    hidden BOOLEAN NOT NULL,
    -- members of a stop list are never sent to
    stop_list BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    UNIQUE (account_id, name)
);

-- members in the order in which an audience is walked
CREATE TABLE contact_groups (
    group_id UUID NOT NULL REFERENCES groups (id) ON DELETE CASCADE,
    contact_id UUID NOT NULL REFERENCES contacts (id) ON DELETE CASCADE,
    added_at BIGINT NOT NULL,
    PRIMARY KEY (group_id, contact_id)
);
-- the groups of a contact
CREATE INDEX contact_groups_contact ON contact_groups (contact_id);

CREATE TABLE blacklist (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    phone BIGINT NOT NULL,
    reason TEXT,
    source TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- a send asks: is this number here?
    UNIQUE (account_id, phone)
);
-- the list by id
CREATE INDEX blacklist_account ON blacklist (account_id, id);

CREATE TABLE files (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
-- the sweep that deletes old uploads
CREATE INDEX files_expiry ON files (expires_at);

-- an upload lives in the database in pieces of 256 KiB, since the worker may run on another host
CREATE TABLE file_pieces (
    file_id UUID NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    piece BIGINT NOT NULL,
    data BYTEA NOT NULL,
    PRIMARY KEY (file_id, piece)
);

CREATE TABLE imports (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    file_id UUID NOT NULL,
    file_name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'completed', 'failed')),
    merge TEXT NOT NULL,
    mapping JSONB NOT NULL,
    options JSONB NOT NULL,
    group_ids JSONB NOT NULL,
    -- the checkpoint: rows of the file that are done, committed with their contacts
    done BIGINT NOT NULL,
    total BIGINT,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    duplicates BIGINT NOT NULL,
    invalid BIGINT NOT NULL,
    ambiguous BIGINT NOT NULL,
    error_code TEXT,
    error_detail TEXT,
    lease_owner TEXT,
    lease_until BIGINT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    version BIGINT NOT NULL
);
-- the list of an account's imports
CREATE INDEX imports_account ON imports (account_id, id);
-- the sweep looks for what is not finished
CREATE INDEX imports_open ON imports (lease_until) WHERE status IN ('queued', 'running');

CREATE TABLE import_errors (
    import_id UUID NOT NULL REFERENCES imports (id) ON DELETE CASCADE,
    line BIGINT NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    field TEXT,
    value TEXT,
    PRIMARY KEY (import_id, line)
);
"#
);
