//! The tokens of a JSON Pointer (RFC 6901).

/// The name of a member as it stands in a JSON Pointer: with `~` and `/` escaped.
pub fn escaped_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The name of the member that a token of a JSON Pointer stands for.
pub fn unescaped_token(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}
