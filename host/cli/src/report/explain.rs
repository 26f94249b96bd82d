//! Explains a decision: one diagnostic for each reason, with its place and what would change the result.

use std::collections::BTreeSet;

use lockgate_domain::{
    BindingAnswer, BindingOutcome, CheckOutcome, Decision, DecisionReason, ExceptionCode, Finding, Need, PolicyVerdict,
    ReasonSource, Report, Requirement, Standing, escaped_token, rules::Rule,
};

use super::check;
use super::documents::{DecisionReport, InputDocuments};
use super::requirement::{RequirementWords, Ways, pointer_of, subject_line};
use super::words::{mentions, with_short_digests};
use crate::diagnostic::{Diagnostic, DiagnosticLevel};

/// The exception that applies to the result of a binding or group.
pub(super) fn exception<'a>(decision: &'a Decision, source: &ReasonSource) -> Option<(ExceptionCode, &'a str)> {
    decision.reasons.iter().filter(|reason| reason.source == *source).find_map(|reason| {
        let code = ExceptionCode::of(&reason.code).filter(|code| code.counts())?;
        Some((code, reason.message.as_str()))
    })
}

/// The name of the source of a reason.
pub(super) fn source_name(source: &ReasonSource) -> &str {
    match source {
        ReasonSource::Host => "lockgate",
        ReasonSource::Binding(id) | ReasonSource::Group(id) => id,
    }
}

/// The requirements of a binding's answer, besides the remedies of its findings.
pub(super) fn requirements_of(binding: &BindingOutcome) -> &[Requirement] {
    match &binding.answer {
        BindingAnswer::Policy(answer) => &answer.requirements,
        BindingAnswer::Check(report) => &report.requirements,
        _ => &[],
    }
}

