//! Carriers, chunks, messages with their texts and parts, receipts that wait, messages in doubt. On PostgreSQL the big
//! tables are partitioned by month of their UUIDv7; `carillon_partitions` makes the months ahead.

crate::schema::step!(
    r#"
CREATE TABLE carriers (
    id UUID PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('smpp')),
    config JSONB NOT NULL,
    enabled BOOLEAN NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL
);

-- what a pump takes: up to 1,000 messages of one carrier and one hold
CREATE TABLE chunks (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    campaign_id UUID,
    batch_id UUID,
    carrier_id UUID NOT NULL,
    hold_id UUID,
    status TEXT NOT NULL CHECK (status IN ('preparing', 'scheduled', 'ready', 'claimed', 'paused', 'done', 'cancelled')),
    priority BIGINT NOT NULL,
    send_at BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    -- whose windows may still hold messages of this chunk, whatever its status
    lease_owner TEXT,
    lease_until BIGINT,
    -- when the last receipts were waited for
    settled_at BIGINT,
    created_at BIGINT NOT NULL
);
-- a pump asks: what is ready for my carrier, most urgent first
CREATE INDEX chunks_ready ON chunks (carrier_id, priority, send_at, id) WHERE status = 'ready';
-- the sweep asks: whose lease has ended
CREATE INDEX chunks_leased ON chunks (lease_until) WHERE lease_owner IS NOT NULL;
-- the sweep asks: what falls due
CREATE INDEX chunks_scheduled ON chunks (send_at) WHERE status = 'scheduled';
-- the sweep asks: which chunks wait for receipts no longer, or are cancelled and still have messages
CREATE INDEX chunks_unsettled ON chunks (status, send_at) WHERE settled_at IS NULL;
-- pause, resume and cancel of a campaign; cancel of a batch
CREATE INDEX chunks_campaign ON chunks (campaign_id) WHERE campaign_id IS NOT NULL;

CREATE TABLE messages (
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    campaign_id UUID,
    batch_id UUID,
    chunk_id UUID,
    contact_id UUID,
    phone BIGINT NOT NULL,
    country TEXT,
    operator TEXT,
    sender TEXT NOT NULL,
    encoding TEXT NOT NULL,
    split_mode TEXT NOT NULL,
    segments BIGINT NOT NULL,
    parts BIGINT NOT NULL,
    unit_price BIGINT NOT NULL,
    unit_cost BIGINT,
    currency TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    error TEXT,
    carrier_id UUID,
    hold_id UUID,
    charge_id UUID,
    refund_id UUID,
    send_at BIGINT NOT NULL,
    submitted_at BIGINT,
    done_at BIGINT,
    external_id TEXT,
    metadata JSONB NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id)
) PARTITIONED;
-- No index has a column that changes while a message travels (status, charge): PostgreSQL then updates rows in place
-- (HOT), which is what three updates a message live on.
-- the list of an account's messages, newest first
CREATE INDEX messages_account ON messages (account_id, id);
-- the messages of a campaign; its report
CREATE INDEX messages_campaign ON messages (campaign_id, id);
-- the messages of a chunk: the pump's window, the sweep after a crash
CREATE INDEX messages_chunk ON messages (chunk_id);
-- the messages of a send
CREATE INDEX messages_batch ON messages (batch_id, id) WHERE batch_id IS NOT NULL;

CREATE TABLE message_texts (
    message_id UUID NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (message_id)
) PARTITIONED;

-- one row a submitted part: what a receipt is matched with
CREATE TABLE message_parts (
    message_id UUID NOT NULL,
    part BIGINT NOT NULL,
    carrier_id UUID NOT NULL,
    -- the carrier's id in canonical form, and as it came; null when the answer was lost
    carrier_ref TEXT,
    carrier_ref_raw TEXT,
    status TEXT NOT NULL,
    error TEXT,
    submitted_at BIGINT NOT NULL,
    done_at BIGINT,
    PRIMARY KEY (message_id, part)
) PARTITIONED;
-- a receipt asks: which part is this
CREATE INDEX message_parts_ref ON message_parts (carrier_id, carrier_ref);

-- receipts that found no part yet: early ones, and those of nobody; kept 72 h
CREATE TABLE receipts (
    id UUID PRIMARY KEY NOT NULL,
    carrier_id UUID NOT NULL,
    carrier_ref TEXT NOT NULL,
    carrier_ref_raw TEXT NOT NULL,
    -- the recipient's and the sender's address as the receipt has them
    phone BIGINT,
    sender TEXT,
    state TEXT NOT NULL,
    error TEXT,
    received_at BIGINT NOT NULL
);
-- the recorder asks, for parts just stored: is a receipt waiting
CREATE INDEX receipts_ref ON receipts (carrier_id, carrier_ref);
-- the sweeps ask: which are new, which have waited, which are old
CREATE INDEX receipts_received ON receipts (received_at);

-- messages whose fate is not known: beside `messages`, since an index over its status would cost every update
CREATE TABLE messages_in_doubt (
    message_id UUID PRIMARY KEY NOT NULL,
    carrier_id UUID NOT NULL,
    phone BIGINT NOT NULL,
    sender TEXT NOT NULL,
    since BIGINT NOT NULL,
    until BIGINT NOT NULL
);
-- a receipt without a known id asks by the recipient
CREATE INDEX messages_in_doubt_phone ON messages_in_doubt (carrier_id, phone);
-- the sweep ends what is past its time
CREATE INDEX messages_in_doubt_until ON messages_in_doubt (until);

[postgres] CREATE FUNCTION carillon_month_floor(day date) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM day) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;

[postgres] CREATE FUNCTION carillon_partitions(parent text, months int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    month date := date_trunc('month', now())::date;
    made int := 0;
BEGIN
    FOR i IN 0..months LOOP
        IF to_regclass(parent || to_char(month, '_YYYYMM')) IS NULL THEN
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', parent || to_char(month, '_YYYYMM'),
                parent, carillon_month_floor(month), carillon_month_floor((month + interval '1 month')::date));
            made := made + 1;
        END IF;
        month := (month + interval '1 month')::date;
    END LOOP;
    RETURN made;
END $$;

[postgres] SELECT carillon_partitions('messages', 2), carillon_partitions('message_texts', 2), carillon_partitions('message_parts', 2);
"#
);
