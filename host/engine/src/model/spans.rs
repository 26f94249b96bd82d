//! The places of a model's parts in its file.
//!
//! A model has no positions, so that its digest covers only its meaning. The positions are kept here, for mistakes that
//! are found later: a plugin that refuses its settings names a JSON Pointer, and people want a line.

use std::collections::BTreeMap;
use std::ops::Range;

use lockgate_domain::{Gate, escaped_token};

/// A place where a model uses a plugin.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UsePlace {
    /// The use in `[strategy]`.
    Strategy,
    /// The use in `[analyses.<id>]`.
    Analysis(String),
    /// The use in `[[gates.bindings]]`.
    Binding {
        gate: Gate,
        /// The binding's id.
        id: String,
    },
}

impl UsePlace {
    /// The id by which the plugin is told where it is used.
    pub fn id(&self) -> &str {
        match self {
            Self::Strategy => super::STRATEGY_ID,
            Self::Analysis(id) | Self::Binding { id, .. } => id,
        }
    }
}

/// The places of all keys and values of a file, by JSON Pointer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    values: BTreeMap<String, Range<usize>>,
    bindings: BTreeMap<(Gate, String), String>,
    groups: BTreeMap<(Gate, String), String>,
    gates: BTreeMap<Gate, String>,
}

impl Spans {
    pub(super) fn insert(&mut self, pointer: String, span: Range<usize>) {
        self.values.insert(pointer, span);
    }

    pub(super) fn insert_gate(&mut self, gate: Gate, pointer: String) {
        self.gates.insert(gate, pointer);
    }

    pub(super) fn insert_binding(&mut self, gate: Gate, id: String, pointer: String) {
        self.bindings.insert((gate, id), pointer);
    }

    pub(super) fn insert_group(&mut self, gate: Gate, id: String, pointer: String) {
        self.groups.insert((gate, id), pointer);
    }

    /// The place of the value at a JSON Pointer into the file, such as `/gates/0/bindings/1/settings`; for a table,
    /// that of its header. For a missing value, the place where it would be.
    pub fn at(&self, pointer: &str) -> Range<usize> {
        let mut pointer = pointer;
        loop {
            if let Some(span) = self.values.get(pointer) {
                return span.clone();
            }
            match pointer.rsplit_once('/') {
                Some((parent, _)) => pointer = parent,
                None => return 0..0,
            }
        }
    }

    /// Whether the file has a value at this JSON Pointer.
    pub(crate) fn has(&self, pointer: &str) -> bool {
        self.values.contains_key(pointer)
    }

    /// The place of the name of the plugin in a use.
    pub fn plugin(&self, place: &UsePlace) -> Range<usize> {
        self.at(&format!("{}/plugin", self.pointer(place)))
    }

    /// The place of a part of a use's settings, by JSON Pointer into the settings.
    pub fn settings(&self, place: &UsePlace, pointer: &str) -> Range<usize> {
        self.at(&format!("{}/settings{pointer}", self.pointer(place)))
    }

    /// The place of the grants of a use.
    pub fn grants(&self, place: &UsePlace) -> Range<usize> {
        self.at(&format!("{}/grants", self.pointer(place)))
    }

    /// The place of the limits of a use.
    pub fn limits(&self, place: &UsePlace) -> Range<usize> {
        self.at(&format!("{}/limits", self.pointer(place)))
    }

    /// The place of the file name of a plugin.
    pub fn component(&self, plugin: &str) -> Range<usize> {
        self.at(&format!("/plugins/{}/component", escaped_token(plugin)))
    }

    /// The place of the digest of a plugin, or of the header of its table if it has none.
    pub fn digest(&self, plugin: &str) -> Range<usize> {
        self.at(&format!("/plugins/{}/digest", escaped_token(plugin)))
    }

    /// The place of the header of a gate.
    pub fn gate(&self, gate: Gate) -> Range<usize> {
        self.at(self.gates.get(&gate).map_or("", String::as_str))
    }

    /// The place of a key of a binding, or of the header of its table if it has no such key.
    pub fn binding(&self, gate: Gate, id: &str, key: &str) -> Range<usize> {
        let binding = self.bindings.get(&(gate, id.to_owned())).map_or("", String::as_str);
        self.at(&format!("{binding}/{key}"))
    }

    /// The place of a key of a group, or of the header of its table if it has no such key.
    pub fn group(&self, gate: Gate, id: &str, key: &str) -> Range<usize> {
        let group = self.groups.get(&(gate, id.to_owned())).map_or("", String::as_str);
        self.at(&format!("{group}/{key}"))
    }

    fn pointer(&self, place: &UsePlace) -> String {
        match place {
            UsePlace::Strategy => "/strategy".to_owned(),
            UsePlace::Analysis(id) => format!("/analyses/{}", escaped_token(id)),
            UsePlace::Binding { gate, id } => self.bindings.get(&(*gate, id.clone())).cloned().unwrap_or_default(),
        }
    }
}
