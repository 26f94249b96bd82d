//! The people who may act at the gates of deployment models: those who hold a valid token in a role that a gate needs.
//!
//! Nothing is decided by it. It is a report for people who want to know whether a deployment can come through, and
//! whether the right people can let it.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_domain::api::access::{AccessHolder, AccessReview, AccessRow, AccessWarning, AccessWarningCode};
use lockgate_domain::{
    AttestRules, Attester, CredentialKind, GateAction, GateNeed, ModelName, PersonId, RegisterKind, Right, TeamName,
    Teams, Timestamp, rights_of,
};
use lockgate_engine::LoadedModel;
use lockgate_service::authority::Actor;

use super::token::{Token, TokenState, Tokens};
use crate::config::AuthConfig;

/// A rule of the configuration that gives roles to the holder of an identity token or a client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantingRule {
    /// The place of the rule in the configuration: `auth.oidc[0].rules[1]`.
    place: String,
    roles: BTreeSet<String>,
    scopes: Option<BTreeSet<Right>>,
    kind: CredentialKind,
    teams: Teams,
}

impl GrantingRule {
    /// The rules of a configuration, in order.
    pub fn all(config: &AuthConfig) -> Vec<Self> {
        let teams = |all: bool, teams: &BTreeSet<TeamName>| if all { Teams::All } else { Teams::Named(teams.clone()) };
        let kind = |kind: Option<CredentialKind>, roles: &BTreeSet<String>| {
            kind.unwrap_or_else(|| CredentialKind::usual_for(roles))
        };
        let of_issuers = config.oidc.iter().enumerate().flat_map(|(place, issuer)| {
            issuer.rules.iter().enumerate().map(move |(rule_place, rule)| Self {
                place: format!("auth.oidc[{place}].rules[{rule_place}]"),
                roles: rule.roles.clone(),
                scopes: issuer.scopes.clone(),
                kind: kind(rule.kind, &rule.roles),
                teams: teams(rule.all_teams, &rule.teams),
            })
        });
        let of_certificates = config.certificates.iter().enumerate().map(|(place, rule)| Self {
            place: format!("auth.certificates[{place}]"),
            roles: rule.roles.clone(),
            scopes: rule.scopes.clone(),
            kind: kind(rule.kind, &rule.roles),
            teams: teams(rule.all_teams, &rule.teams),
        });
        of_issuers.chain(of_certificates).collect()
    }

    fn credential(&self) -> Credential<'_> {
        let roles = self.roles.iter().cloned().collect();
        Credential { person: None, roles, scopes: self.scopes.as_ref(), kind: self.kind }
    }
}

/// The properties of a credential: of a token, or of those that a rule matches.
struct Credential<'a> {
    /// None: the rule matches many.
    person: Option<&'a PersonId>,
    roles: Vec<String>,
    scopes: Option<&'a BTreeSet<Right>>,
    kind: CredentialKind,
}

impl Credential<'_> {
    /// The roles of the credential that meet the need, which are none if it meets the need by its id. None if it does not meet it.
    fn good_for(&self, need: &GateNeed, attest: &AttestRules) -> Option<BTreeSet<String>> {
        let right = need.action.right();
        let is_in_scope = self.scopes.is_none_or(|scopes| scopes.contains(&right));
        let is_granted = self.roles.iter().any(|role| rights_of(role).contains(&right));
        // Only a person may end a hold or take over, whatever the role of a program.
        let takes_person = matches!(need.action, GateAction::Resume | GateAction::TakeOver);
        let is_of_kind = !takes_person || self.kind == CredentialKind::Person;
        if !is_in_scope || !is_granted || !is_of_kind {
            return None;
        }
        let named: Vec<Attester> = need.roles.iter().filter_map(|name| name.parse().ok()).collect();
        let is_named = named.is_empty() || named.iter().any(|attester| self.is(attester));
        let register = need.about.as_ref().and_then(|name| name.parse::<RegisterKind>().ok());
        let may_attest = match (need.action, register) {
            (GateAction::AttestFact, Some(register)) => {
                attest.attesters_for_any_team(register).iter().any(|attester| self.is(attester))
            }
            _ => true,
        };
        let roles: BTreeSet<String> = self.roles.iter().filter(|role| need.takes(role)).cloned().collect();
        let supplies = matches!(need.action, GateAction::AttachEvidence | GateAction::AttestFact);
        (is_named && may_attest && (supplies || !roles.is_empty())).then_some(roles)
    }

    /// Whether the holder of the credential is one of those who attest.
    fn is(&self, attester: &Attester) -> bool {
        match (attester, self.person) {
            (Attester::Role(role), _) => self.roles.contains(role),
            (_, Some(person)) => attester.is(person, self.kind, &self.roles),
            (_, None) => false,
        }
    }
}

/// The sources of the report at a moment.
#[derive(Clone, Copy, Debug)]
pub struct AccessSources<'a> {
    /// All tokens. Only valid ones count.
    pub tokens: &'a Tokens,
    /// The rules of the configuration. None: the caller has not read it.
    pub rules: Option<&'a [GrantingRule]>,
    /// Who may attest entries of registers.
    pub attest: &'a AttestRules,
    /// Only credentials for deployments of these teams count.
    pub teams: &'a Teams,
    /// The moment of the report.
    pub now: Timestamp,
}

/// The people who may act at the gates of these models.
pub fn review<'m>(models: impl IntoIterator<Item = &'m LoadedModel>, sources: AccessSources<'_>) -> AccessReview {
    let mut review = AccessReview::default();
    for loaded in models {
        let rows: Vec<AccessRow> = loaded.needs().into_iter().map(|need| sources.row(loaded.name(), need)).collect();
        review.warnings.extend(rows.iter().filter_map(|row| warning(row, &rows)));
        review.items.extend(rows);
    }
    review
}

