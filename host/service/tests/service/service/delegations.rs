//! Lent roles: how far they reach, and when they end.

use std::sync::{Arc, Mutex};

use lockgate_domain::{ApprovalAnswer, Duration, PersonId, Teams, Timestamp};
use lockgate_service::authority::Actor;
use lockgate_service::{
    Credentials, DelegationState, DeploymentService, NewApproval, NewDelegation, RuleRefusal, ServiceError,
    ServiceSettings, TokensHeld,
};
use serde_json::json;

use crate::gate_support::load;
use crate::service::stand::{Fixed, MODEL, Stand, ben, id, open_ledger, person};

fn of_teams(actor: Actor, teams: &[&str]) -> Actor {
    Actor { teams: Teams::Named(teams.iter().map(|team| team.parse().unwrap()).collect()), ..actor }
}

fn lent(expires: &str) -> NewDelegation {
    serde_json::from_value(json!({"to": "dora", "role": "change-authority", "expires": expires, "reason": "holidays"}))
        .unwrap()
}

/// What Dora answers in Ben's place, to a deployment of the team `checkout`.
fn approve(stand: &Stand) -> Result<(), ServiceError> {
    let answer = NewApproval { on_behalf_of: Some(id("BEN")), ..stand.answer("dep-1", "change-authority") };
    assert_eq!(answer.answer, ApprovalAnswer::Approved);
    let deputy = of_teams(person("dora", &["operations-manager"]), &["checkout", "billing"]);
    stand.engine.approve(&stand.by(&deputy), "dep-1".into(), &answer).map(drop)
}

fn is_not_held<T>(outcome: &Result<T, ServiceError>) -> bool {
    matches!(outcome, Err(ServiceError::Refused(RuleRefusal::RoleNotHeld { .. })))
}

#[test]
fn a_role_is_lent_for_the_teams_of_the_lender_and_no_others() {
    for (teams, reaches) in [(&["billing"][..], false), (&["checkout"], true), (&["billing", "checkout"], true)] {
        let stand = Stand::new();
        stand.request(|_| {}).unwrap();
        stand.engine.delegate(&stand.by(&of_teams(ben(), teams)), &lent("2026-11-25T00:00:00Z")).unwrap();
        let approved = approve(&stand);
        assert_eq!(approved.is_ok(), reaches, "{teams:?}: {approved:?}");
        assert!(reaches || is_not_held(&approved));
    }
}

#[test]
fn a_role_is_not_lent_for_a_team_that_the_lender_does_not_see() {
    let stand = Stand::new();
    let new = NewDelegation { team: Some("billing".parse().unwrap()), ..lent("2026-11-25T00:00:00Z") };
    let Err(ServiceError::Invalid(mistakes)) = stand.engine.delegate(&stand.by(&ben()), &new) else { panic!() };
    assert_eq!(mistakes[0].pointer, "/team");
    // The one team of several.
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let lender = of_teams(ben(), &["billing", "checkout"]);
    stand.engine.delegate(&stand.by(&lender), &new).unwrap();
    assert!(is_not_held(&approve(&stand)));
}

#[test]
fn a_role_is_lent_for_thirty_days_at_most_unless_the_setting_says_otherwise() {
    let stand = Stand::new();
    assert!(stand.engine.delegate(&stand.by(&ben()), &lent("2026-12-24T20:00:00Z")).is_ok());
    let Err(ServiceError::Invalid(mistakes)) = stand.engine.delegate(&stand.by(&ben()), &lent("2026-12-24T21:00:00Z"))
    else {
        panic!()
    };
    assert_eq!(mistakes[0].pointer, "/expires");
    assert!(mistakes[0].message.starts_with("a role is lent for at most 30d"), "{}", mistakes[0].message);

    let stand = with(Duration::from_millis(3_600_000), Arc::new(Held::default()));
    assert!(stand.engine.delegate(&stand.by(&ben()), &lent("2026-11-24T20:30:00Z")).is_ok());
    assert!(stand.engine.delegate(&stand.by(&ben()), &lent("2026-11-24T22:00:00Z")).is_err());
}

