//! The path of a request: one slash at its end makes no difference.
//!
//! It is taken away before anything looks at the path, so that rights, metrics and the routes for health see one path.

use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// Takes away the slash that the path ends with, unless it is all of the path.
pub(super) fn without_trailing_slash(uri: &mut Uri) {
    let Some(path) = uri.path().strip_suffix('/').filter(|path| !path.is_empty()) else { return };
    let path_and_query = match uri.query() {
        Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
        None => PathAndQuery::try_from(path),
    };
    let mut parts = uri.clone().into_parts();
    // What remains of a path and a query is one, too.
    let Ok(path_and_query) = path_and_query else { return };
    parts.path_and_query = Some(path_and_query);
    if let Ok(shorter) = Uri::from_parts(parts) {
        *uri = shorter;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slash_at_the_end_of_the_path_is_taken_away() {
        for (written, read) in [
            ("/v1/data/", "/v1/data"),
            ("/v1/data/?input=%7B%7D/", "/v1/data?input=%7B%7D/"),
            ("http://example.org/a/b/?c", "http://example.org/a/b?c"),
            ("/a//", "/a/"),
            ("/a/%2F", "/a/%2F"),
            ("/a?b/", "/a?b/"),
            ("/", "/"),
            ("//", "/"),
            ("*", "*"),
        ] {
            let mut uri = Uri::from_static(written);
            without_trailing_slash(&mut uri);
            assert_eq!(uri, Uri::from_static(read), "{written}");
        }
    }
}
