//! The host's clock: what falls due is recorded by itself, once, in order, on any number of servers.

mod kills;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use lockgate_domain::{AttestRules, NewRegisterEntry, Phase, RegisterKind, Stage, Teams, Timestamp, Verdict};
use lockgate_engine::LoadedModel;
use lockgate_ledger::{EntryQuery, KeyFile, LogSource as _, SqliteOptions, SqliteStorage, Storage, SystemClock};
use lockgate_service::authority::Actor;
use lockgate_service::lifecycle::{DeploymentEvent, EventActor, LifecycleMove};
use lockgate_service::{
    DeploymentService, DueFilter, DueKind, DuePageRequest, NewDelegation, NewDeployment, NewOverride, NewReview,
    NewStop, NewWaiver, NextStep, Recordings, RegisterScope, ServiceSettings, StepOutcome, StepReport, WriteContext,
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::gate_support::{deployment, load};
use crate::service::stand::{Fixed, ask_gate, gate, pass, person, rita};

/// The beginning of each test.
const EVENING: &str = "2026-11-24T20:00:00Z";

/// Servers over one ledger, whose clock the test moves.
struct Clockwork {
    folder: TempDir,
    now: Arc<AtomicI64>,
    model: String,
    servers: Vec<DeploymentService>,
}

/// A ledger of a folder, by a clock that the caller moves.
fn open(folder: &TempDir, now: &Arc<AtomicI64>) -> Arc<SqliteStorage> {
    let now = Arc::clone(now);
    let clock = SystemClock::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)));
    let options = SqliteOptions { clock, ..SqliteOptions::default() };
    let key = KeyFile::new(folder.path().join("ledger.key"));
    Arc::new(key.open(&folder.path().join("ledger.db"), "engine.example/ledger", options).unwrap())
}

fn at(moment: &str) -> Timestamp {
    moment.parse().unwrap()
}

/// One that a release manager may override, and a canary with a hold.
const MODEL: &str = r#"
    [overrides]
    review-within = "1d"
    block-after = "2d"
    [strategy]
    plugin = "canary"
    settings.steps = [{ weight = 10, hold = "10m" }]
    [[gates]]
    stage = "plan-and-approve"
    phase = "exit"
    [[gates.bindings]]
    id = "people"
    plugin = "four-eyes"
    enforcement = "soft-mandatory"
    settings.required = [{ role = "change-authority" }]
"#;

impl Clockwork {
    fn new(servers: usize) -> Self {
        let (folder, now) = (tempfile::tempdir().unwrap(), Arc::new(AtomicI64::new(at(EVENING).as_millis())));
        let mut clockwork = Self { folder, now, model: MODEL.to_owned(), servers: Vec::new() };
        (0..servers).for_each(|_| clockwork.start_another());
        clockwork
    }

    fn model(&self) -> LoadedModel {
        load(&["four-eyes", "canary"], &self.model)
    }

    /// Starts one more server, which has nothing in memory.
    fn start_another(&mut self) {
        let storage: Arc<dyn Storage> = open(&self.folder, &self.now);
        let attest = r#"[{"registers": ["changes"], "by": ["change-authority"], "teams": ["checkout"]}]"#;
        let attest = AttestRules::new(serde_json::from_str(attest).unwrap());
        let settings = ServiceSettings { attest, recordings: Recordings::Needed, ..ServiceSettings::default() };
        let models = Arc::new(Fixed(vec![self.model()].into()));
        self.servers.push(DeploymentService::with(storage, models, settings));
    }

    fn engine(&self) -> &DeploymentService {
        &self.servers[0]
    }

