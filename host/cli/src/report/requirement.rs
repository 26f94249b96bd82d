//! Requirements and obligations in words: who has to do what, until when, and in which ways.

use std::collections::BTreeMap;

use lockgate_domain::{
    ApprovalsNeeded, CorrectionNeeded, DeploymentNeeded, EvidenceNeeded, ExemptionNeeded, FactNeeded, Need, Obligation,
    Requirement, TimeNeeded, counted,
};

use super::words::{joined, joined_briefly, mentions, names, value};

/// The ways in which a list of requirements can be met, in the order of their numbers. The requirements of a way are needed
/// together, and one way is enough.
pub(super) struct Ways<'a>(Vec<Vec<&'a Requirement>>);

impl<'a> Ways<'a> {
    pub(super) fn of(requirements: &'a [Requirement]) -> Self {
        let mut ways: BTreeMap<u32, Vec<&Requirement>> = BTreeMap::new();
        for requirement in requirements {
            ways.entry(requirement.way).or_default().push(requirement);
        }
        Self(ways.into_values().collect())
    }

    /// Whether there is a choice.
    pub(super) fn are_several(&self) -> bool {
        self.0.len() > 1
    }

    /// All requirements, those of the first way first.
    pub(super) fn requirements(&self) -> impl Iterator<Item = &'a Requirement> {
        self.0.iter().flatten().copied()
    }

    /// The place of a requirement in the order of the ways.
    pub(super) fn position(&self, requirement: &Requirement) -> Option<usize> {
        self.requirements().position(|other| std::ptr::eq(other, requirement))
    }

    /// `way 2 of 5: ` before the sentence of a requirement. Empty if there is no choice.
    pub(super) fn label(&self, requirement: &Requirement) -> String {
        let way = self.0.iter().position(|way| way.iter().any(|other| std::ptr::eq(*other, requirement)));
        match way {
            Some(position) if self.are_several() => format!("way {} of {}: ", position + 1, self.0.len()),
            _ => String::new(),
        }
    }

    /// The codes of each way: `a; or b and c`. None if there is no choice.
    pub(super) fn choice(&self) -> Option<String> {
        if !self.are_several() {
            return None;
        }
        let mut ways: Vec<String> = Vec::new();
        for way in &self.0 {
            let mut codes: Vec<&str> = Vec::new();
            for requirement in way {
                if !codes.contains(&requirement.code.as_str()) {
                    codes.push(&requirement.code);
                }
            }
            let codes = joined(&codes, "and");
            // Ways with the same codes differ in their details alone.
            if !ways.contains(&codes) {
                ways.push(codes);
            }
        }
        let differ = ways.len() == self.0.len();
        Some(if differ { ways.join("; or ") } else { format!("{} ({} ways)", ways.join("; or "), self.0.len()) })
    }
}

/// Says a requirement in words.
pub(super) struct RequirementWords<'a> {
    /// The sentences that the reader has before them, which need no repetition.
    pub(super) said: &'a [&'a str],
    /// The JSON Pointer that the reader is shown.
    pub(super) place: Option<&'a str>,
    /// Whether to leave nothing out.
    pub(super) details: bool,
}

