//! Ids that stand in the path of a URL.

/// Whether an id is a step of a path, `.` or `..`. Clients resolve such steps before they send a request (RFC 3986, section
/// 5.2.4), even where they are written as `%2e`, so nothing that has such an id can be asked for.
pub fn is_path_step(id: &str) -> bool {
    matches!(id, "." | "..")
}