    /// A second later each time.
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now.fetch_add(1000, Ordering::SeqCst) + 1000)
    }

    fn set(&self, moment: &str) {
        self.now.store(at(moment).as_millis(), Ordering::SeqCst);
    }

    fn by<'a>(&self, actor: &'a Actor) -> WriteContext<'a> {
        WriteContext { actor, now: self.now(), key: None, if_match: None, credential: None }
    }

    fn request(&self, edit: impl FnOnce(&mut Value)) {
        let mut document = deployment();
        edit(&mut document);
        let new = NewDeployment { team: None, deployment: serde_json::from_value(document).unwrap() };
        self.engine().request(&self.by(&rita()), &new).unwrap();
    }

    fn pass(&self, stage: Stage, phase: Phase) {
        let passed = pass(self.engine(), &self.by(&rita()), "dep-1", gate(stage, phase)).unwrap().value;
        assert!(passed.passed, "{:#?}", passed.decision.reasons);
    }

    /// To the exit of plan-and-approve; the approval expires at a moment, if one is given.
    fn approved(&self, expires: Option<&str>) {
        self.pass(Stage::PlanAndApprove, Phase::Entrance);
        let ben = person("ben", &["change-authority"]);
        let view = self.engine().deployment(&rita(), "dep-1".into(), self.now()).unwrap();
        let answer = json!({
            "role": "change-authority", "answer": "approved", "subject": view.subject.unwrap(), "expires": expires
        });
        let answer = serde_json::from_value(answer).unwrap();
        self.engine().approve(&self.by(&ben), "dep-1".into(), &answer).unwrap();
        self.pass(Stage::PlanAndApprove, Phase::Exit);
    }

    /// What each server writes at this moment, in the order of the servers.
    fn tick(&self) -> Vec<Vec<DueKind>> {
        let write = |server: &DeploymentService| server.write_due(100).unwrap();
        let kinds = |server| write(server).written.iter().map(|item| item.mark.what).collect();
        self.servers.iter().map(kinds).collect()
    }

    /// What fell due of a deployment, as its events say.
    fn fell_due(&self) -> Vec<(DueKind, String, Timestamp)> {
        let events = self.engine().events(&rita(), "dep-1".into(), 0, 1000).unwrap();
        let fell = events.into_iter().filter_map(|record| match record.event {
            DeploymentEvent::FellDue { mark } => {
                assert!(record.at >= mark.due);
                let EventActor { person, credential, .. } = record.by;
                assert_eq!((person.written(), credential.as_str()), ("lockgate", "host"));
                Some((mark.what, mark.about, mark.due))
            }
            _ => None,
        });
        fell.collect()
    }

    /// What is listed for an actor: what, about what, and whether it is overdue.
    fn listed(&self, actor: &Actor, filter: DueFilter) -> Vec<(DueKind, String, bool)> {
        let page = DuePageRequest { after: None, limit: 100 };
        let page = self.engine().due(actor, &filter, page).unwrap();
        page.items.into_iter().map(|item| (item.mark.what, item.mark.about, item.overdue)).collect()
    }
}

/// Has the change attested with a window that ends at a moment.
fn attest_change(clockwork: &Clockwork, end: &str) {
    let ben = person("ben", &["change-authority"]);
    let mut document = deployment();
    window(&mut document, end);
    let entry: NewRegisterEntry = serde_json::from_value(json!({"value": document["change"]})).unwrap();
    let (write, register) = (clockwork.by(&ben), RegisterKind::Changes);
    clockwork.engine().attest_entry(&write, register, "CHG-1", RegisterScope::OwnTeam, &entry).unwrap();
}

fn window(document: &mut Value, end: &str) {
    document["change"]["window"] = json!({"start": "2026-11-24T19:00:00Z", "end": end});
}

#[test]
fn a_change_window_closes_once_for_all_servers_and_in_time() {
    let clockwork = Clockwork::new(3);
    clockwork.request(|document| window(document, "2026-11-24T22:00:00Z"));
    assert_eq!(
        clockwork.listed(&rita(), DueFilter::default()),
        [(DueKind::ChangeWindowClosed, "CHG-1".to_owned(), false)]
    );
    clockwork.set("2026-11-24T21:59:59Z");
    assert_eq!(clockwork.tick().concat(), []);
    let round = clockwork.engine().write_due(100).unwrap();
    assert_eq!(round.next, Some(at("2026-11-24T22:00:00Z")));
    clockwork.set("2026-11-24T22:00:00Z");
    assert_eq!(clockwork.tick(), [vec![DueKind::ChangeWindowClosed], vec![], vec![]]);
    assert_eq!(clockwork.tick().concat(), []);
    let expected = (DueKind::ChangeWindowClosed, "CHG-1".to_owned(), at("2026-11-24T22:00:00Z"));
    assert_eq!(clockwork.fell_due(), [expected]);
    assert_eq!(clockwork.listed(&rita(), DueFilter::default()), []);
}