impl RequirementWords<'_> {
    /// The lines that say more than the sentence of the requirement: what exactly is needed, and who can supply it.
    pub(super) fn lines(&self, requirement: &Requirement) -> Vec<String> {
        let mut lines = match &requirement.need {
            Need::Approvals(needed) => self.approvals(needed),
            Need::Evidence(needed) => self.evidence(needed),
            Need::Fact(needed) => vec![self.fact(needed)],
            Need::Activity(needed) => {
                let by = needed.role.as_ref().map(|role| format!(" by `{role}`")).unwrap_or_default();
                let due = needed.due.map(|due| format!(", until {due}")).unwrap_or_default();
                vec![format!("the activity `{}` has to be done{by}{due}", needed.activity)]
            }
            Need::Time(needed) => self.time(*needed).into_iter().collect(),
            Need::Correction(needed) => self.correction(needed).into_iter().collect(),
            Need::Deployment(needed) => vec![deployment(needed)],
            Need::Exemption(needed) => vec![self.exemption(needed)],
            Need::Other(document) => vec![format!("see `{}` in the JSON output", document.schema)],
        };
        if let Some(owner) = &requirement.owner
            && !self.is_said(owner)
            && !lines.iter().any(|line| mentions(line, owner))
        {
            lines.push(format!("`{owner}` can supply it"));
        }
        lines
    }

    fn is_said(&self, words: &str) -> bool {
        self.said.iter().any(|sentence| mentions(sentence, words))
    }

    fn approvals(&self, needed: &ApprovalsNeeded) -> Vec<String> {
        let ApprovalsNeeded { roles, competence, missing, excluded, .. } = needed;
        let mut lines = Vec::new();
        let count = counted(*missing, "approval", "approvals");
        if !self.is_said(&count) || !roles.iter().chain(competence).all(|name| self.is_said(name)) {
            let roles = match roles.as_slice() {
                [] => "any role".to_owned(),
                roles => format!("role {}", names(roles, "or", self.details)),
            };
            let people = competence.as_ref().map(|name| format!(" by people with the competence `{name}`"));
            let are = if *missing == 1 { "is" } else { "are" };
            lines.push(format!("{count} in {roles}{} {are} missing", people.unwrap_or_default()));
        }
        if !excluded.iter().all(|id| self.is_said(id)) {
            lines.push(format!("not eligible: {}", names(excluded, "and", self.details)));
        }
        lines
    }

    fn evidence(&self, needed: &EvidenceNeeded) -> Vec<String> {
        let EvidenceNeeded { name, media_type, attesters, max_age, verified } = needed;
        let media_type = media_type.as_ref().map(|media_type| format!(" ({media_type})")).unwrap_or_default();
        let mut lines = vec![format!("pass it with `--evidence {name}=<file>`{media_type}")];
        let mut conditions = Vec::new();
        if !attesters.is_empty() {
            conditions.push(format!("be attested by {}", names(attesters, "or", self.details)));
        }
        conditions.extend(max_age.map(|age| format!("be at most {age} old")));
        conditions.extend(verified.then(|| "have a verified signature".to_owned()));
        if !conditions.is_empty() {
            lines.push(format!("`{name}` has to {}", joined(&conditions, "and")));
        }
        lines
    }

    fn fact(&self, needed: &FactNeeded) -> String {
        let FactNeeded { pointer, kind, id, max_age } = needed;
        let fact = if self.is_shown(pointer) { "it".to_owned() } else { format!("`{pointer}`") };
        let source = match (kind, id) {
            (Some(kind), Some(id)) => format!("`{kind}/{id}` of the registers supplies {fact}"),
            (Some(kind), None) => format!("the register `{kind}` supplies {fact}"),
            (None, _) => format!("it belongs at `{pointer}` of the snapshot"),
        };
        let age = max_age.map(|age| format!("; it may be at most {age} old")).unwrap_or_default();
        format!("{source}{age}")
    }

    fn time(&self, needed: TimeNeeded) -> Option<String> {
        let times = [needed.not_before, needed.not_after];
        if times.iter().flatten().all(|time| self.is_said(&time.to_string())) {
            return None;
        }
        match times {
            [Some(from), Some(until)] => Some(format!("try again between {from} and {until}")),
            [Some(from), None] => Some(format!("try again after {from}")),
            [None, Some(until)] => Some(format!("try again before {until}")),
            [None, None] => None,
        }
    }

    /// What is accepted, what was found, and where, if the reader is shown another place.
    fn correction(&self, needed: &CorrectionNeeded) -> Option<String> {
        let CorrectionNeeded { pointer, expected, accepted, found } = needed;
        let is_said = |words: &str| self.is_said(words) || mentions(expected, words);
        let mut parts = Vec::new();
        if !self.is_said(expected) {
            parts.push(format!("expected {}", value(expected, self.details)));
        }
        let texts = accepted.iter().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        if !texts.into_iter().all(|text| is_said(&text)) {
            let quoted = accepted.iter().map(|accepted| format!("`{}`", value(&accepted.to_string(), self.details)));
            parts.push(format!("accepted: {}", joined_briefly(&quoted.collect::<Vec<_>>(), "or", self.details)));
        }
        if let Some(found) = found.as_ref().filter(|found| !self.is_said(found)) {
            let is_value = !found.contains('`') && found != "nothing";
            let found = value(found, self.details);
            parts.push(if is_value { format!("found `{found}`") } else { format!("found {found}") });
        }
        match (self.is_shown(pointer), parts.is_empty()) {
            (true, true) => None,
            (true, false) => Some(parts.join("; ")),
            (false, true) => Some(format!("the place is `{pointer}`")),
            (false, false) => Some(format!("at `{pointer}`: {}", parts.join("; "))),
        }
    }

    fn exemption(&self, needed: &ExemptionNeeded) -> String {
        let ExemptionNeeded { roles, codes } = needed;
        let covers = match codes.as_slice() {
            [] => String::new(),
            codes => format!(" of {}", names(codes, "and", self.details)),
        };
        let by = match roles.as_slice() {
            [] => String::new(),
            roles => format!(" by {}", names(roles, "or", self.details)),
        };
        format!("it needs a waiver or an override{covers}{by}")
    }

    /// Whether the reader knows the place.
    fn is_shown(&self, pointer: &str) -> bool {
        self.place == Some(pointer) || self.is_said(pointer)
    }
}

