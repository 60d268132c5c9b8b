//! Messages from subscribers, and the parts of long ones that wait for each other.

crate::schema::step!(
    r#"
CREATE TABLE inbound_messages (
    id UUID PRIMARY KEY NOT NULL,
    -- null: nobody's; kept for the operator
    account_id UUID,
    carrier_id UUID NOT NULL,
    -- the address it came from, and E.164 digits where it is a number
    source TEXT NOT NULL,
    phone BIGINT,
    -- our sender that it was sent to
    recipient TEXT NOT NULL,
    body TEXT NOT NULL,
    encoding TEXT NOT NULL,
    keyword TEXT,
    parts BIGINT NOT NULL,
    -- false: parts of it never came
    complete BOOLEAN NOT NULL,
    -- how often the carrier delivered it, and when last
    deliveries BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    -- what a repeated delivery is known by; null for a long message, whose parts are
    fingerprint TEXT,
    contact_id UUID,
    -- the message it answers
    message_id UUID,
    campaign_id UUID,
    received_at BIGINT NOT NULL
);
-- the list of an account, newest first; of what is nobody's, for the operator
CREATE INDEX inbound_messages_account ON inbound_messages (account_id, id);
-- a delivery asks: was this delivered a moment ago
CREATE INDEX inbound_messages_fingerprint ON inbound_messages (carrier_id, fingerprint) WHERE fingerprint IS NOT NULL;

CREATE TABLE inbound_parts (
    carrier_id UUID NOT NULL,
    source TEXT NOT NULL,
    recipient TEXT NOT NULL,
    -- what the parts of one message share: kind of reference, reference, number of parts
    tie TEXT NOT NULL,
    part BIGINT NOT NULL,
    data_coding BIGINT NOT NULL,
    -- octets in hexadecimal
    body TEXT NOT NULL,
    -- the message is made; the part stays a while, to be known when it is delivered again
    done BOOLEAN NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (carrier_id, source, recipient, tie, part)
);
-- the sweep asks: which have waited long enough; and which are too many
CREATE INDEX inbound_parts_received ON inbound_parts (carrier_id, received_at);

-- a message from a subscriber asks: whose is this number
CREATE INDEX senders_value ON senders (value) WHERE status = 'approved';
-- and: who sent to this subscriber last. Only a sender of digits can be answered, so others are not in it
[postgres] CREATE INDEX messages_answerable ON messages (phone, id) WHERE sender ~ '^[0-9]+$';
[sqlite] CREATE INDEX messages_answerable ON messages (phone, id) WHERE sender NOT GLOB '*[^0-9]*';
"#
);
