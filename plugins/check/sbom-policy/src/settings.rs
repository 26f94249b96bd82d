//! What an operator writes, and what is made of it once.

use lockgate_plugin::time::Timestamp;
use lockgate_plugin::{Pattern, Pointer, SettingsFinding};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::licence::{LicenceException, LicencePattern, LicencePolicy, NamePattern};
use crate::package::{ByPackage, Forbids, PackagePattern, PackageRule, VersionRange};

/// The evidence that the plugin asks to read.
pub(crate) const EVIDENCE: [&str; 2] = ["sbom", "sbom-*"];

/// The rules for the packages of a release.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// The name of the evidence that holds the SBOM: `sbom`, or one that begins with `sbom-`.
    #[schemars(extend("format" = "lockgate-name"))]
    evidence: String,
    /// The licences that are denied: patterns over SPDX ids, for example `AGPL-*`.
    #[schemars(extend("uniqueItems" = true))]
    denied_licences: Vec<Pattern>,
    /// The names of licences that are not allowed, such as `Shop licence*`. A pattern with stars is held against the names that
    /// SPDX knows too; stars alone are not.
    #[schemars(extend("uniqueItems" = true))]
    denied_licence_names: Vec<Pattern>,
    /// The licences that are allowed although they are denied above, for example `GPL-* WITH Classpath-exception-2.0`.
    #[schemars(extend("uniqueItems" = true))]
    permitted_licences: Vec<Pattern>,
    /// The licences that are allowed although they are denied above and that SPDX does not know: patterns over their
    /// names.
    #[schemars(extend("uniqueItems" = true))]
    permitted_licence_names: Vec<Pattern>,
    /// Whether every licence that is not permitted above is denied.
    only_permitted: bool,
    /// The packages that are exempt from the rules about licences.
    #[schemars(extend("uniqueItems" = true))]
    licence_exceptions: Vec<ExcusedPackage>,
    /// The packages that are denied.
    #[schemars(extend("uniqueItems" = true))]
    denied_packages: Vec<DeniedPackage>,
    /// The packages that are allowed only from a version on.
    #[schemars(extend("uniqueItems" = true))]
    minimum_versions: Vec<MinimumVersion>,
    /// The result when a package lacks its licence, its package URL or its version, and a rule needs it.
    unknown: Unknown,
    /// Whether the SBOM must describe one of the release's components.
    require_component_match: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            evidence: "sbom".to_owned(),
            denied_licences: Vec::new(),
            denied_licence_names: Vec::new(),
            permitted_licences: Vec::new(),
            permitted_licence_names: Vec::new(),
            only_permitted: false,
            licence_exceptions: Vec::new(),
            denied_packages: Vec::new(),
            minimum_versions: Vec::new(),
            unknown: Unknown::default(),
            require_component_match: false,
        }
    }
}

/// A package that is exempt from the rules about licences.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ExcusedPackage {
    /// A pattern over package URLs without their version, for example `pkg:cargo/ring`.
    package: Pattern,
    /// The reason for the exemption.
    #[schemars(length(min = 1))]
    reason: String,
    /// When the exemption ends. If absent, it never ends.
    until: Option<Timestamp>,
}

/// A package that is denied.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct DeniedPackage {
    /// A pattern over package URLs without their version, for example `pkg:npm/event-stream` or `pkg:cargo/openssl*`.
    package: Pattern,
    /// The denied versions, for example `=3.3.6`, `<1.2.3` or `>=1.0, <1.4`. If absent, all versions.
    versions: Option<String>,
    /// The reason for the rule.
    #[schemars(length(min = 1))]
    reason: String,
}

/// A package that is allowed only from a version on.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct MinimumVersion {
    /// A pattern over package URLs without their version.
    package: Pattern,
    /// The first version that is allowed, for example `0.10.70`.
    version: String,
    /// The reason for the rule.
    #[schemars(length(min = 1))]
    reason: Option<String>,
}

/// The result of the check when a package lacks data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Unknown {
    /// The check fails.
    Fail,
    /// The check is inconclusive, unless something else is wrong.
    #[default]
    Inconclusive,
    /// The missing data has no effect.
    Ignore,
}

