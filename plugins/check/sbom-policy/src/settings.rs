//! What an operator writes, and what is made of it once.

use lockgate_plugin::time::Timestamp;
use lockgate_plugin::{Pattern, Pointer, SettingsFinding};
use schemars::JsonSchema;
use semver::{Version, VersionReq};
use serde::{Deserialize, Serialize};

use crate::package::PackagePattern;

/// The evidence that the plugin asks to read.
pub(crate) const EVIDENCE: [&str; 2] = ["sbom", "sbom-*"];

/// What a release may be made of.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// The name of the evidence that holds the SBOM: `sbom`, or one that begins with `sbom-`.
    evidence: String,
    /// The licences that are not allowed: patterns over SPDX ids, such as `AGPL-*`.
    denied_licences: Vec<Pattern>,
    /// The licences that are allowed even if they are denied above, such as `GPL-* WITH Classpath-exception-2.0`.
    permitted_licences: Vec<Pattern>,
    /// Whether every licence that is not permitted above is denied.
    only_permitted: bool,
    /// The packages that are excused from the rules about licences.
    licence_exceptions: Vec<LicenceException>,
    /// The packages that are not allowed.
    denied_packages: Vec<DeniedPackage>,
    /// The packages that are allowed from a version on.
    minimum_versions: Vec<MinimumVersion>,
    /// What follows when a package does not tell its licence, its package URL or its version, and a rule needs it.
    unknown: Unknown,
    /// Whether the SBOM has to be about one of the release's components.
    require_component_match: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            evidence: "sbom".to_owned(),
            denied_licences: Vec::new(),
            permitted_licences: Vec::new(),
            only_permitted: false,
            licence_exceptions: Vec::new(),
            denied_packages: Vec::new(),
            minimum_versions: Vec::new(),
            unknown: Unknown::default(),
            require_component_match: false,
        }
    }
}

/// A package that is excused from the rules about licences.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct LicenceException {
    /// A pattern over package URLs without version: `pkg:cargo/ring`.
    pub(crate) package: PackagePattern,
    /// Why.
    #[schemars(length(min = 1))]
    pub(crate) reason: String,
    /// Until when. Without it, for good.
    pub(crate) until: Option<Timestamp>,
}

/// A package that is not allowed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct DeniedPackage {
    /// A pattern over package URLs without version: `pkg:npm/event-stream`, `pkg:cargo/openssl*`.
    package: PackagePattern,
    /// Which versions: `=3.3.6`, `<1.2.3`, `>=1.0, <1.4`. Without it, all.
    versions: Option<String>,
    /// Why.
    #[schemars(length(min = 1))]
    reason: String,
}

/// A package that is allowed from a version on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct MinimumVersion {
    /// A pattern over package URLs without version.
    package: PackagePattern,
    /// The first version that is allowed: `0.10.70`.
    version: String,
    /// Why.
    reason: Option<String>,
}

/// What follows when something is not told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unknown {
    /// The check fails.
    Fail,
    /// The check is inconclusive, unless something else is wrong.
    #[default]
    Inconclusive,
    /// Nothing.
    Ignore,
}

/// The settings with everything read that has a notation of its own.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) evidence: String,
    /// Patterns over SPDX ids in lower case.
    pub(crate) denied_licences: Vec<Pattern>,
    /// The same.
    pub(crate) permitted_licences: Vec<Pattern>,
    pub(crate) only_permitted: bool,
    pub(crate) licence_exceptions: Vec<LicenceException>,
    pub(crate) packages: Vec<PackageRule>,
    pub(crate) unknown: Unknown,
    pub(crate) require_component_match: bool,
}

impl Policy {
    /// Whether licences are looked at at all.
    pub(crate) fn has_licence_rules(&self) -> bool {
        self.only_permitted || !self.denied_licences.is_empty()
    }
}

/// One rule about packages.
#[derive(Debug)]
pub(crate) struct PackageRule {
    pub(crate) package: PackagePattern,
    pub(crate) forbids: Forbids,
    pub(crate) reason: Option<String>,
}

/// Which versions a rule forbids.
#[derive(Debug)]
pub(crate) enum Forbids {
    All,
    Matching(VersionReq),
    Before(Version),
}

impl Settings {
    /// The policy, or all that is wrong.
    pub(crate) fn policy(self) -> Result<Policy, Vec<SettingsFinding>> {
        let root = Pointer::root();
        let mut findings = Vec::new();
        if !EVIDENCE.iter().any(|pattern| Pattern::new(*pattern).matches(&self.evidence)) {
            let message = format!("`{}` cannot be read: the plugin asks for `sbom` and `sbom-*` only", self.evidence);
            findings.push(SettingsFinding::new(root.key("evidence"), message));
        }
        if self.only_permitted && self.permitted_licences.is_empty() {
            let message = "no licence is permitted, so nothing could ever pass: name some in `permitted-licences`";
            findings.push(SettingsFinding::new(root.key("only-permitted"), message));
        }
        let mut packages = Vec::new();
        for (index, denied) in self.denied_packages.into_iter().enumerate() {
            let forbids = match denied.versions {
                None => Forbids::All,
                Some(versions) => match versions.parse() {
                    Ok(versions) => Forbids::Matching(versions),
                    Err(error) => {
                        let place = root.key("denied-packages").index(index).key("versions");
                        let message =
                            format!("`{versions}` is not a range of versions, such as `>=1.0, <1.4`: {error}");
                        findings.push(SettingsFinding::new(place, message));
                        continue;
                    }
                },
            };
            packages.push(PackageRule { package: denied.package, forbids, reason: Some(denied.reason) });
        }
        for (index, minimum) in self.minimum_versions.into_iter().enumerate() {
            match crate::package::version(&minimum.version) {
                Some(version) => packages.push(PackageRule {
                    package: minimum.package,
                    forbids: Forbids::Before(version),
                    reason: minimum.reason,
                }),
                None => {
                    let place = root.key("minimum-versions").index(index).key("version");
                    let message = format!("`{}` is not a version, such as `1.4.0`", minimum.version);
                    findings.push(SettingsFinding::new(place, message));
                }
            }
        }
        let licences = |patterns: Vec<Pattern>| -> Vec<Pattern> {
            patterns.into_iter().map(|pattern| Pattern::new(pattern.to_string().to_lowercase())).collect()
        };
        let policy = Policy {
            evidence: self.evidence,
            denied_licences: licences(self.denied_licences),
            permitted_licences: licences(self.permitted_licences),
            only_permitted: self.only_permitted,
            licence_exceptions: self.licence_exceptions,
            packages,
            unknown: self.unknown,
            require_component_match: self.require_component_match,
        };
        if !policy.has_licence_rules()
            && policy.packages.is_empty()
            && !policy.require_component_match
            && findings.is_empty()
        {
            let message = "there is nothing to look for: name licences or packages, or set `require-component-match`";
            findings.push(SettingsFinding::new(root, message));
        }
        if findings.is_empty() { Ok(policy) } else { Err(findings) }
    }
}