#[test]
fn a_window_that_was_over_when_the_deployment_was_requested_is_no_news() {
    let clockwork = Clockwork::new(1);
    clockwork.request(|document| window(document, "2026-11-24T19:30:00Z"));
    clockwork.set("2026-11-26T00:00:00Z");
    assert_eq!(clockwork.tick().concat(), []);
}

#[test]
fn a_window_that_the_register_moves_closes_when_the_register_says() {
    let clockwork = Clockwork::new(2);
    clockwork.request(|document| window(document, "2026-11-24T22:00:00Z"));
    assert_eq!(clockwork.tick().concat(), []);
    clockwork.set("2026-11-24T22:30:00Z");
    attest_change(&clockwork, "2026-11-24T23:00:00Z");
    assert_eq!(clockwork.tick().concat(), [], "it was moved before anybody looked");
    clockwork.set("2026-11-24T23:00:00Z");
    assert_eq!(clockwork.tick().concat(), [DueKind::ChangeWindowClosed]);
    // It is opened again, and closes again.
    attest_change(&clockwork, "2026-11-25T02:00:00Z");
    assert_eq!(clockwork.tick().concat(), []);
    clockwork.set("2026-11-25T02:00:00Z");
    assert_eq!(clockwork.tick().concat(), [DueKind::ChangeWindowClosed]);
    assert_eq!(clockwork.fell_due().len(), 2);
}

#[test]
fn the_decision_before_the_moment_of_no_return_is_due_until_it_is_made() {
    let clockwork = Clockwork::new(2);
    clockwork.request(|document| window(document, "2026-11-24T22:00:00Z"));
    clockwork.approved(None);
    clockwork.pass(Stage::Fulfill, Phase::Entrance);
    let back = clockwork.engine().deployment(&rita(), "dep-1".into(), clockwork.now()).unwrap().timing.unwrap();
    let moment = back.moment_of_no_return.unwrap();
    let filter = DueFilter { what: Some(DueKind::DecisionBeforeNoReturn), ..DueFilter::default() };
    let listed = || clockwork.listed(&rita(), filter.clone());
    let about = "replace-stable".to_owned();
    assert_eq!(listed(), [(DueKind::DecisionBeforeNoReturn, about.clone(), false)]);
    clockwork.set(&moment.to_string());
    assert_eq!(clockwork.tick().concat(), [DueKind::DecisionBeforeNoReturn]);
    assert_eq!(listed(), [(DueKind::DecisionBeforeNoReturn, about, true)], "it is overdue");
    assert_eq!(clockwork.tick().concat(), [], "once");
}

