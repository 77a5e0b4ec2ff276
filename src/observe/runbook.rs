//! `docs/runbook.md` as a page: what to do about a problem, on the very machine that has it.

use std::sync::LazyLock;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// What the page has beyond the status page's style.
pub(super) const STYLE: &str = include_str!("runbook.css");

/// The page, made once.
pub(super) fn page() -> &'static str {
    static PAGE: LazyLock<String> = LazyLock::new(|| render(include_str!("../../docs/runbook.md")));
    &PAGE
}

/// A page of a text with one `#` heading. Its `##` headings are anchors, and listed first.
fn render(text: &str) -> String {
    let mut events: Vec<_> = Parser::new_ext(text, Options::ENABLE_TABLES).collect();
    let anchors = anchor(&mut events);
    let mut body = String::new();
    html::push_html(&mut body, safe(events.into_iter()));
    let entries: String =
        anchors.iter().map(|anchor| format!("<li><a href=\"#{anchor}\">{anchor}</a></li>\n")).collect();
    // Every path is relative: the server may stand behind a proxy, below a path of its own.
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\" />\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\" />\n\
         <meta name=\"color-scheme\" content=\"light dark\" />\n<title>auditferry: runbook</title>\n\
         <link rel=\"stylesheet\" href=\"page.css\" />\n<link rel=\"stylesheet\" href=\"runbook.css\" />\n</head>\n\
         <body>\n<main class=\"runbook\">\n<p><a href=\"./\">Status</a></p>\n\
         <nav aria-label=\"Problems\">\n<ul>\n{entries}</ul>\n</nav>\n{body}</main>\n</body>\n</html>\n"
    )
}

/// Gives every `##` heading its words as id: `First look` is `first-look`, as in the viewers of such files.
fn anchor(events: &mut [Event<'_>]) -> Vec<String> {
    let mut anchors = Vec::new();
    for start in 0..events.len() {
        let words: String = events[start + 1..]
            .iter()
            .take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))))
            .filter_map(|event| match event {
                Event::Text(words) | Event::Code(words) => Some(words.as_ref()),
                _ => None,
            })
            .collect();
        if let Event::Start(Tag::Heading { level: pulldown_cmark::HeadingLevel::H2, id, .. }) =
            &mut events[start]
        {
            let kept = words.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_'));
            let words: String = kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect();
            *id = Some(CowStr::from(words.clone()));
            anchors.push(words);
        }
    }
    anchors
}

/// Without markup of the text's own, which becomes text, and without links to files that are not served. Tables may
/// be wider than a phone.
fn safe<'a>(events: impl Iterator<Item = Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    let mut is_dropped = false;
    events.flat_map(move |event| {
        let is_table_start = matches!(event, Event::Start(Tag::Table(_)));
        let is_table_end = matches!(event, Event::End(TagEnd::Table));
        let kept = match event {
            Event::Html(markup) | Event::InlineHtml(markup) => Some(Event::Text(markup)),
            Event::Start(Tag::Link { ref dest_url, .. }) => {
                is_dropped = !dest_url.starts_with('#') && !dest_url.starts_with("https://");
                (!is_dropped).then_some(event)
            }
            Event::End(TagEnd::Link) => (!is_dropped).then_some(event),
            Event::Start(Tag::Image { .. }) | Event::End(TagEnd::Image) => None,
            event => Some(event),
        };
        let before = is_table_start.then(|| Event::Html("<div class=\"wide\" tabindex=\"0\">\n".into()));
        let after = is_table_end.then(|| Event::Html("</div>\n".into()));
        before.into_iter().chain(kept).chain(after)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every tag that is opened is closed, in order.
    fn assert_well_formed(page: &str) {
        let mut open: Vec<&str> = Vec::new();
        for piece in page.split('<').skip(1) {
            let (tag, text) = piece.split_once('>').unwrap_or_else(|| panic!("no end: <{piece:.60}"));
            assert!(!text.contains('>'), "a stray bracket: {piece:.60}");
            if tag.starts_with('!') || tag.ends_with('/') {
                continue;
            }
            let name = tag.split(' ').next().unwrap();
            match name.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop(), Some(closed), "at </{closed}>"),
                None => open.push(name),
            }
        }
        assert_eq!(open, Vec::<&str>::new());
    }

    #[test]
    fn the_runbook_is_a_well_formed_page_that_the_policy_allows() {
        let page = page();
        assert_well_formed(page);
        for refused in ["style=", "<script", "onclick", "http://", ".md\"", "<img"] {
            assert!(!page.contains(refused), "{refused}");
        }
        assert!(page.contains("<table>") && page.contains("<code>auditferry dead-letters"), "{page:.200}");
    }

    #[test]
    fn every_problem_has_an_anchor_and_an_entry() {
        for anchor in ["first-look", "sink-held", "store-failing", "clock-skew"] {
            assert!(page().contains(&format!("<h2 id=\"{anchor}\">")), "{anchor}");
            assert!(page().contains(&format!("<li><a href=\"#{anchor}\">{anchor}</a></li>")), "{anchor}");
        }
    }

    #[test]
    fn no_markup_of_the_text_passes() {
        let page =
            render("# A\n\n<script>alert(1)</script>\n\n## B <b>c</b>\n\nx <i onclick=\"y\">z</i> & `<u>`\n");
        assert_well_formed(&page);
        for refused in ["<script>", "<i ", "<b>", "<u>"] {
            assert!(!page.contains(refused), "{refused}: {page}");
        }
        assert!(page.contains("&lt;script&gt;alert(1)") && page.contains("x &lt;i onclick="), "{page}");
    }

    #[test]
    fn links_lead_to_anchors_and_to_other_hosts_and_else_are_text() {
        let page = render(
            "## A\n\n[b](#a) [c](https://example.com/) [d](sinks/e.md#f) [g](javascript:h) ![i](j.png)\n",
        );
        assert_well_formed(&page);
        assert!(page.contains("<a href=\"#a\">b</a>"), "{page}");
        assert!(page.contains("<a href=\"https://example.com/\">c</a> d g i</p>"), "{page}");
    }
}
