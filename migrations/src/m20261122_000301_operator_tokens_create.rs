//! Operator tokens: what the operator of the platform shows to `/v1/admin`.

crate::schema::step!(
    r#"
CREATE TABLE operator_tokens (
    id UUID PRIMARY KEY NOT NULL,
    description TEXT NOT NULL,
    -- SHA-256 of the token; unique, and what authentication looks up
    hash BYTEA NOT NULL UNIQUE,
    hint TEXT NOT NULL,
    scopes JSONB NOT NULL,
    networks JSONB NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    last_used_at BIGINT,
    created_at BIGINT NOT NULL
);
"#
);
