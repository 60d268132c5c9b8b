//! Quiet hours of accounts, kept by the chunks of their campaigns.

crate::schema::step!(
    r#"
ALTER TABLE accounts ADD COLUMN quiet_hours JSONB;
-- the quiet hours, and their clock, for which a campaign's chunks were placed; null: for none
ALTER TABLE campaigns ADD COLUMN planned_for TEXT;
-- of a cancelled chunk: why its messages are skipped; null: they are cancelled
ALTER TABLE chunks ADD COLUMN skip_reason TEXT;
"#
);
