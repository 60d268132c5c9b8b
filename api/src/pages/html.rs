//! The little HTML the pages need: escaping, a frame, and the part of Markdown that the document uses.

/// Text as it is to be read.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Paragraphs, `- ` lists, `**bold**` and `` `code` ``.
pub fn markdown(text: &str) -> String {
    let mut html = String::new();
    for block in text.split("\n\n").filter(|b| !b.trim().is_empty()) {
        let (items, lines): (Vec<&str>, Vec<&str>) = block.lines().partition(|l| l.trim_start().starts_with("- "));
        if !lines.is_empty() {
            html.push_str(&format!("<p>{}</p>", inline(&lines.join("\n"))));
        }
        if !items.is_empty() {
            let items: String =
                items.iter().map(|i| format!("<li>{}</li>", inline(i.trim_start().trim_start_matches("- ")))).collect();
            html.push_str(&format!("<ul>{items}</ul>"));
        }
    }
    html
}

/// Marks in a line: every second piece between backticks is code, outside of it every second between `**` is bold.
pub fn inline(text: &str) -> String {
    let alternate = |text: &str, mark: &str, open: &str, close: &str, rest: &dyn Fn(&str) -> String| {
        text.split(mark)
            .enumerate()
            .map(|(i, piece)| if i % 2 == 1 { format!("{open}{}{close}", escape(piece)) } else { rest(piece) })
            .collect::<String>()
    };
    let bold = |piece: &str| alternate(piece, "**", "<b>", "</b>", &escape);
    alternate(text, "`", "<code>", "</code>", &bold)
}

/// A whole page; nothing in it comes from elsewhere.
pub fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>{title}</title><style>{STYLE}</style></head>\
         <body>{body}</body></html>"
    )
}

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--soft:#8881}\
body{font:16px/1.55 system-ui,sans-serif;margin:0 auto;max-width:60rem;padding:1.5rem}\
h1{font-size:1.8rem}h2{margin-top:3rem;border-bottom:1px solid var(--line)}h3{margin-top:2.2rem}\
code,pre{font:13px/1.5 ui-monospace,monospace}pre{background:var(--soft);padding:.8rem;overflow:auto;border-radius:6px}\
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid var(--line);padding:.35rem .6rem .35rem 0;\
text-align:left;vertical-align:top}.path{background:var(--soft);padding:.4rem .8rem;border-radius:6px}\
.path b{display:inline-block;min-width:4rem}nav a{margin-right:1rem}small{opacity:.75}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_text_stays_text() {
        assert_eq!(inline("a `<b>` **c** < d"), "a <code>&lt;b&gt;</code> <b>c</b> &lt; d");
        assert_eq!(markdown("one\ntwo\n\n- x\n- y"), "<p>one\ntwo</p><ul><li>x</li><li>y</li></ul>");
    }
}
