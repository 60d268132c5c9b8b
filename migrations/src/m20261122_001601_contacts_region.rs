//! The region of a contact's number: a state, a province.

crate::schema::step!(
    r#"
-- Null where the number does not tell. No index: each would be one more to write for every row of an import, and a filter
-- by region walks the contacts of the account as those by operator and line type do.
ALTER TABLE contacts ADD COLUMN region TEXT;

-- how far the contacts that there are already have been looked up, by id; the row goes when all have been
CREATE TABLE contact_regions_read (
    one BIGINT PRIMARY KEY NOT NULL CHECK (one = 1),
    after_id UUID
);
INSERT INTO contact_regions_read (one) SELECT 1 WHERE EXISTS (SELECT 1 FROM contacts);
"#
);
