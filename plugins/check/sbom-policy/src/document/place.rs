//! Where something lies in a document.

use std::fmt;

use lockgate_plugin::Pointer;

/// A place in a document. It costs nothing until somebody wants to read it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place<'p> {
    Root,
    Member(&'p Place<'p>, &'static str),
    Item(&'p Place<'p>, usize),
}

impl Place<'_> {
    pub(crate) fn member(&self, key: &'static str) -> Place<'_> {
        Place::Member(self, key)
    }

    pub(crate) fn item(&self, index: usize) -> Place<'_> {
        Place::Item(self, index)
    }

    fn pointer(&self) -> Pointer {
        match self {
            Self::Root => Pointer::root(),
            Self::Member(object, key) => object.pointer().key(key),
            Self::Item(list, index) => list.pointer().index(*index),
        }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pointer().fmt(f)
    }
}
