//! Checks the paths of plugins: names joined by `/`, the same on every system.
//!
//! They are checked before the file system sees them, so that the meaning of a path never depends on the files, and a plugin
//! cannot use two paths for one file. That no path leaves the directory is ensured by the opened directory, not here.

use std::path::Path;

/// The longest path, in bytes, as on Linux.
const LONGEST_PATH: usize = 4095;
/// The longest name in a path, in bytes, as in most file systems.
const LONGEST_NAME: usize = 255;

/// The path for the file system.
///
/// # Errors
/// What is wrong with the path, as a sentence about `it`.
pub(super) fn inside(path: &str) -> Result<&Path, String> {
    if path.is_empty() {
        return Ok(Path::new("."));
    }
    if path.len() > LONGEST_PATH {
        return Err(format!("it has {} bytes; the limit is {LONGEST_PATH}", path.len()));
    }
    if path.starts_with('/') {
        return Err(format!("`{}` is absolute: write a path below the directory", path.escape_debug()));
    }
    match path.split('/').find_map(wrong) {
        Some(wrong) => Err(wrong),
        None => Ok(Path::new(path)),
    }
}

/// Whether a file with that name can be part of a path.
pub(super) fn is_name(name: &str) -> bool {
    wrong(name).is_none()
}

/// What is wrong with a name in a path.
fn wrong(name: &str) -> Option<String> {
    match name {
        "" => Some("it contains an empty name: join names by a single `/`".to_owned()),
        "." | ".." => Some(format!("`{name}` is not allowed: paths only lead down")),
        _ if name.len() > LONGEST_NAME => {
            Some(format!("a name in it has {} bytes; the limit is {LONGEST_NAME}", name.len()))
        }
        // A backslash separates names on some systems and not on others.
        _ if name.contains(['\0', '\\']) => {
            Some(format!("`{}` contains a character that no name can have", name.escape_debug()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]

    use super::*;

    #[test]
    fn a_path_is_names_joined_by_slashes() {
        for path in ["a", "a/b.json", "..a", "...", "a b", "ä/ß", ".hidden", "a:b", "line\nbreak"] {
            assert_eq!(inside(path).unwrap(), Path::new(path));
        }
        assert_eq!(inside("").unwrap(), Path::new("."));
    }

    #[test]
    fn what_is_no_path_is_refused_with_what_is_wrong() {
        for (path, message) in [
            ("/", "`/` is absolute: write a path below the directory"),
            ("/etc/passwd", "`/etc/passwd` is absolute: write a path below the directory"),
            ("..", "`..` is not allowed: paths only lead down"),
            ("a/../b", "`..` is not allowed: paths only lead down"),
            ("./a", "`.` is not allowed: paths only lead down"),
            ("a//b", "it contains an empty name: join names by a single `/`"),
            ("a/", "it contains an empty name: join names by a single `/`"),
            ("a\\..\\b", "`a\\\\..\\\\b` contains a character that no name can have"),
            ("a\0b", "`a\\0b` contains a character that no name can have"),
        ] {
            assert_eq!(inside(path).unwrap_err(), message);
        }
    }

    #[test]
    fn no_path_is_longer_than_a_system_takes() {
        let longest = vec!["a".repeat(255); 16].join("/");
        assert_eq!(longest.len(), 4095);
        assert!(inside(&longest).is_ok());
        assert_eq!(inside(&format!("{longest}/")).unwrap_err(), "it has 4096 bytes; the limit is 4095");
        assert_eq!(inside(&"a".repeat(256)).unwrap_err(), "a name in it has 256 bytes; the limit is 255");
    }
}
