//! What became of the last message to a number.

crate::schema::step!(
    r#"
-- By number, not by contact: a contact that is deleted and made again keeps what is known. Beside contacts, whose rows are
-- wide and have many indexes.
CREATE TABLE contact_outcomes (
    account_id UUID NOT NULL,
    phone BIGINT NOT NULL,
    -- how the last message ended, and when
    status TEXT NOT NULL,
    at BIGINT NOT NULL,
    -- messages that failed since the last one that was delivered
    failures BIGINT NOT NULL,
    PRIMARY KEY (account_id, phone)
);

-- how far the stream of events has been read into it
CREATE TABLE contact_outcomes_read (
    one BIGINT PRIMARY KEY NOT NULL CHECK (one = 1),
    seq BIGINT NOT NULL
);
INSERT INTO contact_outcomes_read (one, seq) VALUES (1, 0);

-- the reader asks: which batches of moves come after a place, of any account. A batch is up to 1,000 moves, so this
-- index grows by a row where messages grow by hundreds
CREATE INDEX events_moves ON events (seq) WHERE type = 'messages.moved';
"#
);
