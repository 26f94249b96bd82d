//! What an operator writes, and what follows from it for one risk.

use std::collections::BTreeMap;

use lockgate_plugin::time::Duration;
use lockgate_plugin::types::Level;
use lockgate_plugin::{Pointer, SettingsFinding};
use schemars::JsonSchema;
use serde::Deserialize;

/// The number of people who must approve, and who may approve.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    /// The number of approvals that are needed in each role. One person counts in one role only.
    #[serde(default)]
    required: Vec<RoleCount>,
    /// The number of different people who must approve in all, in any role. Those in `required` count too.
    #[serde(default)]
    #[schemars(range(max = 100), extend("format" = "lockgate-people"))]
    people: u32,
    /// Whether approvals of people who contributed to the change are excluded. The requester's approval never counts.
    #[serde(default = "yes")]
    pub(crate) exclude_contributors: bool,
    /// The greatest age of an approval, for example `14d`. If absent, an approval counts until it expires by itself.
    #[schemars(extend("formatMinimum" = "1m", "formatMaximum" = "3650d"))]
    pub(crate) max_age: Option<Duration>,
    /// Additional approvals by risk. A risk without an entry uses the entry of the next lower risk that has one.
    #[serde(default)]
    by_risk: ByRisk,
}

/// A number of approvals in one role.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct RoleCount {
    /// The name of the role, as approvals name it.
    #[schemars(length(min = 1), extend("format" = "lockgate-role"))]
    role: String,
    /// The number of people who must approve in the role.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100))]
    count: u32,
}

/// Additional approvals by risk.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct ByRisk {
    /// Additional approvals for a low risk and above.
    low: Option<Extra>,
    /// Additional approvals for a medium risk and above.
    medium: Option<Extra>,
    /// Additional approvals for a high risk and above.
    high: Option<Extra>,
    /// Additional approvals for a critical risk.
    critical: Option<Extra>,
}

/// Additional approvals from one risk level up.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Extra {
    /// Additional approvals per role, from this risk level up.
    required: Vec<RoleCount>,
    /// Additional people in all, from this risk level up.
    #[schemars(range(max = 100), extend("format" = "lockgate-people"))]
    people: u32,
}

fn yes() -> bool {
    true
}

fn one() -> u32 {
    1
}

/// What is asked for at one risk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Need {
    /// Role and count, in the order of the settings.
    pub(crate) roles: Vec<(String, u32)>,
    /// Different people in all.
    pub(crate) people: u32,
}

impl Need {
    /// How many people are asked for in a role.
    pub(crate) fn in_roles(&self) -> u32 {
        self.roles.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }
}

impl ByRisk {
    fn levels(&self) -> [(Level, Option<&Extra>); 4] {
        [
            (Level::Low, self.low.as_ref()),
            (Level::Medium, self.medium.as_ref()),
            (Level::High, self.high.as_ref()),
            (Level::Critical, self.critical.as_ref()),
        ]
    }
}

impl Settings {
    /// What is asked for at that risk.
    pub(crate) fn need(&self, risk: Level) -> Need {
        let mut need = Need { roles: Vec::new(), people: self.people };
        let levels = self.by_risk.levels();
        let extra = levels.iter().filter(|(level, _)| *level <= risk).filter_map(|(_, extra)| *extra).next_back();
        let extra_roles = extra.map_or(&[][..], |extra| extra.required.as_slice());
        for RoleCount { role, count } in self.required.iter().chain(extra_roles) {
            match need.roles.iter_mut().find(|(known, _)| known == role) {
                Some((_, sum)) => *sum = sum.saturating_add(*count),
                None => need.roles.push((role.clone(), *count)),
            }
        }
        need.people = need.people.saturating_add(extra.map_or(0, |extra| extra.people));
        need
    }

    /// What is wrong with settings that have the right shape.
    pub(crate) fn findings(&self) -> Vec<SettingsFinding> {
        let root = Pointer::root();
        let mut findings = twice(&self.required, &root.key("required"));
        if self.required.is_empty() && self.people == 0 {
            findings.push(SettingsFinding::new(
                root,
                "nobody has to approve: say in `required` how many people of which role, or in `people` how many in all",
            ));
        }
        let by_risk = Pointer::root().key("by-risk");
        let mut lower: Option<(Level, &Extra)> = None;
        for (risk, extra) in self.by_risk.levels() {
            let Some(extra) = extra else { continue };
            let place = by_risk.key(risk.word());
            findings.extend(twice(&extra.required, &place.key("required")));
            if let Some((lower_risk, lower)) = lower {
                findings.extend(fewer(risk, extra, lower_risk, lower, &place));
            }
            lower = Some((risk, extra));
        }
        findings
    }
}

/// Roles that stand in a list more than once.
fn twice(required: &[RoleCount], place: &Pointer) -> Vec<SettingsFinding> {
    let repeated = required
        .iter()
        .enumerate()
        .filter(|(index, entry)| required.iter().take(*index).any(|earlier| earlier.role == entry.role));
    let finding = |(index, entry): (usize, &RoleCount)| {
        let message = format!("the role `{}` is listed twice: merge both entries", entry.role);
        SettingsFinding::new(place.index(index).key("role"), message)
    };
    repeated.map(finding).collect()
}

/// Where a higher risk asks for fewer approvals than a lower one.
fn fewer(risk: Level, extra: &Extra, lower_risk: Level, lower: &Extra, place: &Pointer) -> Vec<SettingsFinding> {
    let counts = |extra: &Extra| -> BTreeMap<String, u32> {
        extra.required.iter().map(|entry| (entry.role.clone(), entry.count)).collect()
    };
    let (risk, lower_risk, asked) = (risk.word(), lower_risk.word(), counts(extra));
    let mut findings = Vec::new();
    for (role, least) in counts(lower) {
        let count = asked.get(&role).copied().unwrap_or(0);
        if count < least {
            let message = format!(
                "a {risk} risk asks for {count} more of `{role}`, a {lower_risk} risk for {least}: \
                 a higher risk never needs fewer approvals"
            );
            findings.push(SettingsFinding::new(place.key("required"), message));
        }
    }
    if extra.people < lower.people {
        let message = format!(
            "a {risk} risk asks for {} more people, a {lower_risk} risk for {}: \
             a higher risk never needs fewer approvals",
            extra.people, lower.people
        );
        findings.push(SettingsFinding::new(place.key("people"), message));
    }
    findings
}
