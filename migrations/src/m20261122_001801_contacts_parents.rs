//! A contact that the same transaction has just made is not locked once more when it becomes a member: nobody else can delete it
//! before the transaction ends. The locks, a write to the row each, were a good part of what an import of memberships cost.

crate::schema::step!(
    r#"
-- a row whose newest form is of this very transaction is locked by it already; of a part of it (a savepoint) it is
-- locked as any other
[postgres] CREATE OR REPLACE FUNCTION contact_groups_have_parents() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    mine xid := (txid_current() & 4294967295)::text::xid;
    wanted bigint;
    there bigint;
BEGIN
    IF (SELECT COUNT(*) FROM (SELECT DISTINCT group_id FROM added) a, LATERAL (SELECT 1 FROM groups g WHERE g.id = a.group_id FOR KEY SHARE) p)
           < (SELECT COUNT(DISTINCT group_id) FROM added)
    THEN
        RAISE foreign_key_violation USING MESSAGE = 'a membership without its group or its contact';
    END IF;
    SELECT COUNT(*) INTO wanted FROM added;
    SELECT COUNT(*) INTO there FROM added a, LATERAL (SELECT 1 FROM contacts c WHERE c.id = a.contact_id AND c.xmin = mine OFFSET 0) p;
    IF there < wanted THEN
        there := there + (SELECT COUNT(*) FROM added a, LATERAL (SELECT 1 FROM contacts c WHERE c.id = a.contact_id AND c.xmin <> mine FOR KEY SHARE) p);
    END IF;
    IF there < wanted THEN
        RAISE foreign_key_violation USING MESSAGE = 'a membership without its group or its contact';
    END IF;
    RETURN NULL;
END $$;
"#
);
