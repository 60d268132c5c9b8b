//! Message templates.

pub mod text;
