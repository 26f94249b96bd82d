//! Paths as plugins write them: names joined by `/`, the same on every system.
//!
//! Judged before the file system sees them, so that what a path means never depends on what is there, and so that a
//! plugin cannot ask for the same file under two paths. That nothing leads out is not this module's promise but that
//! of the opened directory.

use std::path::Path;

/// How long a path may be, in bytes: what Linux takes.
const LONGEST_PATH: usize = 4095;
/// How long one name in it may be, in bytes: what file systems take.
const LONGEST_NAME: usize = 255;

/// The path as the file system takes it.
///
/// # Errors
/// What is wrong with it, as the end of a sentence about the path.
pub(super) fn inside(path: &str) -> Result<&Path, String> {
    if path.is_empty() {
        return Ok(Path::new("."));
    }
    if path.len() > LONGEST_PATH {
        return Err(format!("it is {} bytes long: no path has more than {LONGEST_PATH}", path.len()));
    }
    if path.starts_with('/') {
        return Err(format!("`{}` is absolute: paths begin in the directory", path.escape_debug()));
    }
    match path.split('/').find_map(wrong) {
        Some(wrong) => Err(wrong),
        None => Ok(Path::new(path)),
    }
}

/// Whether there is a path to a file of that name.
pub(super) fn is_name(name: &str) -> bool {
    wrong(name).is_none()
}

/// What is wrong with a name in a path.
fn wrong(name: &str) -> Option<String> {
    match name {
        "" => Some("it has an empty name: names are joined by single `/`".to_owned()),
        "." | ".." => Some(format!("`{name}` is no name: there is no way but down")),
        _ if name.len() > LONGEST_NAME => {
            Some(format!("a name in it is {} bytes long: none has more than {LONGEST_NAME}", name.len()))
        }
        // A backslash separates names on some systems and not on others.
        _ if name.contains(['\0', '\\']) => {
            Some(format!("`{}` is no name: it holds a character that none can have", name.escape_debug()))
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
            ("/", "`/` is absolute: paths begin in the directory"),
            ("/etc/passwd", "`/etc/passwd` is absolute: paths begin in the directory"),
            ("..", "`..` is no name: there is no way but down"),
            ("a/../b", "`..` is no name: there is no way but down"),
            ("./a", "`.` is no name: there is no way but down"),
            ("a//b", "it has an empty name: names are joined by single `/`"),
            ("a/", "it has an empty name: names are joined by single `/`"),
            ("a\\..\\b", "`a\\\\..\\\\b` is no name: it holds a character that none can have"),
            ("a\0b", "`a\\0b` is no name: it holds a character that none can have"),
        ] {
            assert_eq!(inside(path).unwrap_err(), message);
        }
    }

    #[test]
    fn no_path_is_longer_than_a_system_takes() {
        let longest = vec!["a".repeat(255); 16].join("/");
        assert_eq!(longest.len(), 4095);
        assert!(inside(&longest).is_ok());
        assert_eq!(inside(&format!("{longest}/")).unwrap_err(), "it is 4096 bytes long: no path has more than 4095");
        assert_eq!(inside(&"a".repeat(256)).unwrap_err(), "a name in it is 256 bytes long: none has more than 255");
    }
}
