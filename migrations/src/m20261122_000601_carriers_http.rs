//! Carriers: the kind `http` beside `smpp`. SQLite cannot change a CHECK, but a column takes its own away with it; so the
//! column is made anew, with its values, by the same text on both databases.

crate::schema::step!(
    r#"
ALTER TABLE carriers RENAME COLUMN kind TO kind_before;
ALTER TABLE carriers ADD COLUMN kind TEXT NOT NULL DEFAULT 'smpp' CHECK (kind IN ('smpp', 'http'));
UPDATE carriers SET kind = kind_before;
ALTER TABLE carriers DROP COLUMN kind_before;
"#
);
