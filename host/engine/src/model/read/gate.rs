//! Reads the gates of a model: bindings, groups, and how they belong together.

use std::collections::BTreeMap;
use std::ops::Range;

use lockgate_domain::{Enforcement, Gate, Kind, Phase, Stage};

use super::super::{Binding, Exceptions, GateModel, Group, STRATEGY_ID};
use super::{ModelFinding, Plugins, Reader, Table};

const ENFORCEMENTS: [(&str, Enforcement); 3] = [
    ("advisory", Enforcement::Advisory),
    ("soft-mandatory", Enforcement::SoftMandatory),
    ("hard-mandatory", Enforcement::HardMandatory),
];

const KINDS: [(&str, Kind); 2] =
    [("approval-policy", Kind::ApprovalPolicy), ("validation-check", Kind::ValidationCheck)];

const BINDING_KEYS: [&str; 11] = [
    "id",
    "plugin",
    "kind",
    "enforcement",
    "when",
    "group",
    "settings",
    "limits",
    "grants",
    "waivable",
    "two-person-override",
];

/// A group, and what is needed to check it later.
struct ReadGroup {
    group: Option<Group>,
    id: Range<usize>,
    enforcement: Enforcement,
    members: usize,
}

impl Reader<'_> {
    /// Reads all `[[gates]]`. Returns them in the order in which a deployment meets them.
    pub(super) fn gates(&mut self, document: &Table<'_>, plugins: &Plugins) -> Vec<GateModel> {
        let Some(field) = self.optional(document, "gates") else { return Vec::new() };
        let mut seen: BTreeMap<Gate, Range<usize>> = BTreeMap::new();
        let mut gates = Vec::new();
        for item in self.array(&field).unwrap_or_default() {
            let Some(table) = self.table(&item) else { continue };
            let gate = self.gate(&table, plugins);
            let Some(gate) = gate else { continue };
            if let Some(first) = seen.get(&gate.gate) {
                let message = format!("the gate `{}` is guarded twice", gate.gate);
                let finding =
                    ModelFinding::error("duplicate-gate", table.span, message).related(first.clone(), "first here");
                self.findings.push(finding.help("put all its bindings into one `[[gates]]` table"));
                continue;
            }
            self.spans.insert_gate(gate.gate, table.pointer);
            seen.insert(gate.gate, table.span);
            gates.push(gate);
        }
        gates.sort_by_key(|gate| gate.gate);
        gates
    }

    fn gate(&mut self, table: &Table<'_>, plugins: &Plugins) -> Option<GateModel> {
        self.known_keys(table, &["stage", "phase", "unguarded", "bindings", "groups"]);
        let unguarded_allowed = self.unguarded(table);
        let stages = Stage::ALL.map(|stage| (stage.as_str(), stage));
        let stage = self
            .required(table, "stage", "stage = \"plan-and-approve\"")
            .and_then(|field| self.word(&field, "unknown-stage", &stages));
        let phases = Phase::ALL.map(|phase| (phase.as_str(), phase));
        let phase = self
            .required(table, "phase", "phase = \"exit\"")
            .and_then(|field| self.word(&field, "unknown-phase", &phases));
        let gate = stage.zip(phase).map(|(stage, phase)| Gate { stage, phase });
        let mut ids = BTreeMap::new();
        let mut groups = self.groups(table, gate, &mut ids);
        let mut bindings = self.bindings(table, gate, plugins, &mut ids, &mut groups);
        bindings.sort_by(|one, other| one.id.cmp(&other.id));
        Some(GateModel {
            gate: gate?,
            bindings,
            groups: groups.into_values().filter_map(|group| group.group).collect(),
            unguarded_allowed,
        })
    }

    /// Reads `unguarded`: whether a gate that nothing can stop a deployment at lets it on.
    pub(super) fn unguarded(&mut self, table: &Table<'_>) -> bool {
        let words = [("allow", true), ("deny", false)];
        let field = self.optional(table, "unguarded");
        field.and_then(|field| self.word(&field, "unknown-unguarded", &words)).unwrap_or_default()
    }

    /// Checks that an id is used for the first time. Reports it if not.
    fn is_first(&mut self, ids: &mut BTreeMap<String, Range<usize>>, id: &str, span: &Range<usize>) -> bool {
        if id == STRATEGY_ID {
            let message = format!("the id `{id}` is that of the model's strategy in decisions");
            self.findings.push(ModelFinding::error("reserved-id", span.clone(), message).help("choose another id"));
            return false;
        }
        let Some(first) = ids.get(id) else {
            ids.insert(id.to_owned(), span.clone());
            return true;
        };
        let finding = ModelFinding::error("duplicate-id", span.clone(), format!("the id `{id}` is taken in this gate"));
        let finding = finding.related(first.clone(), "first here");
        self.findings.push(finding.note("bindings and groups of one gate share their ids, and so do its decisions"));
        false
    }

    fn groups(
        &mut self,
        gate_table: &Table<'_>,
        gate: Option<Gate>,
        ids: &mut BTreeMap<String, Range<usize>>,
    ) -> BTreeMap<String, ReadGroup> {
        let mut groups = BTreeMap::new();
        let items = self.optional(gate_table, "groups").and_then(|field| self.array(&field)).unwrap_or_default();
        for item in items {
            let Some(table) = self.table(&item) else { continue };
            self.known_keys(&table, &["id", "expression", "enforcement", "waivable", "two-person-override"]);
            let enforcement = self.enforcement(&table);
            let exceptions = self.exceptions(&table);
            let expression = self
                .required(&table, "expression", "expression = 'members.all(m, m.standing == \"allow\")'")
                .and_then(|field| self.over_members(&field));
            let Some(field) = self.required(&table, "id", "id = \"…\"") else { continue };
            let Some(id) = self.id(&field) else { continue };
            if !self.is_first(ids, &id, &field.span) {
                continue;
            }
            if let Some(gate) = gate {
                self.spans.insert_group(gate, id.clone(), table.pointer);
            }
            let group = expression.zip(enforcement).map(|(expression, enforcement)| Group {
                id: id.clone(),
                expression,
                enforcement,
                exceptions,
            });
            let enforcement = enforcement.unwrap_or(Enforcement::HardMandatory);
            groups.insert(id, ReadGroup { group, id: field.span, enforcement, members: 0 });
        }
        groups
    }

    fn enforcement(&mut self, table: &Table<'_>) -> Option<Enforcement> {
        let field = self.required(table, "enforcement", "enforcement = \"hard-mandatory\"")?;
        self.word(&field, "unknown-enforcement", &ENFORCEMENTS)
    }

    fn bindings(
        &mut self,
        gate_table: &Table<'_>,
        gate: Option<Gate>,
        plugins: &Plugins,
        ids: &mut BTreeMap<String, Range<usize>>,
        groups: &mut BTreeMap<String, ReadGroup>,
    ) -> Vec<Binding> {
        let mut bindings = Vec::new();
        let items = self.optional(gate_table, "bindings").and_then(|field| self.array(&field)).unwrap_or_default();
        for item in items {
            let Some(table) = self.table(&item) else { continue };
            let Some(binding) = self.binding(&table, plugins, ids, groups) else { continue };
            if let Some(gate) = gate {
                self.spans.insert_binding(gate, binding.id.clone(), table.pointer);
            }
            bindings.push(binding);
        }
        for (id, group) in groups.iter().filter(|(_, group)| group.members == 0) {
            if self.syntax.is_below("gates") {
                break;
            }
            let message = format!("group `{id}` has no members");
            let finding = ModelFinding::error("group-without-members", group.id.clone(), message);
            self.findings.push(finding.help(format!("give the bindings that belong to it `group = \"{id}\"`")));
        }
        bindings
    }

    fn binding(
        &mut self,
        table: &Table<'_>,
        plugins: &Plugins,
        ids: &mut BTreeMap<String, Range<usize>>,
        groups: &mut BTreeMap<String, ReadGroup>,
    ) -> Option<Binding> {
        self.known_keys(table, &BINDING_KEYS);
        let id = self.required(table, "id", "id = \"…\"").and_then(|field| {
            let id = self.id(&field)?;
            self.is_first(ids, &id, &field.span).then_some(id)
        });
        let kind = self.optional(table, "kind").map(|field| self.word(&field, "unknown-kind", &KINDS));
        let when = self.optional(table, "when").map(|field| self.condition(&field));
        let group = self.optional(table, "group").map(|field| self.group_of(&field, groups));
        let enforcement = match &group {
            None => self.enforcement(table),
            Some(group) => {
                for key in ["enforcement", "waivable", "two-person-override"] {
                    self.not_for_members(table, key);
                }
                group.as_ref().map(|(_, enforcement)| *enforcement)
            }
        };
        let exceptions = self.exceptions(table);
        let plugin = self.plugin_use(table, plugins);
        Some(Binding {
            id: id?,
            kind: kind.flatten(),
            // The mistake has been reported. So no model is made from this, only a search for further mistakes.
            enforcement: enforcement.unwrap_or(Enforcement::HardMandatory),
            when: when.flatten(),
            group: group.flatten().map(|(group, _)| group),
            exceptions,
            plugin: plugin?,
        })
    }

    /// The group that a binding counts in, and the effect on the gate.
    fn group_of(
        &mut self,
        field: &super::Field<'_>,
        groups: &mut BTreeMap<String, ReadGroup>,
    ) -> Option<(String, Enforcement)> {
        let name = self.text(field)?;
        if let Some(group) = groups.get_mut(&name) {
            group.members += 1;
            return Some((name, group.enforcement));
        }
        if !self.syntax.is_below("gates") {
            let message = format!("there is no group `{name}` at this gate");
            let finding = ModelFinding::error("unknown-group", field.span.clone(), message);
            let finding = finding.suggest(&name, groups.keys().map(String::as_str));
            self.findings.push(finding.help(format!("declare it: `[[gates.groups]]` with `id = \"{name}\"`")));
        }
        None
    }

    fn exceptions(&mut self, table: &Table<'_>) -> Exceptions {
        let mut flag = |name| self.optional(table, name).and_then(|field| self.boolean(&field));
        Exceptions { waivable: flag("waivable"), two_person_override: flag("two-person-override") }
    }

    fn not_for_members(&mut self, table: &Table<'_>, key: &str) {
        let Some(field) = self.optional(table, key) else { return };
        let finding =
            ModelFinding::error("member-with-enforcement", field.key, format!("a member of a group has no `{key}`"));
        self.findings
            .push(finding.note("only the group's answer counts at the gate").help("take the line out, or the `group`"));
    }
}
