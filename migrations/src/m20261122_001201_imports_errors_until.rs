//! Refused rows of imports end some time after their import.

crate::schema::step!(
    r#"
-- until when the refused rows are kept; null when there are none
ALTER TABLE imports ADD COLUMN errors_until BIGINT;
-- housekeeping asks whose time is over
CREATE INDEX imports_errors_until ON imports (errors_until) WHERE errors_until IS NOT NULL;
"#
);
