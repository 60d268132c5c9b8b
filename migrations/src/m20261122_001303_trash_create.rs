//! The trash: deleted contacts and groups that can be restored, in tables of their own, so that no query over what is
//! not deleted needs a condition.

crate::schema::step!(
    r#"
CREATE TABLE trashed_contacts (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    phone BIGINT NOT NULL,
    consent TEXT NOT NULL,
    -- the row of contacts, whole
    data JSONB NOT NULL,
    trashed_at BIGINT NOT NULL,
    purge_at BIGINT NOT NULL
);
-- the list by id
CREATE INDEX trashed_contacts_account ON trashed_contacts (account_id, id);
-- a new contact asks: has this number refused; the list of one number
CREATE INDEX trashed_contacts_phone ON trashed_contacts (account_id, phone);
-- the sweep asks: what is to be purged
CREATE INDEX trashed_contacts_purge ON trashed_contacts (purge_at);

CREATE TABLE trashed_groups (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    -- the row of groups, whole
    data JSONB NOT NULL,
    trashed_at BIGINT NOT NULL,
    purge_at BIGINT NOT NULL
);
-- the list by id
CREATE INDEX trashed_groups_account ON trashed_groups (account_id, id);
-- the sweep asks: what is to be purged
CREATE INDEX trashed_groups_purge ON trashed_groups (purge_at);

-- memberships of which the contact, the group or both are in the trash
CREATE TABLE trashed_memberships (
    group_id UUID NOT NULL,
    contact_id UUID NOT NULL,
    added_at BIGINT NOT NULL,
    overrides JSONB,
    PRIMARY KEY (group_id, contact_id)
);
-- the memberships of a contact that is restored or purged
CREATE INDEX trashed_memberships_contact ON trashed_memberships (contact_id);

-- how long what is deleted can be restored
ALTER TABLE accounts ADD COLUMN trash_days BIGINT NOT NULL DEFAULT 30;
"#
);
