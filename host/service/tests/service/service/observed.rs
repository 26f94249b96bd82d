//! Observe takes the time that the model says: the check `stability` looks at samples that come in after the deployment.

use lockgate_domain::{CheckOutcome, Decision, NewSamples, Phase, RegisterKind, Stage, Timestamp, Verdict};
use lockgate_tests::TOLD_FACTS;
use serde_json::{Value, json};

use crate::gate_support::load;
use crate::service::registers::{about_shop, at, olga};
use crate::service::stand::{Stand, open};

const MODEL: &str = r#"
    [[gates]]
    stage = "plan-and-approve"
    phase = "exit"
    [[gates.bindings]]
    id = "people"
    plugin = "four-eyes"
    enforcement = "hard-mandatory"
    settings.required = [{ role = "change-authority" }]

    [[gates]]
    stage = "observe"
    phase = "exit"
    [[gates.bindings]]
    id = "stable"
    plugin = "stability"
    enforcement = "hard-mandatory"
    grants.facts = ["kpis", "incidents"]
    settings.stable-for = "4h"
    settings.objectives = [{ kpi = "p99", budget = 0.05 }]
    settings.advice = "back"
"#;

/// A deployment in observe, with a hand-over, an indicator, and no open incident.
fn observed() -> (Stand, Timestamp) {
    let folder = tempfile::tempdir().unwrap();
    let stand =
        Stand::of(open(&folder, vec![load(&["four-eyes", "stability"], &format!("{TOLD_FACTS}{MODEL}"))]), folder);
    let kpi = json!({"id": "p99", "metric": "latency", "unit": "ms", "at_most": 250.0});
    stand.attest(&olga(), RegisterKind::Kpis, &about_shop(kpi)).unwrap();
    let incident = json!({"id": "INC-1", "title": "Slow", "status": "closed", "open": false, "severity": "high"});
    stand.attest(&olga(), RegisterKind::Incidents, &about_shop(incident)).unwrap();
    stand.request(|_| {}).unwrap();
    stand.approved("dep-1");
    for stage in [Stage::Fulfill, Stage::Validate] {
        assert!(stand.pass("dep-1", stage, Phase::Entrance).unwrap().passed);
        if stage == Stage::Fulfill {
            stand.activities("dep-1", stage);
        }
        assert!(stand.pass("dep-1", stage, Phase::Exit).unwrap().passed);
    }
    assert!(stand.pass("dep-1", Stage::Observe, Phase::Entrance).unwrap().passed);
    stand.activities("dep-1", Stage::Observe);
    stand.hand_over("dep-1");
    let fulfilled =
        |passage: &&lockgate_domain::GatePassage| passage.stage == Stage::Fulfill && passage.phase == Phase::Exit;
    let deployed = stand.view("dep-1").passed.iter().find(fulfilled).unwrap().at;
    (stand, deployed)
}

/// A sample for each of these minutes after the deployment.
fn record(stand: &Stand, deployed: Timestamp, minutes: std::ops::RangeInclusive<i64>, value: f64) {
    let after = |minute: i64| Timestamp::from_millis(deployed.as_millis() + minute * 60_000);
    let samples: Vec<Value> = minutes.map(|minute| json!({"at": after(minute), "value": value})).collect();
    let new: NewSamples = serde_json::from_value(json!({ "samples": samples })).unwrap();
    stand.engine.record_samples(&stand.by(&olga()), &at(RegisterKind::Kpis, "p99"), &new).unwrap();
}

fn leave(stand: &Stand) -> Decision {
    stand.pass("dep-1", Stage::Observe, Phase::Exit).unwrap().decision
}

/// What the check said.
fn said(decision: &Decision) -> String {
    let stable = decision.bindings.iter().find(|binding| binding.id == "stable").unwrap();
    json!(stable).to_string()
}

#[test]
fn a_deployment_stays_in_observe_until_it_was_stable_for_as_long_as_the_model_says() {
    let (stand, deployed) = observed();
    // Far more samples than the hundred that a snapshot holds one by one.
    stand.later(130);
    record(&stand, deployed, 1..=129, 200.0);
    record(&stand, deployed, 130..=130, 300.0);
    let pending = leave(&stand);
    assert_eq!(pending.verdict, Verdict::Pending, "{:?}", pending.reasons);
    let end = Timestamp::from_millis(deployed.as_millis() + 4 * 3_600_000);
    assert!(said(&pending).contains(&format!("\"again\":\"{end}\"")), "{}", said(&pending));
    assert!(said(&pending).contains("of 4h; 8 % of the error budget used"), "{}", said(&pending));
    assert!(pending.requirements.iter().any(|required| required.requirement.code == "wait-until-stable"));

    stand.later(112);
    record(&stand, deployed, 131..=241, 200.0);
    let allowed = leave(&stand);
    assert_eq!(allowed.verdict, Verdict::Allow, "{:?}", allowed.reasons);
}

#[test]
fn bad_samples_break_it_and_missing_ones_leave_it_open() {
    let (stand, deployed) = observed();
    stand.later(61);
    record(&stand, deployed, 1..=60, 200.0);
    stand.later(30);
    let gap = leave(&stand);
    assert_eq!((gap.verdict == Verdict::Allow, gap.reasons[0].code.as_str()), (false, "kpi-gap"), "{:?}", gap.reasons);
    assert!(said(&gap).contains(&json!(CheckOutcome::Inconclusive).to_string()), "{}", said(&gap));

    record(&stand, deployed, 61..=90, 300.0);
    let broken = leave(&stand);
    assert_eq!((broken.verdict, broken.reasons[0].code.as_str()), (Verdict::Deny, "error-budget-exceeded"));
    assert!(said(&broken).contains("advised-back"), "{}", said(&broken));
}
