//! Texts with markers.
#![no_main]

use std::borrow::Cow;

use domain::templates::text::Template;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(template) = Template::parse(text) else { return };
    let markers = template.markers().count();
    let bare = template.render(|_| None);
    let filled = template.render(|_| Some(Cow::Borrowed("x")));
    if markers == 0 {
        assert_eq!(bare, filled);
    }
});
