//! Tests of `templates::text`.

use proptest::prelude::*;

use super::*;

fn render(template: &str, values: &[(&str, &str)]) -> String {
    let value = |marker: &Marker| values.iter().find(|(name, _)| *name == marker.to_string()).map(|(_, v)| (*v).into());
    Template::parse(template).unwrap().render(value)
}

fn error(template: &str) -> (&'static str, usize) {
    let error = Template::parse(template).unwrap_err();
    assert!(TemplateError::CODES.contains(&error.code));
    (error.code, error.position)
}

#[test]
fn values_defaults_and_nothing() {
    let template = r#"Dear {{first_name|default:"friend"}}, card {{fields.discount_card}}."#;
    assert_eq!(
        render(template, &[("first_name", "Анна"), ("fields.discount_card", "61152000")]),
        "Dear Анна, card 61152000."
    );
    assert_eq!(render(template, &[]), "Dear friend, card .");
    assert_eq!(render(template, &[("first_name", " \n\u{a0}")]), "Dear friend, card .");
    assert_eq!(render("{{ first_name }}{{last_name}}", &[("first_name", "A"), ("last_name", "B")]), "AB");
}

#[test]
fn defaults_may_hold_braces_bars_and_quotes() {
    assert_eq!(render(r#"{{ sex | default : "a|b}} \"c\" \\ é" }}!"#, &[]), r#"a|b}} "c" \ é!"#);
    assert_eq!(render(r#"{{sex|default:""}}"#, &[]), "");
}

#[test]
fn values_are_never_parsed_again_and_bring_no_control_characters() {
    assert_eq!(render("{{first_name}}", &[("first_name", "{{phone}}"), ("phone", "+1")]), "{{phone}}");
    assert_eq!(render("{{comment}}", &[("comment", "a\nb\tc\0d\u{85}e\u{2028}f")]), "a b c d e f");
    assert_eq!(render("a\n{{comment}}", &[("comment", " x ")]), "a\n x ", "the body's own line breaks stay");
}

#[test]
fn every_built_in_field_is_known_by_its_name() {
    let names = Field::ALL.map(Field::name);
    let all: String = names.iter().map(|name| format!("{{{{{name}}}}}")).collect();
    let template = Template::parse(&all).unwrap();
    assert!(template.markers().eq(&Field::ALL.map(Marker::Builtin)));
    assert_eq!(template.render(|marker| Some(format!("<{marker}>").into())), names.map(|n| format!("<{n}>")).concat());
}

#[test]
fn markers_come_in_order_with_repeats() {
    let template = Template::parse("{{phone}} {{fields.a-B_9}} {{phone}} text").unwrap();
    let markers: Vec<_> = template.markers().map(ToString::to_string).collect();
    assert_eq!(markers, ["phone", "fields.a-B_9", "phone"]);
}

#[test]
fn errors_have_a_code_and_a_place() {
    for (template, code, position) in [
        ("Привет {{first_name", "unclosed_marker", 7),
        ("{{first_name}", "unclosed_marker", 0),
        (r#"{{sex|default:"x}} y"#, "unclosed_marker", 0),
        ("a {{}}", "empty_marker", 2),
        ("{{  }}", "empty_marker", 0),
        (r#"{{|default:"x"}}"#, "empty_marker", 0),
        ("{{sex}} {{nom}}", "unknown_marker", 8),
        ("{{First_Name}}", "unknown_marker", 0),
        ("{{first name}}", "unknown_marker", 0),
        ("{{{sex}}}", "unknown_marker", 0),
        ("{{fields.}}", "bad_field_key", 0),
        ("{{fields.скидка}}", "bad_field_key", 0),
        ("{{fields.a b}}", "bad_field_key", 0),
        ("{{sex|}}", "bad_filter", 0),
        ("{{sex|upper}}", "bad_filter", 0),
        ("{{sex|default}}", "bad_filter", 0),
        ("{{sex|default:x}}", "bad_filter", 0),
        ("{{sex|default:“x”}}", "bad_filter", 0),
        (r#"{{sex|default:"x" y}}"#, "bad_filter", 0),
        (r#"{{sex|default:"x"|default:"y"}}"#, "bad_filter", 0),
        (r#"{{sex|default:"\n"}}"#, "bad_filter", 0),
    ] {
        assert_eq!(error(template), (code, position), "{template}");
    }
    let unknown = Template::parse("{{nom}}").unwrap_err();
    assert!(unknown.detail.contains("`nom`") && unknown.detail.contains("first_name, last_name"), "{unknown}");
    let long = Template::parse(&format!("{{{{{}}}}}", "x".repeat(3_000))).unwrap_err();
    assert!(long.detail.len() < 300);
}

#[test]
fn limits_are_inclusive() {
    assert!(Template::parse(&"я".repeat(MAX_CHARACTERS)).is_ok());
    assert_eq!(error(&"я".repeat(MAX_CHARACTERS + 1)), ("template_too_long", MAX_CHARACTERS));
    assert!(Template::parse(&"{{sex}}".repeat(MAX_MARKERS)).is_ok());
    assert_eq!(error(&"{{sex}}".repeat(MAX_MARKERS + 1)), ("too_many_markers", 7 * MAX_MARKERS));
}

#[test]
fn braces_that_open_nothing_are_text() {
    for text in ["", "{", "}}", "a } b { c", "{ {x} }", "100 %", "}} }} {"] {
        assert_eq!(render(text, &[]), text);
    }
}

/// Texts that are nearly templates.
const MARKUP: &str = "([{}|\":\\\\ a]|sex|default|fields\\.|\\PC|\\{\\{|\\}\\}){0,60}";

proptest! {
    #[test]
    fn text_without_markers_is_unchanged(text in "[^{]{0,300}") {
        prop_assert_eq!(render(&text, &[]), text);
    }

    #[test]
    fn nothing_panics(text in MARKUP, value in any::<String>()) {
        if let Ok(template) = Template::parse(&text) {
            let rendered = template.render(|_| Some(value.as_str().into()));
            let empty = template.render(|_| None);
            prop_assert!(template.markers().count() > 0 || (rendered == text && empty == text));
        }
    }

    #[test]
    fn any_value_is_inserted_once_with_controls_as_spaces(value in any::<String>()) {
        let rendered = render("<{{comment}}>", &[("comment", &value)]);
        prop_assert!(!rendered.chars().any(char::is_control));
        prop_assert!(rendered == "<>" || rendered.chars().count() == value.chars().count() + 2);
    }
}
