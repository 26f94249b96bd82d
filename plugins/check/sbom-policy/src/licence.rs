//! Licences: SPDX expressions against patterns.

use lockgate_plugin::time::Timestamp;
use lockgate_plugin::types::Severity;
use lockgate_plugin::{Pattern, Pointer, Violation};
use spdx::{Expression, LicenseReq, ParseMode};

use crate::cyclonedx::{LicenceEntry, Package};
use crate::findings::Findings;
use crate::package::Purl;
use crate::replace;
use crate::settings::Policy;

/// What the policy says of one licence text.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Allowed,
    Denied,
    /// It is no SPDX expression, and no pattern knows it.
    Unknown,
}

/// Looks at the licences of one package. The time is asked for only where an exception ends.
pub(crate) fn judge(
    policy: &Policy,
    package: &Package,
    path: &Pointer,
    now: impl Fn() -> Timestamp,
    findings: &mut Findings,
) {
    if !policy.has_licence_rules() {
        return;
    }
    let name = package.in_words();
    let texts: Vec<&str> = package.licenses.iter().filter_map(LicenceEntry::text).collect();
    let (code, problem, denied) = if texts.is_empty() {
        ("licence-missing", format!("{name} names no licence"), false)
    } else {
        // Several licences hold together: one that is denied is enough.
        let verdict = |wanted| texts.iter().copied().find(|text| verdict(policy, text) == wanted);
        match (verdict(Verdict::Denied), verdict(Verdict::Unknown)) {
            (Some(text), _) => ("licence-denied", format!("{name} is under `{text}`, which is not allowed"), true),
            (None, Some(text)) => {
                ("licence-unknown", format!("{name} is under `{text}`, which is no SPDX licence expression"), false)
            }
            (None, None) => return,
        }
    };
    let problem = format!("{problem} (at `{path}` of the SBOM)");
    let exception = policy.licence_exceptions.iter().find(|exception| {
        package.purl.as_deref().and_then(Purl::parse).is_some_and(|purl| exception.package.matches(&purl))
    });
    let message = match exception {
        Some(exception) if exception.until.is_none_or(|until| now() < until) => {
            let message = format!("{problem}; it is excused: {}", exception.reason);
            return findings.noted(Violation::new("licence-excused", message).about(name));
        }
        Some(exception) => {
            let until = exception.until.map(|until| until.to_string()).unwrap_or_default();
            format!("{problem}; it was excused until {until}")
        }
        None => problem,
    };
    let remedy = if denied {
        replace(policy, format!("replace {name}, or have it excused"))
    } else {
        replace(policy, format!("find out the licence of {name} and name it"))
    };
    let violation = Violation::new(code, message).about(name).remedy(remedy);
    if denied {
        findings.wrong(Severity::High, violation);
    } else {
        findings.untold(policy.unknown, violation);
    }
}

/// What the policy says of one licence text.
fn verdict(policy: &Policy, text: &str) -> Verdict {
    match Expression::parse_mode(text, ParseMode::LAX) {
        // Of what `OR` joins, one that is allowed is enough: the licensee chooses.
        Ok(expression) if expression.evaluate(|licence| allowed(policy, &names(licence))) => Verdict::Allowed,
        Ok(_) => Verdict::Denied,
        Err(_) => {
            let name = [text.to_lowercase()];
            match allowed(policy, &name) {
                false => Verdict::Denied,
                true if fits(&policy.permitted_licences, &name) => Verdict::Allowed,
                true => Verdict::Unknown,
            }
        }
    }
}

/// Whether a licence that goes by these names is allowed.
fn allowed(policy: &Policy, names: &[String]) -> bool {
    if fits(&policy.permitted_licences, names) {
        return true;
    }
    !policy.only_permitted && !fits(&policy.denied_licences, names)
}

fn fits(patterns: &[Pattern], names: &[String]) -> bool {
    patterns.iter().any(|pattern| names.iter().any(|name| pattern.matches(name)))
}

/// What the licence goes by, in lower case: as it is written, and as the present SPDX list writes it, each first with
/// its exception. A pattern without `WITH` means the licence whatever is excepted from it.
fn names(licence: &LicenseReq) -> Vec<String> {
    let bare = licence.license.to_string();
    let mut bare = vec![bare];
    if let spdx::LicenseItem::Spdx { id, or_later } = &licence.license
        && id.is_gnu()
        && !id.name.ends_with("-only")
        && !id.name.ends_with("-or-later")
    {
        // `GPL-2.0` and `GPL-2.0+` are how `GPL-2.0-only` and `GPL-2.0-or-later` used to be written.
        let base = id.name.trim_end_matches('+');
        bare.push(format!("{base}-{}", if *or_later || id.name.ends_with('+') { "or-later" } else { "only" }));
    }
    let with = licence.addition.as_ref().map(|addition| format!(" WITH {addition}")).unwrap_or_default();
    let full = bare.iter().map(|name| format!("{name}{with}"));
    full.chain(bare.clone()).map(|name| name.to_lowercase()).collect()
}
