//! Balances: what is held is the sum of the open holds, and no longer a column of the row that everybody who sends locks.

crate::schema::step!(
    r#"
-- a capture moves held money alone: without this column it leaves the balance row, and those who wait for it, in peace
ALTER TABLE balances DROP COLUMN held;
"#
);
