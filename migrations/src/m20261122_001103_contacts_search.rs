//! Search of contacts by parts of their texts. PostgreSQL needs the extensions pg_trgm and btree_gin, which are trusted:
//! the owner of the database may make them.

crate::schema::step!(
    r#"
[postgres] CREATE EXTENSION IF NOT EXISTS pg_trgm;
[postgres] CREATE EXTENSION IF NOT EXISTS btree_gin;

-- what can be found of a contact, folded. Beside contacts: the index over it is large, and a change of a contact that
-- does not change its text does not touch it
[postgres] CREATE TABLE contact_search (
    contact_id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL,
    text TEXT NOT NULL
);
[sqlite] CREATE TABLE contact_search (
    -- a number that stays: what the index below calls its rows by
    place INTEGER PRIMARY KEY NOT NULL,
    contact_id BLOB UNIQUE NOT NULL,
    account_id BLOB NOT NULL,
    text TEXT NOT NULL
);
-- a search asks: which texts of this account have these letters in a row
[postgres] CREATE INDEX contact_search_text ON contact_search USING gin (account_id, text gin_trgm_ops);
[sqlite] CREATE VIRTUAL TABLE contact_search_text USING fts5(text, content='contact_search', content_rowid='place', detail='none', tokenize='trigram case_sensitive 1');
[sqlite] CREATE TRIGGER contact_search_made AFTER INSERT ON contact_search BEGIN INSERT INTO contact_search_text (rowid, text) VALUES (new.place, new.text); END;
[sqlite] CREATE TRIGGER contact_search_gone AFTER DELETE ON contact_search BEGIN INSERT INTO contact_search_text (contact_search_text, rowid, text) VALUES ('delete', old.place, old.text); END;
[sqlite] CREATE TRIGGER contact_search_changed AFTER UPDATE OF text ON contact_search BEGIN INSERT INTO contact_search_text (contact_search_text, rowid, text) VALUES ('delete', old.place, old.text); INSERT INTO contact_search_text (rowid, text) VALUES (new.place, new.text); END;

-- contacts whose text is to be written anew. Only ever appended to and taken off: nobody waits for anybody here
[postgres] CREATE TABLE contact_search_queue (
    n BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contact_id UUID NOT NULL
);
[sqlite] CREATE TABLE contact_search_queue (
    n INTEGER PRIMARY KEY NOT NULL,
    contact_id BLOB NOT NULL
);

-- whatever writes contacts notes them: a statement for a statement on PostgreSQL, row by row on SQLite
[postgres] CREATE FUNCTION contact_search_note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO contact_search_queue (contact_id) SELECT id FROM noted;
    RETURN NULL;
END $$;
[postgres] CREATE TRIGGER contact_search_on_insert AFTER INSERT ON contacts REFERENCING NEW TABLE AS noted FOR EACH STATEMENT EXECUTE FUNCTION contact_search_note();
[postgres] CREATE TRIGGER contact_search_on_update AFTER UPDATE ON contacts REFERENCING NEW TABLE AS noted FOR EACH STATEMENT EXECUTE FUNCTION contact_search_note();
[postgres] CREATE TRIGGER contact_search_on_delete AFTER DELETE ON contacts REFERENCING OLD TABLE AS noted FOR EACH STATEMENT EXECUTE FUNCTION contact_search_note();
[sqlite] CREATE TRIGGER contact_search_on_insert AFTER INSERT ON contacts BEGIN INSERT INTO contact_search_queue (contact_id) VALUES (new.id); END;
[sqlite] CREATE TRIGGER contact_search_on_update AFTER UPDATE ON contacts BEGIN INSERT INTO contact_search_queue (contact_id) VALUES (new.id); END;
[sqlite] CREATE TRIGGER contact_search_on_delete AFTER DELETE ON contacts BEGIN INSERT INTO contact_search_queue (contact_id) VALUES (old.id); END;

-- contacts that there are already
INSERT INTO contact_search_queue (contact_id) SELECT id FROM contacts;
"#
);
