//! The status page's files. They hold no data: the script asks `/api/status` for it.

use axum::Router;
use axum::http::header;
use axum::routing::{MethodRouter, get};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// Path, media type and text of every file.
pub(super) const ASSETS: [(&str, &str, &str); 12] = [
    ("/", HTML, include_str!("page.html")),
    ("/page.css", CSS, include_str!("page.css")),
    ("/page/main.js", SCRIPT, include_str!("page/main.js")),
    ("/page/verdict.js", SCRIPT, include_str!("page/verdict.js")),
    ("/page/lane.js", SCRIPT, include_str!("page/lane.js")),
    ("/page/picture.js", SCRIPT, include_str!("page/picture.js")),
    ("/page/format.js", SCRIPT, include_str!("page/format.js")),
    ("/page/dom.js", SCRIPT, include_str!("page/dom.js")),
    ("/page/good.svg", SVG, include_str!("page/good.svg")),
    ("/page/warn.svg", SVG, include_str!("page/warn.svg")),
    ("/page/bad.svg", SVG, include_str!("page/bad.svg")),
    ("/page/idle.svg", SVG, include_str!("page/idle.svg")),
];

/// A route for each.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    ASSETS.into_iter().fold(Router::new(), |router, (path, kind, text)| router.route(path, asset(kind, text)))
}

/// Answers with this text, the same for everybody.
pub(super) fn asset<S>(kind: &'static str, text: &'static str) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    get(move || async move { ([(header::CONTENT_TYPE, kind)], text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_uses_nothing_from_elsewhere_and_writes_no_markup() {
        for (path, _, text) in ASSETS {
            // The one address is the name of a namespace.
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("://") && !text.replace("url(#", "").contains("url("), "{path}");
            assert!(!text.contains("innerHTML") && !text.contains("insertAdjacentHTML"), "{path}");
            assert!(!text.contains("style=") && !text.contains("onclick"), "{path}: the policy forbids it");
        }
    }

    #[test]
    fn the_page_is_small() {
        let sum: usize = ASSETS.iter().map(|(_, _, text)| text.len()).sum();
        assert!(sum < 60_000, "{sum} bytes");
    }

    #[test]
    fn every_file_that_the_page_names_is_served() {
        let paths: Vec<&str> = ASSETS.iter().map(|(path, _, _)| *path).collect();
        for (file, _, text) in ASSETS {
            let quoted = text.split('"').filter(|part| !part.contains(char::is_whitespace));
            let named = quoted.filter_map(|part| match part.strip_prefix("./") {
                Some(beside) => Some(format!("/page/{beside}")),
                None => part.starts_with("page").then(|| format!("/{part}")),
            });
            for path in named {
                assert!(paths.contains(&path.as_str()), "{file} names {path}");
            }
        }
    }
}
