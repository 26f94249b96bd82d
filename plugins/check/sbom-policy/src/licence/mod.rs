//! Licences: SPDX expressions against patterns, both in the normal form of SPDX.

mod expression;
mod list;
mod pattern;
mod verdict;

use std::collections::BTreeMap;

use lockgate_plugin::time::Timestamp;
use lockgate_plugin::types::Severity;
use lockgate_plugin::{Evaluation, Finding};

use crate::document::{LicenceText, Package, PackageKind, Place, References, clipped};
use crate::findings::Findings;
use crate::package::Purl;
use crate::replace;
use crate::settings::{Policy, Unknown};
pub(crate) use pattern::{LicencePattern, NamePattern};
pub(crate) use verdict::LicencePolicy;
use verdict::{Rules, Verdict};

/// Holds the licences of packages against the policy.
pub(crate) struct LicenceJudge<'a> {
    policy: &'a Policy,
    references: References<'a>,
    /// What the policy says of the texts that came by so far: an SBOM has few of them, many times.
    verdicts: BTreeMap<String, Verdict>,
    /// The time of the evaluation, once it was asked for.
    now: Option<Timestamp>,
}

impl<'a> LicenceJudge<'a> {
    pub(crate) fn new(policy: &'a Policy, references: References<'a>) -> Self {
        Self { policy, references, verdicts: BTreeMap::new(), now: None }
    }

    fn verdict(&mut self, text: LicenceText<'_>, kind: PackageKind) -> Verdict {
        let policy = &self.policy.licences;
        let rules = Rules { policy, only_permitted: policy.only_permitted, references: Some(&self.references) };
        match text {
            // What the SBOM is about is the release itself: `only-permitted` is about what that is made of.
            text if kind == PackageKind::Subject => Rules { only_permitted: false, ..rules }.verdict(text),
            LicenceText::Stated(stated) => {
                if let Some(verdict) = self.verdicts.get(stated) {
                    return verdict.clone();
                }
                let verdict = rules.verdict(text);
                self.verdicts.insert(stated.to_owned(), verdict.clone());
                verdict
            }
            text => rules.verdict(text),
        }
    }

    /// Looks at the licences of one package.
    pub(crate) fn judge(
        &mut self,
        package: &Package<'_>,
        place: &Place<'_>,
        evaluation: &Evaluation<'_>,
        findings: &mut Findings,
    ) {
        if !self.policy.licences.has_rules() {
            return;
        }
        let problems = self.problems(package);
        if problems.is_empty() {
            return;
        }
        let (counting, expired) = self.exceptions(package, evaluation);
        for problem in &problems {
            self.report(problem, package, place, &counting, &expired, findings);
        }
    }

    /// All that is wrong with the licences of a package. They hold together, so each can be.
    fn problems<'t>(&mut self, package: &Package<'t>) -> Vec<Problem<'t>> {
        let told = package.kind != PackageKind::Subject && self.policy.unknown != Unknown::Ignore;
        if package.licences.is_empty() {
            return if told { vec![Problem::Missing] } else { Vec::new() };
        }
        let mut problems = Vec::new();
        for text in &package.licences {
            match self.verdict(*text, package.kind) {
                Verdict::Allowed => {}
                Verdict::Denied(licences) => problems.push(Problem::Denied(*text, licences)),
                Verdict::Unknown(references) if told => problems.push(Problem::Unknown(*text, references)),
                Verdict::Unknown(_) => {}
            }
        }
        problems
    }

    /// The exceptions for a package: those that count, and those that have expired. Their order in the settings decides
    /// nothing. A package is all that its package URLs name, so none counts unless each of them is excused.
    fn exceptions(
        &mut self,
        package: &Package<'_>,
        evaluation: &Evaluation<'_>,
    ) -> (Vec<&'a LicenceException>, Vec<&'a LicenceException>) {
        let exceptions = &self.policy.licence_exceptions;
        if exceptions.is_empty() {
            return (Vec::new(), Vec::new());
        }
        // The time is asked for only where an exception ends, so that an answer depends on it only there.
        let mut expired = |until| *self.now.get_or_insert_with(|| evaluation.now()) >= until;
        let (mut counting, mut ended) = (Vec::new(), Vec::new());
        let mut is_excused = true;
        for purl in &package.purls {
            let found: Vec<&LicenceException> = match Purl::read(purl) {
                Ok(purl) => exceptions.of(&purl).collect(),
                Err(_) => Vec::new(),
            };
            let (now, before): (Vec<_>, Vec<_>) =
                found.into_iter().partition(|exception| !exception.until.is_some_and(&mut expired));
            is_excused &= !now.is_empty();
            let is_new = |known: &[&LicenceException], exception: &LicenceException| {
                known.iter().all(|known| !std::ptr::eq(*known, exception))
            };
            counting.extend(now.into_iter().filter(|exception| is_new(&counting, exception)).collect::<Vec<_>>());
            ended.extend(before.into_iter().filter(|exception| is_new(&ended, exception)).collect::<Vec<_>>());
        }
        (if is_excused { counting } else { Vec::new() }, ended)
    }

    fn report(
        &self,
        problem: &Problem<'_>,
        package: &Package<'_>,
        place: &Place<'_>,
        counting: &[&LicenceException],
        expired: &[&LicenceException],
        findings: &mut Findings,
    ) {
        let policy = self.policy;
        let told = |what: &str| format!("{} (at `{place}` of the SBOM){what}", problem.in_words(&package.in_words()));
        if !counting.is_empty() {
            return findings.noted("licence-excused", |code| {
                let reasons: Vec<&str> = counting.iter().map(|exception| exception.reason.as_str()).collect();
                let message = told(&format!("; it is excused: {}", reasons.join("; ")));
                Finding::new(code, message).about(package.in_words())
            });
        }
        let finding = |code| {
            let name = package.in_words();
            let ended: Vec<String> = expired.iter().filter_map(|exception| exception.ended_in_words()).collect();
            let excused =
                if ended.is_empty() { String::new() } else { format!("; it was excused {}", ended.join(", ")) };
            let remedy = match problem {
                Problem::Denied(..) => format!("replace {name}, or have it excused"),
                Problem::Unknown(_, references) if !references.is_empty() => {
                    format!("find out the licence of {name} and name it, or name the reference in `permitted-licences`")
                }
                Problem::Missing | Problem::Unknown(..) => format!("find out the licence of {name} and name it"),
            };
            Finding::new(code, told(&excused)).remedy(replace(policy, remedy)).about(name)
        };
        match problem {
            Problem::Denied(..) => findings.wrong(Severity::High, problem.code(), finding),
            Problem::Missing | Problem::Unknown(..) => findings.untold(policy.unknown, problem.code(), finding),
        }
    }
}