/// The settings with everything read that has a notation of its own.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) evidence: String,
    pub(crate) licences: LicencePolicy,
    pub(crate) licence_exceptions: ByPackage<LicenceException>,
    pub(crate) packages: ByPackage<PackageRule>,
    pub(crate) unknown: Unknown,
    pub(crate) require_component_match: bool,
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
        let findings_before = findings.len();
        let licences = LicencePolicy {
            denied: read(&root, "denied-licences", &self.denied_licences, LicencePattern::read, &mut findings),
            denied_names: read(
                &root,
                "denied-licence-names",
                &self.denied_licence_names,
                NamePattern::read,
                &mut findings,
            ),
            permitted: read(&root, "permitted-licences", &self.permitted_licences, LicencePattern::read, &mut findings),
            permitted_names: read(
                &root,
                "permitted-licence-names",
                &self.permitted_licence_names,
                NamePattern::read,
                &mut findings,
            ),
            only_permitted: self.only_permitted,
        };
        if self.only_permitted && !licences.permits_something() && findings.len() == findings_before {
            let message = "no licence is permitted, so nothing could ever pass: name some in `permitted-licences`";
            findings.push(SettingsFinding::new(root.key("only-permitted"), message));
        }
        let mut licence_exceptions = ByPackage::default();
        for (index, excused) in self.licence_exceptions.into_iter().enumerate() {
            let place = root.key("licence-exceptions").index(index);
            if let Some(package) = package(&place, &excused.package, &mut findings) {
                licence_exceptions.insert(package, LicenceException { reason: excused.reason, until: excused.until });
            }
        }
        let mut packages = ByPackage::default();
        for (index, denied) in self.denied_packages.into_iter().enumerate() {
            let place = root.key("denied-packages").index(index);
            let package = package(&place, &denied.package, &mut findings);
            let forbids = match denied.versions.as_deref().map(str::parse::<VersionRange>) {
                None => Some(Forbids::All),
                Some(Ok(versions)) => Some(Forbids::Matching(versions)),
                Some(Err(message)) => {
                    findings.push(SettingsFinding::new(place.key("versions"), message));
                    None
                }
            };
            if let (Some(package), Some(forbids)) = (package, forbids) {
                packages.insert(package, PackageRule { forbids, reason: Some(denied.reason) });
            }
        }
        for (index, minimum) in self.minimum_versions.into_iter().enumerate() {
            let place = root.key("minimum-versions").index(index);
            let package = package(&place, &minimum.package, &mut findings);
            let first = crate::package::version(&minimum.version);
            if first.is_none() {
                let message = format!("`{}` is not a version, such as `1.4.0`", minimum.version);
                findings.push(SettingsFinding::new(place.key("version"), message));
            }
            if let (Some(package), Some(first)) = (package, first) {
                packages.insert(package, PackageRule { forbids: Forbids::Before(first), reason: minimum.reason });
            }
        }
        let policy = Policy {
            evidence: self.evidence,
            licences,
            licence_exceptions,
            packages,
            unknown: self.unknown,
            require_component_match: self.require_component_match,
        };
        if !policy.licences.has_rules()
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

/// Reads each entry of a list of patterns, and reports those that can never fit anything.
fn read<P>(
    root: &Pointer,
    key: &str,
    patterns: &[Pattern],
    read: fn(&str) -> Result<P, String>,
    findings: &mut Vec<SettingsFinding>,
) -> Vec<P> {
    let mut all = Vec::with_capacity(patterns.len());
    for (index, pattern) in patterns.iter().enumerate() {
        match read(&pattern.to_string()) {
            Ok(pattern) => all.push(pattern),
            Err(message) => findings.push(SettingsFinding::new(root.key(key).index(index), message)),
        }
    }
    all
}

/// Reads the pattern of a rule about packages, and reports one that can never fit a package.
fn package(rule: &Pointer, pattern: &Pattern, findings: &mut Vec<SettingsFinding>) -> Option<PackagePattern> {
    PackagePattern::read(&pattern.to_string())
        .map_err(|message| findings.push(SettingsFinding::new(rule.key("package"), message)))
        .ok()
}