/// The part of an answer that a reason repeats.
#[derive(Clone, Copy)]
enum ReasonOrigin<'a> {
    Finding(&'a Finding),
    Requirement(&'a Requirement),
    /// The summary of a check.
    Summary(&'a Report),
    /// Something without details: a rule of the host, a group, an exception, a failure, a reason in words.
    Sentence,
}

/// A diagnostic, and what it has in common with others.
struct Explanation {
    diagnostic: Diagnostic,
    /// Helps that are shown only once: with the first diagnostic that they fit.
    shared: Vec<String>,
}

/// Explains one decision.
pub(super) struct Explainer<'a> {
    decision: &'a Decision,
    documents: InputDocuments<'a>,
    /// Whether to leave nothing out.
    details: bool,
    /// The reasons that are explained, in the order of the decision.
    shown: Vec<&'a DecisionReason>,
}

impl<'a> Explainer<'a> {
    pub(super) fn new(decision: &'a Decision, report: &DecisionReport<'a>) -> Self {
        let shown = decision.reasons.iter().filter(|reason| is_shown(decision, reason)).collect();
        Self { decision, documents: report.documents, details: report.details, shown }
    }

    /// A diagnostic for each blocking reason, each objection of an advisory binding, each requirement of either, and each
    /// approval or exception that does not count.
    pub(super) fn diagnostics(&self) -> Vec<Diagnostic> {
        // A member of a group is explained with its group.
        let alone = self.shown.iter().copied().filter(|reason| self.group_of(&reason.source).is_none());
        let mut alone: Vec<&DecisionReason> = alone.collect();
        // Bindings come before groups. The sort is stable, so the rest stays in order.
        alone.sort_by_key(|reason| (!reason.blocking, matches!(reason.source, ReasonSource::Group(_))));
        let explanations = self.in_order_of_ways(alone).into_iter().flat_map(|reason| self.explanations(reason));
        let mut shown = BTreeSet::new();
        let with_shared = explanations.map(|Explanation { mut diagnostic, shared }| {
            diagnostic.helps.extend(shared.into_iter().filter(|help| shown.insert(help.clone())));
            diagnostic.in_lines()
        });
        with_shared.collect()
    }

    /// A diagnostic for each finding of an answer that does not stop the deployment. Nobody has to act on it, so what would
    /// resolve it is a detail.
    pub(super) fn remarks(&self) -> Vec<Diagnostic> {
        let remarks = self.decision.reasons.iter().filter(|reason| self.is_remark(reason)).map(|reason| {
            let Explanation { mut diagnostic, shared } = self.explanation(reason);
            diagnostic.level = DiagnosticLevel::Remark;
            match self.details {
                true => diagnostic.helps.extend(shared),
                false => diagnostic.helps.clear(),
            }
            diagnostic.in_lines()
        });
        remarks.collect()
    }

    /// The sentence of a reason, with its way.
    pub(super) fn sentence(&self, reason: &DecisionReason) -> String {
        let label = match self.origin(reason) {
            ReasonOrigin::Requirement(requirement) => self.ways(reason).label(requirement),
            _ => String::new(),
        };
        format!("{label}{}", reason.message)
    }

    /// All reasons of one source in lines: the code and the sentence of each, and its notes and helps, indented.
    pub(super) fn lines_of(&self, source: &ReasonSource) -> Vec<String> {
        let own = self.decision.reasons.iter().filter(|reason| reason.source == *source).collect();
        let mut lines = Vec::new();
        let mut shown = BTreeSet::new();
        for reason in self.in_order_of_ways(own) {
            let remark = if self.is_remark(reason) { "remark: " } else { "" };
            lines.push(format!("{}: {remark}{}", reason.code, self.sentence(reason)));
            let is_explained = self.is_explained(reason) && !matches!(source, ReasonSource::Group(_));
            let explanations = if is_explained { self.explanations(reason) } else { Vec::new() };
            for (index, Explanation { diagnostic, mut shared }) in explanations.into_iter().enumerate() {
                // The first is about the reason itself, the others are about requirements.
                if index > 0 {
                    let code = diagnostic.code.as_deref().and_then(|code| code.split_once('/'));
                    lines.push(format!("{}: {}", code.map_or("", |(_, code)| code), diagnostic.title));
                }
                shared.retain(|help| shown.insert(help.clone()));
                let more = diagnostic.notes.into_iter().chain(diagnostic.helps).chain(shared);
                lines.extend(more.map(|line| format!("  {line}")));
            }
        }
        lines
    }

    fn is_explained(&self, reason: &DecisionReason) -> bool {
        self.shown.iter().any(|shown| std::ptr::eq(*shown, reason))
    }

    /// Whether the reason is a finding of an answer that does not stop the deployment.
    fn is_remark(&self, reason: &DecisionReason) -> bool {
        let stops_nothing = matches!(self.standing(&reason.source), Standing::Allow | Standing::NotApplicable);
        stops_nothing && reason.severity.is_some() && !self.is_explained(reason)
    }

    fn binding(&self, source: &ReasonSource) -> Option<&'a BindingOutcome> {
        let ReasonSource::Binding(id) = source else { return None };
        self.decision.bindings.iter().find(|binding| &binding.id == id)
    }

    /// The group that a binding belongs to.
    fn group_of(&self, source: &ReasonSource) -> Option<&'a str> {
        self.binding(source).and_then(|binding| binding.group.as_deref())
    }

    fn standing(&self, source: &ReasonSource) -> Standing {
        let found = match source {
            ReasonSource::Host => None,
            ReasonSource::Binding(_) => self.binding(source).map(|binding| binding.standing),
            ReasonSource::Group(id) => {
                self.decision.groups.iter().find(|group| &group.id == id).map(|group| group.standing)
            }
        };
        found.unwrap_or(Standing::Deny)
    }

    fn origin(&self, reason: &DecisionReason) -> ReasonOrigin<'a> {
        let Some(binding) = self.binding(&reason.source) else { return ReasonOrigin::Sentence };
        let findings: &[Finding] = match &binding.answer {
            BindingAnswer::Policy(answer) => &answer.findings,
            BindingAnswer::Check(report) => &report.findings,
            _ => &[],
        };
        // An answer can repeat itself: the second of two equal reasons is of the second part.
        let is_equal = |other: &DecisionReason| {
            (&other.source, &other.code, &other.message) == (&reason.source, &reason.code, &reason.message)
                && (&other.pointers, other.severity) == (&reason.pointers, reason.severity)
        };
        let before = self.decision.reasons.iter().take_while(|other| !std::ptr::eq(*other, reason));
        let earlier = before.filter(|other| is_equal(other)).count();
        if reason.severity.is_some() {
            let mut equal = findings.iter().filter(|finding| {
                finding.code == reason.code && finding.message == reason.message && finding.pointers == reason.pointers
            });
            return equal.nth(earlier).map_or(ReasonOrigin::Sentence, ReasonOrigin::Finding);
        }
        match &binding.answer {
            BindingAnswer::Policy(answer) if answer.verdict == PolicyVerdict::Require => {
                let mut equal = answer
                    .requirements
                    .iter()
                    .filter(|requirement| requirement.code == reason.code && requirement.message == reason.message);
                equal.nth(earlier).map_or(ReasonOrigin::Sentence, ReasonOrigin::Requirement)
            }
            BindingAnswer::Check(report) if reason.code == report.outcome.as_str() => ReasonOrigin::Summary(report),
            _ => ReasonOrigin::Sentence,
        }
    }

    /// The ways of the binding that gives the reason.
    fn ways(&self, reason: &DecisionReason) -> Ways<'a> {
        Ways::of(self.binding(&reason.source).map(requirements_of).unwrap_or_default())
    }

    /// The reasons, with the requirements of each binding in the order of their ways.
    fn in_order_of_ways<'r>(&self, mut reasons: Vec<&'r DecisionReason>) -> Vec<&'r DecisionReason> {
        let asks = |reason: &DecisionReason| matches!(self.origin(reason), ReasonOrigin::Requirement(_));
        for together in reasons.chunk_by_mut(|one, next| one.source == next.source && asks(one) && asks(next)) {
            if let [first, _, ..] = together {
                let ways = self.ways(first);
                together.sort_by_cached_key(|reason| match self.origin(reason) {
                    ReasonOrigin::Requirement(requirement) => ways.position(requirement),
                    _ => None,
                });
            }
        }
        reasons
    }

    /// The explained reasons of one answer, without those about exceptions to it.
    fn own_shown(&self, source: &ReasonSource) -> impl Iterator<Item = &'a DecisionReason> {
        let is_own =
            move |reason: &&DecisionReason| reason.source == *source && ExceptionCode::of(&reason.code).is_none();
        self.shown.iter().copied().filter(is_own)
    }

    /// The explanation of a reason, and after the last reason of a binding those of the requirements that are no reasons.
    fn explanations(&self, reason: &'a DecisionReason) -> Vec<Explanation> {
        let mut explanations = vec![self.explanation(reason)];
        let is_last = self.own_shown(&reason.source).last().is_some_and(|last| std::ptr::eq(last, reason));
        let Some(binding) = self.binding(&reason.source).filter(|_| is_last) else { return explanations };
        let are_reasons = match &binding.answer {
            BindingAnswer::Policy(answer) => answer.verdict == PolicyVerdict::Require,
            BindingAnswer::Check(report) => shows_requirements(report),
            _ => true,
        };
        if !are_reasons {
            let required = self.decision.requirements.iter();
            let blocks = required.filter(|required| required.source == reason.source).any(|required| required.blocking);
            let level = if blocks { DiagnosticLevel::Pending } else { DiagnosticLevel::Warning };
            let ways = self.ways(reason);
            explanations.extend(ways.requirements().map(|requirement| {
                let code = format!("{}/{}", binding.id, requirement.code);
                let title = format!("{}{}", ways.label(requirement), with_short_digests(&requirement.message));
                self.of_requirement(Diagnostic::new(level, title).code(code), requirement, &ways)
            }));
        }
        explanations
    }

    fn explanation(&self, reason: &'a DecisionReason) -> Explanation {
        let level = match self.standing(&reason.source) {
            _ if !reason.blocking => DiagnosticLevel::Warning,
            Standing::Pending => DiagnosticLevel::Pending,
            _ => DiagnosticLevel::Error,
        };
        let code = format!("{}/{}", source_name(&reason.source), reason.code);
        let titled = |label: &str| {
            Diagnostic::new(level, format!("{label}{}", with_short_digests(&reason.message))).code(code.as_str())
        };
        let mut explanation = match self.origin(reason) {
            ReasonOrigin::Requirement(requirement) => {
                let ways = self.ways(reason);
                self.of_requirement(titled(&ways.label(requirement)), requirement, &ways)
            }
            ReasonOrigin::Finding(finding) => self.with_remedies(titled(""), reason, &Ways::of(&finding.remedies)),
            ReasonOrigin::Summary(report) if shows_requirements(report) => {
                let mut explanation = self.with_remedies(titled(""), reason, &Ways::of(&report.requirements));
                explanation.diagnostic.helps.append(&mut explanation.shared);
                explanation
            }
            ReasonOrigin::Summary(_) | ReasonOrigin::Sentence => {
                let required = self.decision.requirements.iter().filter(|required| {
                    let requirement = &required.requirement;
                    required.source == reason.source && requirement.code == reason.code && is_about(requirement, reason)
                });
                let required: Vec<Requirement> = required.map(|required| required.requirement.clone()).collect();
                let required = self.own_requirements(reason, required);
                self.with_remedies(titled(""), reason, &Ways::of(&required))
            }
        };
        if reason.source == ReasonSource::Host && reason.code == Rule::ApprovedPlanMissing.code() {
            let how = "pass the decision that approved it: `--approved <decision.json>`";
            explanation.shared.push(how.to_owned());
        }
        self.add_report(&mut explanation.diagnostic, reason);
        match &reason.source {
            ReasonSource::Group(id) => self.with_members(id, explanation),
            _ => explanation,
        }
    }

    /// The requirements of a reason, of those of all reasons with the same code and place: each has its own, in the same order.
    fn own_requirements(&self, reason: &DecisionReason, required: Vec<Requirement>) -> Vec<Requirement> {
        let is_equal = |other: &&DecisionReason| {
            (&other.source, &other.code, &other.pointers) == (&reason.source, &reason.code, &reason.pointers)
        };
        let equals: Vec<&DecisionReason> = self.decision.reasons.iter().filter(is_equal).collect();
        let place = equals.iter().position(|other| std::ptr::eq(*other, reason));
        match place.and_then(|place| required.get(place)) {
            Some(own) if equals.len() == required.len() => vec![own.clone()],
            _ => required,
        }
    }

    /// Explains one requirement. Its sentence is the title of the diagnostic.
    fn of_requirement(&self, mut diagnostic: Diagnostic, requirement: &Requirement, ways: &Ways<'_>) -> Explanation {
        let place = pointer_of(requirement);
        if let Some(pointer) = place {
            diagnostic = self.placed(diagnostic, pointer);
        }
        if let Some(choice) = ways.choice().filter(|_| ways.position(requirement) == Some(0)) {
            diagnostic = diagnostic.note(format!("one way is enough: {choice}"));
        }
        let words = RequirementWords { said: &[&requirement.message], place, details: self.details };
        diagnostic.helps.extend(words.lines(requirement));
        Explanation { diagnostic, shared: subject_line(requirement).into_iter().collect() }
    }

    /// Adds where the reason is, what it rests on, and what would change it.
    fn with_remedies(&self, mut diagnostic: Diagnostic, reason: &DecisionReason, ways: &Ways<'_>) -> Explanation {
        let place = reason.pointers.first().map(String::as_str);
        let place = place.or_else(|| ways.requirements().find_map(pointer_of)).map(str::to_owned);
        if let Some(pointer) = &place {
            diagnostic = self.placed(diagnostic, pointer);
        }
        if self.details {
            for pointer in reason.pointers.iter().skip(1) {
                diagnostic = diagnostic.note(match self.documents.find(pointer) {
                    Some(found) => format!("also about `{pointer}` ({})", found.line_and_column()),
                    None => format!("also about `{pointer}` in the snapshot"),
                });
            }
            let about = reason.about.as_ref().filter(|about| !mentions(&reason.message, about));
            diagnostic.notes.extend(about.map(|about| format!("it concerns `{about}`")));
            diagnostic.notes.extend(reason.severity.map(|severity| format!("its severity is {}", severity.as_str())));
        }
        for reference in &reason.references {
            diagnostic = diagnostic.note(format!("see {reference}"));
        }
        let mut shared = Vec::new();
        for requirement in ways.requirements() {
            let label = ways.label(requirement);
            let mut helps = Vec::new();
            if requirement.message != reason.message || !label.is_empty() {
                helps.push(format!("{label}{}", requirement.message));
            }
            let said = [reason.message.as_str(), &requirement.message];
            let words = RequirementWords { said: &said, place: place.as_deref(), details: self.details };
            helps.extend(words.lines(requirement));
            // Several findings often have the same remedy, which is told once. Of several ways each finding tells all, and a
            // correction is about its place.
            match &requirement.need {
                _ if ways.are_several() => diagnostic.helps.extend(helps),
                Need::Correction(_) => diagnostic.helps.extend(helps),
                // The host names for each fact who can supply it.
                _ if reason.source == ReasonSource::Host => diagnostic.helps.extend(helps),
                _ => shared.extend(helps),
            }
            shared.extend(subject_line(requirement));
        }
        Explanation { diagnostic, shared }
    }

    fn placed(&self, diagnostic: Diagnostic, pointer: &str) -> Diagnostic {
        match self.documents.find(pointer) {
            Some(found) => {
                let label = found.beyond.map(|beyond| format!("`{beyond}` is missing here")).unwrap_or_default();
                diagnostic.at(&found.source, found.span, label)
            }
            None => diagnostic.note(format!("about `{pointer}` in the snapshot")),
        }
    }

    /// Adds what the answer of a binding says as a whole to its first reason: the measurements of a check that are out of bounds,
    /// and when another answer is possible.
    fn add_report(&self, diagnostic: &mut Diagnostic, reason: &'a DecisionReason) {
        let is_first = self.own_shown(&reason.source).next().is_some_and(|first| std::ptr::eq(first, reason));
        match self.binding(&reason.source).filter(|_| is_first).map(|binding| &binding.answer) {
            Some(BindingAnswer::Check(report)) => {
                let out_of_bounds = report.measurements.iter().filter(|measured| check::is_out_of_bounds(measured));
                diagnostic
                    .notes
                    .extend(out_of_bounds.map(|measured| format!("measured {}", check::measurement(measured))));
                let again = report.again.map(|again| format!("try again after {again}"));
                diagnostic.helps.extend(again.filter(|again| !diagnostic.helps.contains(again)));
            }
            Some(BindingAnswer::Failed(failure)) if failure.transient => {
                diagnostic.helps.push("try again: the plugin says that it may answer later".to_owned());
            }
            _ => {}
        }
    }

    /// Adds the objections of a group's members as notes, and what would change them.
    fn with_members(&self, group: &str, explanation: Explanation) -> Explanation {
        let members = self.shown.iter().copied().filter(|reason| self.group_of(&reason.source) == Some(group));
        let members = self.in_order_of_ways(members.collect());
        members.into_iter().fold(explanation, |Explanation { mut diagnostic, mut shared }, reason| {
            for member in self.explanations(reason) {
                let Diagnostic { title, location, notes, helps, .. } = member.diagnostic;
                diagnostic.notes.push(format!("{}: {title}", source_name(&reason.source)));
                diagnostic.notes.extend(notes);
                diagnostic.location = diagnostic.location.or(location);
                diagnostic.helps.extend(helps);
                shared.extend(member.shared);
            }
            Explanation { diagnostic, shared }
        })
    }
}