/// Something that is wrong with the licences of a package.
#[derive(Debug)]
enum Problem<'t> {
    /// It names none.
    Missing,
    /// This text, because of these licences.
    Denied(LicenceText<'t>, Vec<String>),
    /// Neither SPDX nor the settings know this one, or these references in it.
    Unknown(LicenceText<'t>, Vec<String>),
}

impl Problem<'_> {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing => "licence-missing",
            Self::Denied(..) => "licence-denied",
            Self::Unknown(..) => "licence-unknown",
        }
    }

    fn in_words(&self, package: &str) -> String {
        match self {
            Self::Missing => format!("{package} names no licence"),
            Self::Denied(text, licences) => format!("{package} is under {}", denied_in_words(text.as_str(), licences)),
            Self::Unknown(text, references) => format!("{package} is under {}", unknown_in_words(*text, references)),
        }
    }
}

/// Why a package is excused from the rules about licences, and until when.
#[derive(Debug)]
pub(crate) struct LicenceException {
    pub(crate) reason: String,
    pub(crate) until: Option<Timestamp>,
}

impl LicenceException {
    /// Until when it counted.
    fn ended_in_words(&self) -> Option<String> {
        Some(format!("until {} ({})", self.until?, self.reason))
    }
}

/// A licence text that cannot be judged, and why.
fn unknown_in_words(text: LicenceText<'_>, references: &[String]) -> String {
    let shown = clipped(text.as_str());
    let names: Vec<String> = references.iter().map(|reference| clipped(reference)).collect();
    match names.as_slice() {
        [] => {}
        [one] if one.eq_ignore_ascii_case(&shown) => {
            return format!("`{shown}`, a licence that neither SPDX nor the settings know");
        }
        [one] => return format!("`{shown}`, of which neither SPDX nor the settings know `{one}`"),
        names => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            return format!("`{shown}`, of which neither SPDX nor the settings know {}", names.join(" and "));
        }
    }
    match text {
        LicenceText::Unreadable(text) => format!("`{}`, which cannot be read", clipped(text)),
        LicenceText::Stated(text) | LicenceText::Described(text) => {
            format!("`{}`, which is no SPDX licence expression", clipped(text))
        }
    }
}

/// A licence text and what of it is denied.
fn denied_in_words(text: &str, denied: &[String]) -> String {
    let text = &clipped(text);
    let denied: Vec<String> = denied.iter().map(|licence| clipped(licence)).collect();
    match denied.as_slice() {
        [licence] if licence == text => format!("`{text}`, which is not allowed"),
        [licence] => format!("`{text}`, of which `{licence}` is not allowed"),
        licences => {
            let licences: Vec<String> = licences.iter().map(|licence| format!("`{licence}`")).collect();
            format!("`{text}`, of which {} are not allowed", licences.join(" and "))
        }
    }
}