impl AccessSources<'_> {
    fn row(&self, model: ModelName, mut need: GateNeed) -> AccessRow {
        let register = need.about.as_ref().and_then(|name| name.parse::<RegisterKind>().ok());
        if let (GateAction::AttestFact, Some(register), true) = (need.action, register, need.roles.is_empty()) {
            need.roles = self.attest.attesters_for_any_team(register).iter().map(Attester::to_string).collect();
        }
        let valid = self.tokens.iter().filter(|token| token.state(self.now) == TokenState::Valid);
        let mut people: BTreeMap<(&PersonId, &str), AccessHolder> = BTreeMap::new();
        for token in valid.filter(|token| token.teams.meet(self.teams)) {
            if let Some(roles) = credential_of(token).good_for(&need, self.attest) {
                people.insert((&token.person.id, &token.id), holder(token, roles));
            }
        }
        let people = people.into_values().collect();
        let rules = self.rules.map(|rules| {
            let good = rules.iter().filter(|rule| rule.teams.meet(self.teams));
            let good = good.filter(|rule| rule.credential().good_for(&need, self.attest).is_some());
            good.map(|rule| rule.place.clone()).collect()
        });
        AccessRow { model, need, people, rules }
    }
}

fn credential_of(token: &Token) -> Credential<'_> {
    let Token { person, scopes, kind, .. } = token;
    Credential { person: Some(&person.id), roles: person.roles.clone(), scopes: scopes.as_ref(), kind: *kind }
}

fn holder(token: &Token, roles: BTreeSet<String>) -> AccessHolder {
    AccessHolder {
        id: token.person.id.clone(),
        name: token.person.name.clone(),
        roles,
        kind: token.kind,
        teams: token.teams.clone(),
        token: token.id.clone(),
        expires: token.expires,
    }
}

/// The warning for a row, if there is one. `all` are the rows of the model.
fn warning(row: &AccessRow, all: &[AccessRow]) -> Option<AccessWarning> {
    let of_gate = |action| all.iter().find(|other| other.need.gate == row.need.gate && other.need.action == action);
    let somebody_overrides = || of_gate(GateAction::Override).is_some_and(|row| !has_nobody(row));
    let code = match row.need.action {
        GateAction::Pass
        | GateAction::Approve
        | GateAction::Resume
        | GateAction::TakeOver
        | GateAction::AttachEvidence
        | GateAction::AttestFact
            if has_nobody(row) =>
        {
            AccessWarningCode::RoleWithoutPeople
        }
        GateAction::Review if has_nobody(row) && somebody_overrides() => AccessWarningCode::RoleWithoutPeople,
        GateAction::ConfirmOverride if is_one_person(row) => AccessWarningCode::NoSecondPerson,
        GateAction::Approve if has_too_few(row) => AccessWarningCode::TooFewPeople,
        _ => return None,
    };
    let message = warning_message(row, code);
    Some(AccessWarning { code, model: row.model.clone(), need: row.need.clone(), message })
}

fn warning_message(row: &AccessRow, code: AccessWarningCode) -> String {
    let GateNeed { gate, action, roles, needed, .. } = &row.need;
    let roles: Vec<String> = roles.iter().map(|role| format!("`{role}`")).collect();
    let roles = match roles.as_slice() {
        [] => format!("a role that has the right `{}`", action.right()),
        roles => format!("the role {}", roles.join(" or ")),
    };
    match (code, row.people.first()) {
        (AccessWarningCode::NoSecondPerson, Some(only)) => format!(
            "at {gate} only `{}` may override, and a second person has to confirm it: issue another person a token in \
             {roles}",
            only.id
        ),
        (AccessWarningCode::TooFewPeople, _) => {
            let found: Vec<String> = different_people(row).iter().map(|id| format!("`{id}`")).collect();
            format!(
                "at {gate} {needed} different people have to {}, and only {} may: issue other people tokens in {roles}, \
                 with `lockgate token create`",
                action.in_words(),
                found.join(" and ")
            )
        }
        _ => {
            let what = row.need.in_words();
            let others = match row.rules {
                Some(_) => ", and no rule for identity tokens or client certificates gives it",
                None => "",
            };
            format!(
                "at {gate} nobody can {what}: nobody holds a valid token in {roles}{others}; issue one with \
                 `lockgate token create`"
            )
        }
    }
}

/// Whether neither a token nor a rule admits anybody.
fn has_nobody(row: &AccessRow) -> bool {
    row.people.is_empty() && row.rules.as_ref().is_none_or(Vec::is_empty)
}

fn different_people(row: &AccessRow) -> BTreeSet<&PersonId> {
    row.people.iter().map(|holder| &holder.id).collect()
}

/// Whether fewer people hold tokens than are needed, and no rule admits others.
fn has_too_few(row: &AccessRow) -> bool {
    let found = u64::try_from(different_people(row).len()).unwrap_or(u64::MAX);
    found < row.need.needed && row.rules.as_ref().is_none_or(Vec::is_empty)
}

/// Whether all tokens belong to one person, and no rule admits others.
fn is_one_person(row: &AccessRow) -> bool {
    different_people(row).len() == 1 && row.rules.as_ref().is_none_or(Vec::is_empty)
}

/// The teams whose credentials the actor sees: those of the query that are among the actor's own.
pub fn teams_asked(actor: &Actor, team: Option<&TeamName>) -> Teams {
    let asked = team.map_or(Teams::All, |team| Teams::Named(BTreeSet::from([team.clone()])));
    asked.common(&actor.teams)
}
