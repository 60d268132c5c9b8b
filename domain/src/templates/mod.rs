//! Templates: texts with markers, kept under a name of the account's own.
//!
//! Invariants: a name is unique within its account; a body is at most 5,000 characters and can be read as a template;
//! a campaign freezes the body at launch, so a later change of the template changes no message.

mod check;
mod create;
mod delete;
mod entity;
mod queries;
pub mod text;
mod update;

pub use check::{check, markers};
pub use create::{NewTemplate, create};
pub use delete::delete;
pub use entity::{Entity, Model as Template};
pub use queries::{find, list};
pub use update::{Change, update};

/// The longest body, in characters.
pub const MAX_BODY: usize = text::MAX_CHARACTERS;
