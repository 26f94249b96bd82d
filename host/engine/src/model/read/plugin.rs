//! Reads the plugins of a model, and their uses.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{LimitOverrides, PluginSource, PluginUse, STRATEGY_ID, StrategyUse, USUAL_RESUME_BY, roles};
use super::{Field, ModelFinding, Plugins, Reader, Table};
use lockgate_domain::{Right, rights_of};

impl Reader<'_> {
    /// Reads all `[plugins.<name>]`.
    pub(super) fn plugins(&mut self, document: &Table<'_>) -> Plugins {
        self.named(document, "plugins", |reader, table| reader.plugin(table))
    }

    /// Reads tables by name. None for an unreadable one.
    fn named<'a, T>(
        &mut self,
        document: &Table<'a>,
        key: &str,
        mut read: impl FnMut(&mut Self, &Table<'a>) -> Option<T>,
    ) -> BTreeMap<String, Option<T>> {
        let table = self.optional(document, key).and_then(|field| self.table(&field));
        let mut all = BTreeMap::new();
        for (name, span) in table.iter().flat_map(|table| table.entries.keys()).map(|key| (key.get_ref(), key.span())) {
            let is_id = self.check_id(name, span);
            let field = table.as_ref().and_then(|table| self.optional(table, name));
            let value = field.and_then(|field| self.table(&field)).and_then(|table| read(self, &table));
            all.insert(name.clone().into_owned(), value.filter(|_| is_id));
        }
        all
    }

    fn plugin(&mut self, table: &Table<'_>) -> Option<PluginSource> {
        self.known_keys(table, &["component", "digest"]);
        let digest = self.optional(table, "digest").map(|field| self.digest(&field));
        let field = self.required(table, "component", "component = \"../plugins/four-eyes.wasm\"")?;
        let component = self.path(&field)?;
        match digest {
            Some(None) => None,
            digest => Some(PluginSource { component, digest: digest.flatten() }),
        }
    }

    /// A path, relative to the model's own folder.
    pub(super) fn path(&mut self, field: &Field<'_>) -> Option<String> {
        let path = self.line(field)?;
        if path.starts_with('/') || path.starts_with('\\') || path.contains(':') {
            let message = format!("`{path}` is not a path from the model's own folder");
            let finding = ModelFinding::error("absolute-path", field.span.clone(), message);
            self.findings.push(finding.help("write a relative path, so that the model can be moved with its plugins"));
            return None;
        }
        Some(path)
    }

    /// Reads `[strategy]`.
    pub(super) fn strategy(&mut self, field: &Field<'_>, plugins: &Plugins) -> Option<StrategyUse> {
        let table = self.table(field)?;
        self.known_keys(&table, &["plugin", "settings", "limits", "grants", "resume-by"]);
        let resume_by = match self.optional(&table, "resume-by") {
            Some(field) => self.resume_by(&field),
            None => Some(USUAL_RESUME_BY.map(str::to_owned).into()),
        };
        Some(StrategyUse { plugin: self.plugin_use(&table, plugins)?, resume_by: resume_by? })
    }

    /// Reads the roles that resume a rollout. They must be roles of people: a program cannot end a hold for a person.
    fn resume_by(&mut self, field: &Field<'_>) -> Option<BTreeSet<String>> {
        let mut named = BTreeSet::new();
        for item in self.array(field)? {
            let role = self.line(&item)?;
            if !rights_of(&role).contains(&Right::Resume) {
                let message =
                    format!("nobody goes on with a rollout in the role `{role}`: it is none in which people decide");
                let finding = ModelFinding::error("cannot-resume", item.span.clone(), message);
                let usual = USUAL_RESUME_BY.join("`, `");
                self.findings.push(finding.help(format!("name a role of people, for example `{usual}`")));
                return None;
            }
            self.findings.extend(roles::unknown(&role, &self.roles, item.span.clone()));
            named.insert(role);
        }
        if named.is_empty() {
            let message =
                "`resume-by` names no role: nobody could end a hold, or go on with a paused rollout".to_owned();
            self.findings.push(
                ModelFinding::error("cannot-resume", field.span.clone(), message).help("name a role, or leave it out"),
            );
            return None;
        }
        Some(named)
    }

    /// Reads all `[analyses.<id>]`.
    pub(super) fn analyses(&mut self, document: &Table<'_>, plugins: &Plugins) -> BTreeMap<String, PluginUse> {
        let analyses = self.named(document, "analyses", |reader, table| {
            reader.known_keys(table, &["plugin", "settings", "limits", "grants"]);
            reader.plugin_use(table, plugins)
        });
        if analyses.contains_key(STRATEGY_ID) {
            let span = self.spans.at(&format!("/analyses/{STRATEGY_ID}"));
            let message = format!("the id `{STRATEGY_ID}` is that of the model's strategy in decisions");
            self.findings.push(ModelFinding::error("reserved-id", span, message).help("choose another id"));
        }
        analyses.into_iter().filter_map(|(id, used)| Some((id, used?))).collect()
    }

    /// Reads the keys that every use of a plugin has.
    pub(super) fn plugin_use(&mut self, table: &Table<'_>, plugins: &Plugins) -> Option<PluginUse> {
        let settings = self.optional(table, "settings").and_then(|field| {
            self.table(&field)?;
            Some(self.json(field.value, field.span))
        });
        let limits = self.optional(table, "limits").and_then(|field| self.limits(&field));
        let grants = self.optional(table, "grants").and_then(|field| self.grants(&field));
        let field = self.required(table, "plugin", "plugin = \"…\"")?;
        let plugin = self.text(&field)?;
        if !plugins.contains_key(&plugin) {
            self.unknown_plugin(&field, &plugin, plugins);
            return None;
        }
        Some(PluginUse {
            plugin,
            settings: settings.unwrap_or_else(|| serde_json::json!({})),
            limits: limits.unwrap_or_default(),
            grants: grants.unwrap_or_default(),
        })
    }

    fn unknown_plugin(&mut self, field: &Field<'_>, name: &str, plugins: &Plugins) {
        if self.syntax.is_below("plugins") {
            return;
        }
        let finding = ModelFinding::error("unknown-plugin", field.span.clone(), format!("there is no plugin `{name}`"));
        let finding = match plugins.is_empty() {
            true => finding.note("the model declares no plugins"),
            false => finding.suggest(name, plugins.keys().map(String::as_str)),
        };
        self.findings.push(finding.help(format!("declare it: `[plugins.{name}]` with its `component`")));
    }

    fn limits(&mut self, field: &Field<'_>) -> Option<LimitOverrides> {
        let table = self.table(field)?;
        self.known_keys(&table, &["fuel", "memory", "result-size", "wall-clock"]);
        Some(LimitOverrides {
            fuel: self.optional(&table, "fuel").and_then(|field| self.count(&field)),
            memory: self.optional(&table, "memory").and_then(|field| self.bytes(&field)),
            result_size: self.optional(&table, "result-size").and_then(|field| self.bytes(&field)),
            wall_clock: self.optional(&table, "wall-clock").and_then(|field| self.duration(&field)),
        })
    }
}
