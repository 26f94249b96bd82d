//! Checks the values that the schemas of settings mark, such as names of roles, against the rest of the model.

use std::collections::BTreeMap;
use std::ops::Range;

use lockgate_runtime::{MarkedSetting, MarkedValue};

use super::plugin_use::PluginUses;
use crate::model::{Model, ModelFinding, UsePlace, roles};
use lockgate_domain::{Right, escaped_token, rights_of};

/// All marked values in the settings of the loaded plugins, with their places.
pub(super) fn marked<'u>(plugin_use: &'u PluginUses<'_>) -> impl Iterator<Item = (&'u UsePlace, &'u MarkedSetting)> {
    plugin_use
        .places()
        .iter()
        .flat_map(|(place, plugin)| plugin.marked_settings().iter().map(move |setting| (place, setting)))
}

/// The analyses that settings name and the model does not declare. A strategy would ask for them in the middle of a
/// rollout.
pub(super) fn unknown_analyses(model: &Model, plugin_use: &PluginUses<'_>) -> Vec<ModelFinding> {
    let spans = plugin_use.spans();
    let named = marked(plugin_use).filter_map(|(place, setting)| match &setting.value {
        MarkedValue::Analysis(id) => Some((place, setting, id)),
        _ => None,
    });
    // An analysis with a wrong declaration has been reported there.
    let unknown = named.filter(|(_, _, id)| {
        !model.analyses.contains_key(*id) && !spans.has(&format!("/analyses/{}", escaped_token(id)))
    });
    unknown
        .map(|(place, setting, id)| {
            let span = spans.settings(place, &setting.pointer);
            let finding = ModelFinding::error("unknown-analysis", span, format!("there is no analysis `{id}`"));
            let finding = match model.analyses.is_empty() {
                true => finding.note("the model declares no analyses"),
                false => finding.suggest(id, model.analyses.keys().map(String::as_str)),
            };
            finding.help(format!("declare it: `[analyses.{id}]` with its `plugin`"))
        })
        .collect()
}

/// The roles in which nobody can approve, as far as that is known: each once, where it is named first.
pub(super) fn doubtful_roles(model: &Model, plugin_use: &PluginUses<'_>) -> Vec<ModelFinding> {
    let mut named: BTreeMap<&str, Vec<Range<usize>>> = BTreeMap::new();
    for (place, setting) in marked(plugin_use) {
        if let MarkedValue::Role(role) = &setting.value {
            named.entry(role).or_default().push(plugin_use.spans().settings(place, &setting.pointer));
        }
    }
    let doubtful = named.into_iter().filter_map(|(role, mut spans)| {
        spans.sort_by_key(|span| (span.start, span.end));
        spans.dedup();
        let mut spans = spans.into_iter();
        let first = spans.next()?;
        let finding = roles::unknown(role, &model.roles, first.clone()).or_else(|| cannot_approve(role, first))?;
        Some(spans.fold(finding, |finding, span| finding.related(span, "and here")))
    });
    doubtful.collect()
}

fn cannot_approve(role: &str, span: Range<usize>) -> Option<ModelFinding> {
    (!rights_of(role).contains(&Right::Approve)).then(|| {
        ModelFinding::warning("cannot-approve", span, format!("the role `{role}` does not grant the right to approve"))
            .note("only somebody who also holds a role that grants it can approve in this one")
            .help("name a role in which people approve, for example `change-authority`")
    })
}