/// What is known of Ben's tokens as change authority.
#[derive(Default)]
struct Held(Mutex<Option<TokensHeld>>);

impl Credentials for Held {
    fn tokens_held(
        &self,
        person: &PersonId,
        role: &str,
        _: &Teams,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<TokensHeld, lockgate_ledger::Error> {
        assert_eq!((person, role), (&id("ben"), "change-authority"));
        Ok(self.0.lock().unwrap().unwrap_or(TokensHeld::None))
    }
}

impl Held {
    fn set(&self, held: TokensHeld) {
        *self.0.lock().unwrap() = Some(held);
    }
}

fn with(longest_delegation: Duration, credentials: Arc<Held>) -> Stand {
    let folder = tempfile::tempdir().unwrap();
    let models = Arc::new(Fixed([load(&["four-eyes", "canary"], MODEL)].into()));
    let settings = ServiceSettings { longest_delegation, credentials, ..ServiceSettings::default() };
    Stand::of(DeploymentService::with(Arc::new(open_ledger(&folder)), models, settings), folder)
}

#[test]
fn a_delegation_ends_with_the_last_token_of_the_lender_in_the_role() {
    let held = Arc::new(Held::default());
    let stand = with(Duration::from_millis(86_400_000), held.clone());
    stand.request(|_| {}).unwrap();
    held.set(TokensHeld::Throughout);
    let granted = stand.engine.delegate(&stand.by(&ben()), &lent("2026-11-25T00:00:00Z")).unwrap().value;
    assert!(granted.delegation.ends_with_tokens);
    let lost: Timestamp = "2026-11-24T20:00:09Z".parse().unwrap();
    held.set(TokensHeld::Until(lost));
    assert!(is_not_held(&approve(&stand)));
    let known: Vec<DelegationState> = stand.engine.delegations(&ben(), stand.now()).unwrap();
    assert_eq!(known[0].ended, Some(lost));
}

#[test]
fn a_delegation_of_somebody_without_tokens_does_not_end_with_them() {
    let held = Arc::new(Held::default());
    let stand = with(Duration::from_millis(86_400_000), held.clone());
    stand.request(|_| {}).unwrap();
    let granted = stand.engine.delegate(&stand.by(&ben()), &lent("2026-11-25T00:00:00Z")).unwrap().value;
    assert!(!granted.delegation.ends_with_tokens);
    approve(&stand).unwrap();
}

#[test]
fn an_administrator_ends_all_delegations_of_somebody() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    for _ in 0..2 {
        stand.engine.delegate(&stand.by(&ben()), &lent("2026-11-25T00:00:00Z")).unwrap();
    }
    let other = person("bob", &["change-authority"]);
    stand.engine.delegate(&stand.by(&other), &lent("2026-11-25T00:00:00Z")).unwrap();
    let refused = stand.engine.end_delegations_of(&stand.by(&ben()), &id("ben"));
    assert!(matches!(refused, Err(ServiceError::Forbidden(_))), "{refused:?}");
    let elsewhere = of_teams(person("adam", &["administrator"]), &["billing"]);
    assert_eq!(stand.engine.end_delegations_of(&stand.by(&elsewhere), &id("ben")).unwrap().value, []);
    let administrator = person("ann", &["administrator"]);
    let ended = stand.engine.end_delegations_of(&stand.by(&administrator), &id("Ben")).unwrap().value;
    assert_eq!(ended.len(), 2);
    assert!(is_not_held(&approve(&stand)));
    let left = stand.engine.delegations(&administrator, stand.now()).unwrap();
    assert_eq!(left.iter().filter(|known| known.ended.is_none()).count(), 1);
    assert_eq!(stand.engine.end_delegations_of(&stand.by(&administrator), &id("ben")).unwrap().value, []);
}

