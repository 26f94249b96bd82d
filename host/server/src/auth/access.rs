//! Who may do what at the gates of deployment models: the people who hold a valid token in a role that a gate needs.
//!
//! Nothing is decided by it. It is what somebody looks at who wants to know whether a deployment can come through, and
//! whether the right people can let it.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_domain::{PersonId, Right, TeamName, Timestamp, rights_of};
use lockgate_engine::{GateAction, GateNeed, LoadedModel};
use lockgate_service::authority::{Actor, CredentialKind, Teams};
use lockgate_service::catalogue::ModelName;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::AuthConfig;
use super::token::{Token, TokenState, Tokens};

/// Who may do what at the gates of models.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessReview {
    /// What somebody has to do, or may have to, at each gate that a model guards; by model and gate in order.
    pub items: Vec<AccessRow>,
    /// What keeps deployments from coming through, because there is nobody to do it.
    pub warnings: Vec<AccessWarning>,
}

/// Something that somebody does at a gate, and who may.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessRow {
    /// The model.
    pub model: ModelName,
    /// What they do, and in which roles.
    #[serde(flatten)]
    pub need: GateNeed,
    /// The people who hold a valid token for it, by id in order.
    pub people: Vec<AccessHolder>,
    /// The rules for identity tokens and client certificates that give such a role, in the order of the configuration. Who
    /// comes by them is not known before they do. Absent: nobody has looked at the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Vec<String>>,
}

/// Somebody who holds a valid token in a role that is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessHolder {
    /// The person, by id.
    pub id: PersonId,
    /// Their name, which may be empty.
    pub name: String,
    /// The roles that are needed and that they hold.
    pub roles: BTreeSet<String>,
    /// Who or what uses the token.
    pub kind: CredentialKind,
    /// Whose deployments it is good for.
    pub teams: Teams,
    /// The token, by id.
    pub token: String,
    /// From when on it is no longer taken; absent: it never ends by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Timestamp>,
}

/// That there is nobody, or too few, to do something without which deployments do not come through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessWarning {
    /// What it is.
    pub code: AccessWarningCode,
    /// The model.
    pub model: ModelName,
    /// What nobody can do.
    #[serde(flatten)]
    pub need: GateNeed,
    /// The same in words, with the way out.
    pub message: String,
}

/// What an [`AccessWarning`] warns of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AccessWarningCode {
    /// Nobody holds a role that a gate needs.
    RoleWithoutPeople,
    /// Somebody may override, and there is no second person to confirm it.
    NoSecondPerson,
    /// A gate needs more different people than there are.
    TooFewPeople,
}

/// A rule of the configuration that gives roles to whoever comes with an identity token or a client certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantingRule {
    /// Where it stands: `auth.oidc[0].rules[1]`.
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
        Credential { roles: self.roles.iter().collect(), scopes: self.scopes.as_ref(), kind: self.kind }
    }
}

/// What is asked about a credential: of a token, or of those that a rule gives.
struct Credential<'a> {
    roles: Vec<&'a String>,
    scopes: Option<&'a BTreeSet<Right>>,
    kind: CredentialKind,
}

impl Credential<'_> {
    /// The roles by which it is good for what is needed.
    fn good_for(&self, need: &GateNeed) -> BTreeSet<String> {
        let right = need.action.right();
        let is_in_scope = self.scopes.is_none_or(|scopes| scopes.contains(&right));
        let is_granted = self.roles.iter().any(|role| rights_of(role).contains(&right));
        // A hold is ended by a person alone, whatever the role of a program.
        let is_of_kind = need.action != GateAction::Resume || self.kind == CredentialKind::Person;
        match is_in_scope && is_granted && is_of_kind {
            true => self.roles.iter().filter(|role| need.takes(role)).map(|role| (*role).clone()).collect(),
            false => BTreeSet::new(),
        }
    }
}

/// What there is to know of credentials at a moment.
#[derive(Clone, Copy, Debug)]
pub struct AccessSources<'a> {
    /// All tokens; those that are valid count.
    pub tokens: &'a Tokens,
    /// The rules of the configuration; none: nobody has looked at it.
    pub rules: Option<&'a [GrantingRule]>,
    /// Only credentials for deployments of these teams count.
    pub teams: &'a Teams,
    /// The moment.
    pub now: Timestamp,
}

impl AccessReview {
    /// Who may do what at the gates of these models.
    pub fn of<'m>(models: impl IntoIterator<Item = &'m LoadedModel>, sources: AccessSources<'_>) -> Self {
        let mut review = Self::default();
        for loaded in models {
            let model = loaded.model();
            let name = ModelName { id: model.id.clone(), version: model.version.clone(), digest: loaded.digest() };
            let rows: Vec<AccessRow> = loaded.needs().into_iter().map(|need| sources.row(name.clone(), need)).collect();
            review.warnings.extend(rows.iter().filter_map(|row| row.warning(&rows)));
            review.items.extend(rows);
        }
        review
    }
}

