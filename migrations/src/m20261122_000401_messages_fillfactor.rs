//! Room in the pages of what a message's journey updates. A message is written once and updated three times, a part once:
//! with full pages every update would leave its page and write each index anew; with this much room they stay (HOT),
//! which takes four fifths off their WAL. Half of a page is enough, since a page is pruned when its room is used up.

crate::schema::step!(
    r#"
[postgres] CREATE OR REPLACE FUNCTION carillon_partitions(parent text, months int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    month date := date_trunc('month', now())::date;
    made int := 0;
BEGIN
    FOR i IN 0..months LOOP
        IF to_regclass(parent || to_char(month, '_YYYYMM')) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = %s)',
                parent || to_char(month, '_YYYYMM'), parent, carillon_month_floor(month),
                carillon_month_floor((month + interval '1 month')::date), CASE WHEN parent IN ('messages', 'message_parts') THEN 45 ELSE 100 END);
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
    FOR partition IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent IN ('messages'::regclass, 'message_parts'::regclass) LOOP
        EXECUTE format('ALTER TABLE %s SET (fillfactor = 45)', partition);
    END LOOP;
END $$;
"#
);