#[test]
fn a_hold_ends_by_itself_and_the_next_step_begins() {
    let clockwork = Clockwork::new(2);
    clockwork.request(|_| {});
    clockwork.approved(None);
    clockwork.pass(Stage::Fulfill, Phase::Entrance);
    let next = || clockwork.engine().next_step(&clockwork.by(&rita()), "dep-1".into()).unwrap().value;
    loop {
        match next() {
            NextStep::Perform { step, .. } => {
                let report = StepReport { outcome: StepOutcome::Succeeded, why: None };
                clockwork.engine().report_step(&clockwork.by(&rita()), "dep-1".into(), &step.id, &report).unwrap();
            }
            NextStep::Wait { .. } => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(clockwork.tick().concat(), []);
    clockwork.set("2026-11-24T20:11:00Z");
    assert_eq!(clockwork.tick(), [vec![DueKind::HoldEnded], vec![]]);
    let view = clockwork.engine().deployment(&rita(), "dep-1".into(), clockwork.now()).unwrap();
    let hold = view.progress.unwrap().steps.into_iter().find(|state| state.id == "canary-1-hold").unwrap();
    assert_eq!(hold.status, lockgate_domain::StepStatus::Succeeded);
    assert!(matches!(next(), NextStep::Perform { .. }));
}

#[test]
fn after_a_night_of_downtime_what_was_missed_is_written_in_the_order_in_which_it_was_due() {
    let mut clockwork = Clockwork::new(1);
    clockwork.request(|document| {
        window(document, "2026-11-24T23:00:00Z");
        let suppression = json!({"start": "2026-11-24T20:00:00Z", "end": "2026-11-24T22:00:00Z"});
        document["plan"]["suppression"] = suppression;
    });
    clockwork.approved(Some("2026-11-25T01:00:00Z"));
    clockwork.pass(Stage::Fulfill, Phase::Entrance);
    let ben = person("ben", &["change-authority"]);
    let waiver: NewWaiver = serde_json::from_value(json!({
        "reason": "because", "ticket": "OPS-7", "scope": {"bindings": ["people"], "product": "shop"},
        "expires": "2026-11-25T02:00:00Z"
    }))
    .unwrap();
    clockwork.engine().waive(&clockwork.by(&ben), &waiver).unwrap();
    let delegation: NewDelegation = serde_json::from_value(json!({
        "to": "mia", "role": "change-authority", "expires": "2026-11-24T21:00:00Z", "reason": "holidays"
    }))
    .unwrap();
    clockwork.engine().delegate(&clockwork.by(&ben), &delegation).unwrap();
    let stop: NewStop = serde_json::from_value(json!({"reason": "INC-7", "until": "2026-11-25T03:00:00Z"})).unwrap();
    clockwork.engine().stop(&clockwork.by(&ben), &stop).unwrap();

    // All servers are down, and two others start in the morning.
    clockwork.servers.clear();
    clockwork.set("2026-11-25T08:00:00Z");
    clockwork.start_another();
    clockwork.start_another();
    let written = clockwork.tick();
    let expected = [
        DueKind::DelegationExpired,
        DueKind::SuppressionOver,
        DueKind::DecisionBeforeNoReturn,
        DueKind::ChangeWindowClosed,
        DueKind::ApprovalExpired,
        DueKind::WaiverExpired,
        DueKind::StopExpired,
    ];
    assert_eq!(written, [expected.to_vec(), vec![]]);
    assert_eq!(clockwork.fell_due().iter().map(|(what, ..)| *what).collect::<Vec<_>>(), expected[1..5]);
    // The suppression is still to be lifted, and the rollout still to be decided on, and both say so until somebody does.
    let left = clockwork.listed(&rita(), DueFilter::default());
    let decision = (DueKind::DecisionBeforeNoReturn, "replace-stable".to_owned(), true);
    assert_eq!(left, [(DueKind::SuppressionOver, "plan-1".to_owned(), true), decision]);
    // What ended by itself was not ended early.
    let waivers = clockwork.engine().waivers(&ben).unwrap();
    assert_eq!(waivers[0].ended, None);
    assert_eq!(clockwork.engine().delegations(&ben, clockwork.now()).unwrap()[0].ended, None);
    assert_eq!(clockwork.engine().stops(&ben, clockwork.now()).unwrap()[0].lifted, None);
}

#[test]
fn what_ends_early_does_not_fall_due() {
    let clockwork = Clockwork::new(2);
    let ben = person("ben", &["change-authority"]);
    let stop: NewStop = serde_json::from_value(json!({"reason": "INC-7", "until": "2026-11-24T21:00:00Z"})).unwrap();
    let placed = clockwork.engine().stop(&clockwork.by(&ben), &stop).unwrap().value;
    let delegation: NewDelegation = serde_json::from_value(json!({
        "to": "mia", "role": "change-authority", "expires": "2026-11-24T21:00:00Z", "reason": "holidays"
    }))
    .unwrap();
    let lent = clockwork.engine().delegate(&clockwork.by(&ben), &delegation).unwrap().value;
    assert_eq!(clockwork.tick().concat(), []);
    clockwork.servers[1].lift_stop(&clockwork.by(&ben), &placed.stop.id).unwrap();
    clockwork.servers[1].end_delegation(&clockwork.by(&ben), &lent.delegation.id).unwrap();
    clockwork.set("2026-11-24T22:00:00Z");
    assert_eq!(clockwork.tick().concat(), []);
}

#[test]
fn a_review_that_is_late_warns_and_then_stops_the_product_until_it_is_made() {
    let clockwork = Clockwork::new(2);
    clockwork.request(|_| {});
    clockwork.pass(Stage::PlanAndApprove, Phase::Entrance);
    let mia = person("mia", &["release-manager"]);
    let exit = gate(Stage::PlanAndApprove, Phase::Exit);
    let glass = NewOverride { gate: exit, binding: "people".to_owned(), reason: "the shop is down".to_owned() };
    let taken = clockwork.engine().take_override(&clockwork.by(&mia), "dep-1".into(), &glass).unwrap().value;
    clockwork.pass(Stage::PlanAndApprove, Phase::Exit);
    let abort = LifecycleMove::Abort;
    clockwork.engine().make_move(&clockwork.by(&rita()), "dep-1".into(), abort, "it is not needed").unwrap();
    // Another deployment of the product.
    clockwork.request(|document| document["id"] = json!("dep-2"));
    let entrance = gate(Stage::PlanAndApprove, Phase::Entrance);
    let asked = || {
        let decision = ask_gate(&clockwork.servers[1], &rita(), "dep-2", entrance, clockwork.now()).unwrap();
        let about = decision.reasons.iter().find(|reason| reason.code == "override-review-late");
        (decision.verdict, about.map(|reason| reason.blocking))
    };
    assert_eq!(asked(), (Verdict::Allow, None));
    clockwork.set("2026-11-25T20:30:00Z");
    assert_eq!(clockwork.tick().concat(), [DueKind::OverrideReviewLate]);
    assert_eq!(asked(), (Verdict::Allow, Some(false)), "it warns");
    clockwork.set("2026-11-26T20:30:00Z");
    assert_eq!(clockwork.tick().concat(), [DueKind::OverrideReviewBlocks]);
    assert_eq!(asked(), (Verdict::Deny, Some(true)), "it stops the product");
    let overdue = DueFilter { overdue: Some(true), ..DueFilter::default() };
    assert_eq!(clockwork.listed(&rita(), overdue.clone()).len(), 2);
    let review = json!({"deployment": "dep-1", "finding": "justified", "comment": "it was"});
    let review: NewReview = serde_json::from_value(review).unwrap();
    let gus = person("gus", &["governance"]);
    clockwork.engine().review_override(&clockwork.by(&gus), &taken.taken.id, &review).unwrap();
    assert_eq!(asked(), (Verdict::Allow, None));
    assert_eq!(clockwork.listed(&rita(), overdue), []);
}

#[test]
fn the_data_of_a_removal_is_to_be_disposed_of_when_its_time_is_over() {
    let mut clockwork = Clockwork::new(0);
    clockwork.model = "[overrides]\nreview-within = \"1d\"\n".to_owned();
    clockwork.start_another();
    clockwork.request(|document| {
        document["scenario"] = json!("removal");
        document["actual_instances"] = json!([{"id": "shop-1", "environment": "live", "status": "running"}]);
        document["plan"]["targets"] = json!(["shop-1"]);
        document["plan"]["notice"] = json!("2026-11-24T19:00:00Z");
        document["plan"]["data_retention"] = json!({"keep": "30d", "viewable_by_customer": true, "decided_by": "dan"});
    });
    for stage in Stage::ALL {
        clockwork.pass(stage, Phase::Entrance);
        let shall = lockgate_service::lifecycle::activities_of(stage).filter(|activity| activity.shall);
        let reports = shall.map(|activity| json!({"activity": activity.id, "outcome": "done"}));
        let reports = serde_json::from_value(json!(reports.collect::<Vec<_>>())).unwrap();
        let reports: Vec<lockgate_service::lifecycle::ActivityReport> = reports;
        if !reports.is_empty() {
            clockwork.engine().report_activities(&clockwork.by(&rita()), "dep-1".into(), &reports).unwrap();
        }
        clockwork.pass(stage, Phase::Exit);
    }
    clockwork.set("2026-12-24T19:00:00Z");
    assert_eq!(clockwork.tick().concat(), []);
    assert_eq!(clockwork.listed(&rita(), DueFilter::default()), [(DueKind::RetentionOver, "plan-1".to_owned(), false)]);
    clockwork.set("2026-12-24T21:00:00Z");
    assert_eq!(clockwork.tick().concat(), [DueKind::RetentionOver]);
}

#[test]
fn the_list_has_pages_in_order_and_shows_each_team_its_own() {
    let clockwork = Clockwork::new(1);
    let otto = Actor { teams: Teams::All, ..person("otto", &["change-authority"]) };
    for hour in (10..20).rev() {
        let team = if hour % 2 == 0 { "checkout" } else { "search" };
        let until = format!("2026-11-25T{hour}:00:00Z");
        let stop = json!({"reason": "INC-7", "until": until, "scope": {"team": team, "product": format!("p-{hour}")}});
        clockwork.engine().stop(&clockwork.by(&otto), &serde_json::from_value(stop).unwrap()).unwrap();
    }
    let page = |actor: &Actor, after: Option<String>| {
        let page = DuePageRequest { after: after.map(|after| after.parse().unwrap()), limit: 3 };
        clockwork.engine().due(actor, &DueFilter::default(), page).unwrap()
    };
    let all = |actor: &Actor| {
        let (mut products, mut after) = (Vec::new(), None);
        loop {
            let found = page(actor, after);
            products.extend(found.items.into_iter().map(|item| item.product.unwrap()));
            after = found.next;
            if after.is_none() {
                return products;
            }
        }
    };
    assert_eq!(all(&otto), (10..20).map(|hour| format!("p-{hour}")).collect::<Vec<_>>());
    assert_eq!(all(&rita()), ["p-10", "p-12", "p-14", "p-16", "p-18"]);
    let of = |filter| clockwork.listed(&otto, filter).len();
    assert_eq!(of(DueFilter { team: Some("search".parse().unwrap()), ..DueFilter::default() }), 5);
    assert_eq!(of(DueFilter { product: Some("p-11".to_owned()), ..DueFilter::default() }), 1);
    assert_eq!(of(DueFilter { what: Some(DueKind::HoldEnded), ..DueFilter::default() }), 0);
    assert_eq!(of(DueFilter { before: Some(at("2026-11-25T12:00:00Z")), ..DueFilter::default() }), 2);
    assert!("1-2".parse::<lockgate_service::DueCursor>().is_err());
}

/// The kinds of the entries of the log that say that something has fallen due, in the order of the log, with what they are about.
fn recorded(storage: &SqliteStorage) -> Vec<(String, String)> {
    let entries = storage.entries(&EntryQuery { limit: 100_000, ..EntryQuery::default() }).unwrap();
    let fell = entries.into_iter().filter_map(|stored| match stored.kind.as_str() {
        "fell-due" => {
            let body = stored.read().unwrap().body;
            let about = format!("{}/{}", stored.stream, body["about"].as_str().unwrap());
            Some((body["what"].as_str().unwrap().to_owned(), about))
        }
        kind @ ("waiver-expired" | "delegation-expired" | "stop-expired") => {
            Some((kind.to_owned(), stored.id.unwrap()))
        }
        _ => None,
    });
    fell.collect()
}
