//! Whence a number of the blacklist came, and imports that fill the blacklist.

crate::schema::step!(
    r#"
-- the import, group or campaign that the number came from
ALTER TABLE blacklist ADD COLUMN source_id TEXT;
-- the list of one source by id
CREATE INDEX blacklist_source ON blacklist (account_id, source, id);

-- what the rows become: contacts, or numbers of the blacklist
ALTER TABLE imports ADD COLUMN kind TEXT NOT NULL DEFAULT 'contacts';
"#
);
