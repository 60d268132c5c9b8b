//! What can be found of a contact is written anew, by the sweep: the texts have more in them, and are folded otherwise.

crate::schema::step!(
    r#"
INSERT INTO contact_search_queue (contact_id) SELECT id FROM contacts;
"#
);
