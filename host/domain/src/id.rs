//! Ids that occur in the path of a URL.

/// Whether an id is the path segment `.` or `..`. Clients resolve such segments before they send a request (RFC 3986,
/// section 5.2.4), even if they are written as `%2e`, so nobody can request a resource with such an id.
pub fn is_path_step(id: &str) -> bool {
    matches!(id, "." | "..")
}
