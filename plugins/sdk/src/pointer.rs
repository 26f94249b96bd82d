//! JSON Pointers (RFC 6901), built piece by piece so that nobody has to remember the escapes.

use std::fmt;

/// A place in the snapshot document or in the settings.
///
/// ```
/// use lockgate_plugin::Pointer;
///
/// assert_eq!(Pointer::root().key("release").key("components").index(2).to_string(), "/release/components/2");
/// assert_eq!(Pointer::root().key("labels").key("team/area").to_string(), "/labels/team~1area");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pointer(String);

impl Pointer {
    /// The document as a whole: the empty pointer.
    pub fn root() -> Self {
        Self::default()
    }

    /// The member with this name.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        Self(format!("{}/{}", self.0, key.replace('~', "~0").replace('/', "~1")))
    }

    /// The element with this index, from 0.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        Self(format!("{}/{index}", self.0))
    }

    /// The pointer as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.0
    }
}

impl From<&Pointer> for String {
    fn from(pointer: &Pointer) -> Self {
        pointer.0.clone()
    }
}