impl AccessSources<'_> {
    fn row(&self, model: ModelName, need: GateNeed) -> AccessRow {
        let valid = self.tokens.iter().filter(|token| token.state(self.now) == TokenState::Valid);
        let mut people: BTreeMap<(&PersonId, &str), AccessHolder> = BTreeMap::new();
        for token in valid.filter(|token| token.teams.meet(self.teams)) {
            let roles = credential_of(token).good_for(&need);
            if !roles.is_empty() {
                people.insert((&token.person.id, &token.id), AccessHolder::of(token, roles));
            }
        }
        let people = people.into_values().collect();
        let rules = self.rules.map(|rules| {
            let good = rules.iter().filter(|rule| rule.teams.meet(self.teams));
            good.filter(|rule| !rule.credential().good_for(&need).is_empty()).map(|rule| rule.place.clone()).collect()
        });
        AccessRow { model, need, people, rules }
    }
}

fn credential_of(token: &Token) -> Credential<'_> {
    Credential { roles: token.person.roles.iter().collect(), scopes: token.scopes.as_ref(), kind: token.kind }
}

impl AccessHolder {
    fn of(token: &Token, roles: BTreeSet<String>) -> Self {
        Self {
            id: token.person.id.clone(),
            name: token.person.name.clone(),
            roles,
            kind: token.kind,
            teams: token.teams.clone(),
            token: token.id.clone(),
            expires: token.expires,
        }
    }
}

impl AccessRow {
    /// Whether nobody at all is there, be it by a token or by a rule.
    fn has_nobody(&self) -> bool {
        self.people.is_empty() && self.rules.as_ref().is_none_or(Vec::is_empty)
    }

    /// What there is to warn of; `all` are the rows of the model.
    fn warning(&self, all: &[Self]) -> Option<AccessWarning> {
        let of_gate = |action| all.iter().find(|row| row.need.gate == self.need.gate && row.need.action == action);
        let somebody_overrides = || of_gate(GateAction::Override).is_some_and(|row| !row.has_nobody());
        let code = match self.need.action {
            GateAction::Pass | GateAction::Approve | GateAction::Resume if self.has_nobody() => {
                AccessWarningCode::RoleWithoutPeople
            }
            GateAction::Review if self.has_nobody() && somebody_overrides() => AccessWarningCode::RoleWithoutPeople,
            GateAction::ConfirmOverride if self.is_one_person() => AccessWarningCode::NoSecondPerson,
            GateAction::Approve if self.has_too_few() => AccessWarningCode::TooFewPeople,
            _ => return None,
        };
        let GateNeed { gate, action, roles, needed } = &self.need;
        let roles: Vec<String> = roles.iter().map(|role| format!("`{role}`")).collect();
        let roles = match roles.as_slice() {
            [] => format!("a role that has the right `{}`", action.right()),
            roles => format!("the role {}", roles.join(" or ")),
        };
        let message = match (code, self.people.first()) {
            (AccessWarningCode::NoSecondPerson, Some(only)) => format!(
                "at {gate} only `{}` may override, and a second person has to confirm it: issue another person a token in \
                 {roles}",
                only.id
            ),
            (AccessWarningCode::TooFewPeople, _) => {
                let found: Vec<String> = self.different_people().iter().map(|id| format!("`{id}`")).collect();
                format!(
                    "at {gate} {needed} different people have to {}, and only {} may: issue other people tokens in {roles}, \
                     with `lockgate token create`",
                    action.in_words(),
                    found.join(" and ")
                )
            }
            _ => {
                let what = action.in_words();
                let others = match self.rules {
                    Some(_) => ", and no rule for identity tokens or client certificates gives it",
                    None => "",
                };
                format!(
                    "at {gate} nobody can {what}: nobody holds a valid token in {roles}{others}; issue one with \
                     `lockgate token create`"
                )
            }
        };
        Some(AccessWarning { code, model: self.model.clone(), need: self.need.clone(), message })
    }

    fn different_people(&self) -> BTreeSet<&PersonId> {
        self.people.iter().map(|holder| &holder.id).collect()
    }

    /// Whether fewer people hold tokens than are needed, and no rule lets in others.
    fn has_too_few(&self) -> bool {
        let found = u64::try_from(self.different_people().len()).unwrap_or(u64::MAX);
        found < self.need.needed && self.rules.as_ref().is_none_or(Vec::is_empty)
    }

    /// Whether all tokens are of one person, and no rule lets in others.
    fn is_one_person(&self) -> bool {
        self.different_people().len() == 1 && self.rules.as_ref().is_none_or(Vec::is_empty)
    }
}

/// The teams whose credentials somebody sees who asks: those of the query, as far as they are among their own.
pub fn teams_asked(actor: &Actor, team: Option<&TeamName>) -> Teams {
    let asked = team.map_or(Teams::All, |team| Teams::Named(BTreeSet::from([team.clone()])));
    asked.common(&actor.teams)
}
