//! Carriers: connections that routing passes over, since they answer with faults.

crate::schema::step!(
    r#"
-- until when; null: it is well
ALTER TABLE carrier_binds ADD COLUMN tripped_until BIGINT;
"#
);