fn deployment(needed: &DeploymentNeeded) -> String {
    let DeploymentNeeded { environment, release, digest, deployment, outcome } = needed;
    let id = deployment.as_ref().map(|id| format!(" `{id}`")).unwrap_or_default();
    let of = match (release, digest) {
        (Some(release), Some(digest)) => format!(" of `{release}` (`{digest}`)"),
        (Some(release), None) => format!(" of `{release}`"),
        (None, Some(digest)) => format!(" of the release `{digest}`"),
        (None, None) => String::new(),
    };
    let to = environment.as_ref().map(|name| format!(" to `{name}`")).unwrap_or_default();
    format!("a deployment{id}{of}{to} has to end as `{}`", outcome.as_str())
}

/// The subject that approvals must name. Requirements of one deployment have the same, as a rule.
pub(super) fn subject_line(requirement: &Requirement) -> Option<String> {
    match &requirement.need {
        Need::Approvals(needed) => Some(format!("approvals must name the subject `{}`", needed.subject)),
        _ => None,
    }
}

/// The place in the snapshot that a requirement is about.
pub(super) fn pointer_of(requirement: &Requirement) -> Option<&str> {
    match &requirement.need {
        Need::Correction(correction) => Some(&correction.pointer),
        Need::Fact(fact) => Some(&fact.pointer),
        Need::Approvals(_) => Some("/approvals"),
        Need::Time(_)
        | Need::Evidence(_)
        | Need::Activity(_)
        | Need::Deployment(_)
        | Need::Exemption(_)
        | Need::Other(_) => None,
    }
}

