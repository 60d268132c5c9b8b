//! Carriers: the password apart from the other settings and sealed; what workers report of each connection.

crate::schema::step!(
    r#"
-- sealed by the keyring of the configuration; null: none, or still in `config` as an earlier version wrote it
ALTER TABLE carriers ADD COLUMN password_sealed TEXT;

-- what the worker that holds a connection last said of it; nothing depends on it but what people and routing see
CREATE TABLE carrier_binds (
    carrier_id UUID NOT NULL,
    n BIGINT NOT NULL,
    owner TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('binding', 'connected', 'backing_off')),
    -- since when it is connected, or not
    since BIGINT NOT NULL,
    retry_at BIGINT,
    window_size BIGINT NOT NULL,
    window_used BIGINT NOT NULL,
    -- until when the carrier has asked us to wait
    throttled_until BIGINT,
    last_error TEXT,
    last_error_at BIGINT,
    reported_at BIGINT NOT NULL,
    PRIMARY KEY (carrier_id, n)
);
"#
);
