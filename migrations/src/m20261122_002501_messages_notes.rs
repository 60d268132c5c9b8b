//! Messages: what the carrier sent, as it came. The receipt that ended a part lies with the part, so that it is written by
//! the statement that writes the part's end; what is rare (other receipts of it, tries that decided nothing) in a table.

crate::schema::step!(
    r#"
-- the receipt that told the state, where that is final
ALTER TABLE message_parts ADD COLUMN receipt TEXT;
ALTER TABLE receipts ADD COLUMN raw TEXT;

-- at most twenty rows a message
CREATE TABLE message_notes (
    message_id UUID NOT NULL,
    id UUID NOT NULL,
    -- null: the message as a whole
    part BIGINT,
    carrier_id UUID NOT NULL,
    -- receipt: one that did not end the part; put_off: the carrier did not take it just then; lost: its answer was lost;
    -- moved: the carrier was down, and it took another route
    kind TEXT NOT NULL,
    -- the receipt's state; the carrier's code; why the answer was lost
    word TEXT NOT NULL,
    -- of a receipt
    error TEXT,
    raw TEXT,
    times BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    -- serves the trace, and the count of a message's notes
    PRIMARY KEY (message_id, id)
) PARTITIONED;
[postgres] SELECT carillon_partitions('message_notes', 2);

-- A part is more than twice as long once its receipt is written. In pages filled to a quarter it stays where it is (HOT); at 45,
-- as before, half of them would leave their page and write both indexes anew.
[postgres] CREATE OR REPLACE FUNCTION carillon_partitions(parent text, months int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    month date := date_trunc('month', now())::date;
    made int := 0;
BEGIN
    FOR i IN 0..months LOOP
        IF to_regclass(parent || to_char(month, '_YYYYMM')) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = %s)',
                parent || to_char(month, '_YYYYMM'), parent, carillon_month_floor(month),
                carillon_month_floor((month + interval '1 month')::date),
                CASE parent WHEN 'messages' THEN 45 WHEN 'message_parts' THEN 25 ELSE 100 END);
            made := made + 1;
        END IF;
        month := (month + interval '1 month')::date;
    END LOOP;
    RETURN made;
END $$;

[postgres] DO $$
DECLARE
    partition regclass;
BEGIN
    FOR partition IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'message_parts'::regclass LOOP
        EXECUTE format('ALTER TABLE %s SET (fillfactor = 25)', partition);
    END LOOP;
END $$;
"#
);
