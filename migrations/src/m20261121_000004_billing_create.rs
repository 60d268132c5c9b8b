//! Rates, the double-entry ledger, balances and holds. Money is micro-units of the account's currency.

crate::schema::step!(
    r#"
CREATE TABLE rate_decks (
    id UUID PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    currency TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- moves when rates are imported, so that loaded decks are known to be stale
    version BIGINT NOT NULL
);

CREATE TABLE rates (
    id UUID PRIMARY KEY NOT NULL,
    deck_id UUID NOT NULL REFERENCES rate_decks (id),
    country TEXT NOT NULL,
    -- E.164 digits; empty when the rate is the country's or an operator's by name
    prefix TEXT NOT NULL,
    -- operator as the prefix table names it; empty when the rate is the country's
    operator TEXT NOT NULL,
    price BIGINT NOT NULL CHECK (price >= 0),
    cost BIGINT CHECK (cost >= 0),
    valid_from BIGINT NOT NULL,
    UNIQUE (deck_id, country, prefix, operator, valid_from)
);

-- what happened; append-only
CREATE TABLE journal (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    kind TEXT NOT NULL CHECK (kind IN ('top_up', 'grant', 'hold', 'capture', 'release', 'refund', 'adjustment')),
    -- what makes a repeat harmless
    key TEXT NOT NULL,
    currency TEXT NOT NULL,
    hold_id UUID,
    note TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (account_id, kind, key)
);
-- the statement of an account
CREATE INDEX journal_account ON journal (account_id, id);
-- what a campaign cost: the captures and refunds of its hold
CREATE INDEX journal_hold ON journal (hold_id) WHERE hold_id IS NOT NULL;

-- Σ amount = 0 per journal; append-only
CREATE TABLE postings (
    journal_id UUID NOT NULL REFERENCES journal (id),
    ledger TEXT NOT NULL CHECK (ledger IN ('purchased', 'granted', 'held', 'revenue', 'clearing', 'bonus', 'receivable')),
    account_id UUID NOT NULL,
    currency TEXT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (journal_id, ledger)
);
-- the audit re-derives a balance from these
CREATE INDEX postings_account ON postings (account_id, ledger);

CREATE TABLE balances (
    account_id UUID NOT NULL REFERENCES accounts (id),
    currency TEXT NOT NULL,
    purchased BIGINT NOT NULL CHECK (purchased >= 0),
    granted BIGINT NOT NULL CHECK (granted >= 0),
    held BIGINT NOT NULL CHECK (held >= 0),
    PRIMARY KEY (account_id)
);

CREATE TABLE holds (
    id UUID PRIMARY KEY NOT NULL,
    account_id UUID NOT NULL REFERENCES accounts (id),
    currency TEXT NOT NULL,
    reserved_granted BIGINT NOT NULL CHECK (reserved_granted >= 0),
    reserved_purchased BIGINT NOT NULL CHECK (reserved_purchased >= 0),
    captured_granted BIGINT NOT NULL,
    captured_purchased BIGINT NOT NULL,
    released_granted BIGINT NOT NULL,
    released_purchased BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    closed_at BIGINT,
    CHECK (captured_granted >= 0 AND released_granted >= 0 AND captured_granted + released_granted <= reserved_granted),
    CHECK (captured_purchased >= 0 AND released_purchased >= 0 AND captured_purchased + released_purchased <= reserved_purchased)
);
-- the audit sums the open holds of an account
CREATE INDEX holds_account ON holds (account_id) WHERE closed_at IS NULL;
"#
);
