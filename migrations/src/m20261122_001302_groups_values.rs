//! Values of a contact that hold in one group only.

crate::schema::step!(
    r#"
-- by the marker that reads them: {"first_name": "Ann", "fields.city": "Leeds"}; null for nearly all memberships
ALTER TABLE contact_groups ADD COLUMN overrides JSONB;
-- a page of a campaign asks for the few that there are; so does the list of contacts with differing values
CREATE INDEX contact_groups_overrides ON contact_groups (group_id, contact_id) WHERE overrides IS NOT NULL;
"#
);