/// Whether a reason is explained: it blocks, or it is an objection of an advisory binding, or an approval or exception that does
/// not count.
fn is_shown(decision: &Decision, reason: &DecisionReason) -> bool {
    if reason.blocking || ExceptionCode::of(&reason.code).is_some_and(|code| !code.counts()) {
        return true;
    }
    let ReasonSource::Binding(id) = &reason.source else { return false };
    let Some(binding) = decision.bindings.iter().find(|binding| &binding.id == id) else { return false };
    match &binding.answer {
        // All its reasons, also why an approval does not count.
        BindingAnswer::Policy(answer) => matches!(answer.verdict, PolicyVerdict::Deny | PolicyVerdict::Require),
        BindingAnswer::Check(report) => {
            matches!(binding.standing, Standing::Deny | Standing::Error)
                && report.findings.iter().any(|finding| finding.code == reason.code)
        }
        BindingAnswer::Failed(_) => true,
        BindingAnswer::Plan(_) | BindingAnswer::Advance(_) | BindingAnswer::NotAsked { .. } => false,
    }
}

/// Whether the summary of a check shows its requirements. The findings of other checks come first.
fn shows_requirements(report: &Report) -> bool {
    report.outcome == CheckOutcome::Pending && report.findings.is_empty()
}

/// Whether a requirement is about the same place: of the host's rules, each breach has its own correction.
fn is_about(requirement: &Requirement, reason: &DecisionReason) -> bool {
    match &requirement.need {
        Need::Correction(correction) => reason.pointers.contains(&correction.pointer),
        Need::Fact(fact) => reason.pointers.contains(&fact.pointer),
        Need::Evidence(evidence) => {
            let name = escaped_token(&evidence.name);
            reason.pointers.is_empty() || reason.pointers.contains(&format!("/evidence/{name}"))
        }
        _ => true,
    }
}
