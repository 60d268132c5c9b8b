//! Numbers whose operator is another than the one of their prefix.

crate::schema::step!(
    r#"
CREATE TABLE ported_numbers (
    -- E.164 digits as a number; sends and contacts look up by it
    phone BIGINT PRIMARY KEY NOT NULL,
    operator TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);
-- the operator's list, narrowed to one operator
CREATE INDEX ported_numbers_operator ON ported_numbers (operator, phone);
"#
);
