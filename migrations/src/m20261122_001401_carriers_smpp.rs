//! Carriers: the key of a client's certificate, sealed; what each connection is for.

crate::schema::step!(
    r#"
-- the key of the certificate that we show to the carrier, sealed as the password is, for a place of its own
ALTER TABLE carriers ADD COLUMN client_key_sealed TEXT;

-- what the connection is for; the version before this one has transceivers alone and does not write it
ALTER TABLE carrier_binds ADD COLUMN kind TEXT NOT NULL DEFAULT 'transceiver' CHECK (kind IN ('transceiver', 'transmitter', 'receiver'));
-- the version of SMPP that the carrier named when it was bound
ALTER TABLE carrier_binds ADD COLUMN interface_version TEXT;
"#
);