/// An obligation in lines: what has to be done, who does it and when, and what shows that it was done.
pub(super) fn obligation_lines(obligation: &Obligation, details: bool) -> Vec<String> {
    let Obligation { code, kind, message, owner, not_before, due, proof, .. } = obligation;
    let mut lines = vec![message.clone()];
    let mut parts = Vec::new();
    if details {
        parts.push(format!("{kind} `{code}`"));
    }
    parts.extend(owner.as_ref().map(|owner| format!("owner: `{owner}`")));
    parts.extend(not_before.map(|from| format!("from: {from}")));
    parts.extend(due.map(|due| format!("due: {due}")));
    if !parts.is_empty() {
        lines.push(parts.join(", "));
    }
    if let Some(proof) = proof {
        let words = RequirementWords { said: &[&proof.message], place: None, details };
        lines.push(format!("proof: {}", proof.message));
        lines.extend(words.lines(proof));
        lines.extend(subject_line(proof));
    }
    lines
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use lockgate_domain::{ActivityNeeded, DeploymentResult, Digest, Document};
    use serde_json::json;

    use super::*;

    fn lines_with(message: &str, need: Need, details: bool) -> Vec<String> {
        let words = RequirementWords { said: &[message], place: Some("/here"), details };
        words.lines(&Requirement::new("code", message, need))
    }

    fn lines(need: Need) -> Vec<String> {
        lines_with("do it", need, false)
    }

    fn approvals(missing: u32, roles: &[&str], excluded: usize) -> ApprovalsNeeded {
        ApprovalsNeeded {
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            competence: None,
            missing,
            excluded: (0..excluded).map(|id| format!("p{id}")).collect(),
            subject: "sha256:1".to_owned(),
        }
    }

    #[test]
    fn missing_approvals_name_their_number_roles_and_competence() {
        let needed = ApprovalsNeeded { competence: Some("pci".to_owned()), ..approvals(2, &["lead", "owner"], 1) };
        let expected = "2 approvals in role `lead` or `owner` by people with the competence `pci` are missing";
        assert_eq!(lines(Need::Approvals(needed)), [expected, "not eligible: `p0`"]);
        assert_eq!(lines(Need::Approvals(approvals(1, &[], 0))), ["1 approval in any role is missing"]);
        let said = "2 approvals in role `lead` are missing; not eligible: `p0` (requester)";
        assert!(lines_with(said, Need::Approvals(approvals(2, &["lead"], 1)), false).is_empty());
    }

    #[test]
    fn all_excluded_people_are_named_in_detail() {
        let of = |details| lines_with("do it", Need::Approvals(approvals(1, &[], 10)), details).pop().unwrap();
        assert!(of(false).ends_with("`p7` and 2 more"), "{}", of(false));
        assert!(of(true).ends_with("`p8` and `p9`"), "{}", of(true));
    }

    #[test]
    fn missing_evidence_names_everything_that_it_has_to_be() {
        let needed = EvidenceNeeded {
            name: "pentest".to_owned(),
            media_type: Some("application/pdf".to_owned()),
            attesters: vec!["acme".to_owned(), "bolt".to_owned()],
            max_age: Some("90d".parse().unwrap()),
            verified: true,
        };
        let expected = [
            "pass it with `--evidence pentest=<file>` (application/pdf)",
            "`pentest` has to be attested by `acme` or `bolt`, be at most 90d old and have a verified signature",
        ];
        assert_eq!(lines(Need::Evidence(needed)), expected);
    }

    #[test]
    fn a_missing_fact_names_its_register_and_age() {
        let needed = FactNeeded {
            pointer: "/registers/incidents".to_owned(),
            kind: Some("incidents".to_owned()),
            id: Some("INC-1".to_owned()),
            max_age: Some("1h".parse().unwrap()),
        };
        let expected = "`incidents/INC-1` of the registers supplies `/registers/incidents`; it may be at most 1h old";
        assert_eq!(lines(Need::Fact(needed)), [expected]);
    }

    #[test]
    fn a_needed_deployment_names_its_release_digest_and_outcome() {
        let (release, digest) = (Some("r-1".to_owned()), Digest::of(b""));
        let needed = DeploymentNeeded {
            environment: Some("staging".to_owned()),
            release,
            digest: Some(digest),
            deployment: None,
            outcome: DeploymentResult::Operational,
        };
        let of = |needed: &DeploymentNeeded| lines(Need::Deployment(needed.clone()));
        let expected = format!("a deployment of `r-1` (`{digest}`) to `staging` has to end as `operational`");
        assert_eq!(of(&needed), [expected]);
        let needed = DeploymentNeeded { environment: None, release: None, ..needed };
        assert_eq!(of(&needed), [format!("a deployment of the release `{digest}` has to end as `operational`")]);
    }

    #[test]
    fn a_needed_time_is_told_unless_the_sentence_has_both_its_ends() {
        let (from, until) = ("2026-11-25T08:00:00Z", "2026-11-25T09:00:00Z");
        let needed = TimeNeeded { not_before: from.parse().ok(), not_after: until.parse().ok() };
        let expected = format!("try again between {from} and {until}");
        assert_eq!(lines_with(&format!("wait until {from}"), Need::Time(needed), false), [expected]);
        assert!(lines_with(&format!("come between {from} and {until}"), Need::Time(needed), false).is_empty());
        let before = lines(Need::Time(TimeNeeded { not_before: None, ..needed }));
        assert_eq!(before, [format!("try again before {until}")]);
    }

    #[test]
    fn a_needed_exemption_names_its_codes_and_roles() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let needed = ExemptionNeeded { roles: list(&["lead", "owner"]), codes: list(&["a", "b"]) };
        let expected = "it needs a waiver or an override of `a` and `b` by `lead` or `owner`";
        assert_eq!(lines(Need::Exemption(needed)), [expected]);
    }

    #[test]
    fn a_correction_names_its_place_if_another_is_shown() {
        let needed = CorrectionNeeded {
            pointer: "/there".to_owned(),
            expected: "something else".to_owned(),
            accepted: vec![json!(1)],
            found: Some("2".to_owned()),
        };
        let expected = "at `/there`: expected something else; accepted: `1`; found `2`";
        assert_eq!(lines(Need::Correction(needed.clone())), [expected]);
        let needed = CorrectionNeeded { pointer: "/here".to_owned(), ..needed };
        assert_eq!(lines_with("something else, 1, is expected", Need::Correction(needed), false), ["found `2`"]);
    }

    #[test]
    fn the_owner_is_named_once() {
        let of = |message: &str, role: Option<&str>| {
            let (activity, role) = ("hand-over".to_owned(), role.map(str::to_owned));
            let need = Need::Activity(ActivityNeeded { activity, role, due: None });
            let requirement = Requirement { owner: Some("ops".to_owned()), ..Requirement::new("code", message, need) };
            RequirementWords { said: &[message], place: None, details: false }.lines(&requirement)
        };
        assert_eq!(of("do it", None).last().unwrap(), "`ops` can supply it");
        assert_eq!(of("ask ops", None).len(), 1);
        assert_eq!(of("do it", Some("ops")), ["the activity `hand-over` has to be done by `ops`"]);
    }

    #[test]
    fn what_only_tools_understand_is_named() {
        let document = Document { schema: "acme@1".to_owned(), json: json!({}) };
        assert_eq!(lines(Need::Other(document)), ["see `acme@1` in the JSON output"]);
    }
}
