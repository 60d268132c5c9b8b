//! Whether a membership's group and contact exist is asked once a statement, where PostgreSQL asked once a row: half of what
//! an import cost. What holds is the same: no membership without its group and its contact, also when one of them is deleted
//! at the same moment, since both are locked against that until the membership is committed.

crate::schema::step!(
    r#"
-- accounts are never deleted, and every writer has its account from a token or a row
[postgres] ALTER TABLE contacts DROP CONSTRAINT contacts_account_id_fkey;
[postgres] ALTER TABLE contact_groups DROP CONSTRAINT contact_groups_group_id_fkey;
[postgres] ALTER TABLE contact_groups DROP CONSTRAINT contact_groups_contact_id_fkey;

-- the plans of these functions are kept by a session, perhaps since there were ten contacts: they go by index whatever
[postgres] CREATE FUNCTION contact_groups_have_parents() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF (SELECT COUNT(*) FROM (SELECT DISTINCT group_id FROM added) a, LATERAL (SELECT 1 FROM groups g WHERE g.id = a.group_id FOR KEY SHARE) p)
           < (SELECT COUNT(DISTINCT group_id) FROM added)
        OR (SELECT COUNT(*) FROM added a, LATERAL (SELECT 1 FROM contacts c WHERE c.id = a.contact_id FOR KEY SHARE) p)
           < (SELECT COUNT(*) FROM added)
    THEN
        RAISE foreign_key_violation USING MESSAGE = 'a membership without its group or its contact';
    END IF;
    RETURN NULL;
END $$;
[postgres] CREATE FUNCTION contact_groups_end_with_contacts() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    DELETE FROM contact_groups m USING gone WHERE m.contact_id = gone.id;
    RETURN NULL;
END $$;
[postgres] CREATE FUNCTION contact_groups_end_with_groups() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    DELETE FROM contact_groups m USING gone WHERE m.group_id = gone.id;
    RETURN NULL;
END $$;
[postgres] CREATE TRIGGER contact_groups_on_insert AFTER INSERT ON contact_groups REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION contact_groups_have_parents();
[postgres] CREATE TRIGGER contact_groups_on_contacts AFTER DELETE ON contacts REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION contact_groups_end_with_contacts();
[postgres] CREATE TRIGGER contact_groups_on_groups AFTER DELETE ON groups REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION contact_groups_end_with_groups();
"#
);
