//! What contacts have said to being written to, statement by statement.

crate::schema::step!(
    r#"
CREATE TABLE contact_consents (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    -- no reference: the proof stays while the contact is in the trash
    contact_id UUID NOT NULL,
    -- the number as it was then
    phone BIGINT NOT NULL,
    status TEXT NOT NULL,
    stated_at BIGINT,
    source TEXT,
    -- the API token by which it came
    token_id UUID,
    recorded_at BIGINT NOT NULL
);
-- the statements of a contact, in order
CREATE INDEX contact_consents_contact ON contact_consents (contact_id, id);
-- what is known already; the contact's own id, older than any statement to come, serves as its id
INSERT INTO contact_consents (id, account_id, contact_id, phone, status, stated_at, source, recorded_at)
    SELECT id, account_id, id, phone, consent, consent_at, consent_source, updated_at FROM contacts WHERE consent <> 'unknown';
"#
);