#[test]
fn an_administrator_of_one_team_does_not_end_what_another_team_relies_on() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    let lender = of_teams(ben(), &["billing", "checkout"]);
    let wide = stand.engine.delegate(&stand.by(&lender), &lent("2026-11-25T00:00:00Z")).unwrap().value;
    let narrow = NewDelegation { team: Some("billing".parse().unwrap()), ..lent("2026-11-25T00:00:00Z") };
    let narrow = stand.engine.delegate(&stand.by(&lender), &narrow).unwrap().value;
    let elsewhere = of_teams(person("adam", &["administrator"]), &["billing"]);
    // It is theirs to see, but not which other teams it is for.
    let seen = stand.engine.delegations(&elsewhere, stand.now()).unwrap();
    let teams: Vec<&Teams> = seen.iter().map(|known| &known.delegation.teams).collect();
    assert_eq!(teams, [&elsewhere.teams; 2]);
    let refused = stand.engine.end_delegation(&stand.by(&elsewhere), &wide.delegation.id);
    assert!(matches!(refused, Err(ServiceError::Refused(RuleRefusal::OfMoreTeams { .. }))), "{refused:?}");
    let answered = stand.engine.end_delegations_of(&stand.by(&elsewhere), &id("ben")).unwrap().value;
    let ended = |of: &DelegationState| {
        answered.iter().find(|known| known.delegation.id == of.delegation.id).unwrap().ended.is_some()
    };
    assert!(ended(&narrow) && !ended(&wide), "{answered:?}");
    approve(&stand).unwrap();
    // The lender ends it themselves, and so does who sees all of its teams.
    let all = of_teams(person("ann", &["administrator"]), &["billing", "checkout"]);
    stand.engine.end_delegation(&stand.by(&all), &wide.delegation.id).unwrap();
}

#[test]
fn nobody_lends_to_another_spelling_of_themselves_or_ends_what_another_account_lent() {
    let stand = Stand::new();
    let to_oneself = NewDelegation { to: id(" BEN "), ..lent("2026-11-25T00:00:00Z") };
    let Err(ServiceError::Invalid(mistakes)) = stand.engine.delegate(&stand.by(&ben()), &to_oneself) else { panic!() };
    assert_eq!(mistakes[0].pointer, "/to");
    let granted = stand.engine.delegate(&stand.by(&ben()), &lent("2026-11-25T00:00:00Z")).unwrap().value.delegation;
    let other = person("Ben", &["change-authority"]);
    let refused = stand.engine.end_delegation(&stand.by(&other), &granted.id);
    assert!(matches!(refused, Err(ServiceError::Refused(RuleRefusal::OtherAccount { .. }))), "{refused:?}");
    stand.engine.end_delegation(&stand.by(&ben()), &granted.id).unwrap();
}

#[test]
fn the_lender_takes_back_what_was_said_in_their_place_however_the_borrower_wrote_them() {
    let stand = Stand::new();
    stand.request(|_| {}).unwrap();
    stand.engine.delegate(&stand.by(&ben()), &lent("2026-11-25T00:00:00Z")).unwrap();
    // In the place of `BEN`.
    approve(&stand).unwrap();
    let given = stand.view("dep-1").approvals.remove(0).approval;
    assert_eq!(given.approval.on_behalf_of.as_ref().map(PersonId::written), Some("ben"));
    let id = given.approval.id;
    stand.engine.revoke_approval(&stand.by(&ben()), "dep-1".into(), &id, "not what I think").unwrap();
}

#[test]
fn who_was_lent_a_role_gives_it_back_however_the_lender_wrote_them() {
    let stand = Stand::new();
    let new = NewDelegation { to: id("DORA"), ..lent("2026-11-25T00:00:00Z") };
    let granted = stand.engine.delegate(&stand.by(&ben()), &new).unwrap().value.delegation;
    let dora = person("dora", &["change-authority"]);
    assert_eq!(stand.engine.delegations(&dora, stand.now()).unwrap().len(), 1);
    stand.engine.end_delegation(&stand.by(&dora), &granted.id).unwrap();
}
