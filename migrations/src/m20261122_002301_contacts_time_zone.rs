//! The time zone of a contact: what its number tells, and what was set instead.

crate::schema::step!(
    r#"
-- Set by people; null: what the number tells.
ALTER TABLE contacts ADD COLUMN time_zone TEXT;
-- What the number tells: a zone, or the first prefix of the table of those that may be in several (see phone::zones).
-- No index, as for the region: a filter walks the contacts of the account.
ALTER TABLE contacts ADD COLUMN number_zones TEXT;

-- the contacts that there are are looked up once more, by the sweep that knows their regions
INSERT INTO contact_regions_read (one) SELECT 1 WHERE EXISTS (SELECT 1 FROM contacts) ON CONFLICT (one) DO UPDATE SET after_id = NULL;
"#
);
