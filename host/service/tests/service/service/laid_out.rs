//! A rollout that is laid out in fulfill keeps to the plan that was approved.

use std::sync::Arc;

use lockgate_domain::{Phase, Stage};
use lockgate_engine::rollout::RolloutError;
use lockgate_service::{DeploymentService, Recordings, ServiceError};
use serde_json::json;

use super::stand::{Fixed, Stand, open_ledger, person};
use crate::gate_support::guests::asking;

/// The strategy lays out no point of no return, and removal as the way back.
#[test]
fn a_rollout_that_is_laid_out_in_fulfill_keeps_to_the_plan() {
    for (plan, code) in [
        (
            json!({"id": "plan-1", "point_of_no_return": "one", "way_back": {"kind": "removal"}}),
            Some("point-of-no-return-unknown"),
        ),
        (json!({"id": "plan-1", "way_back": {"kind": "forward-only"}}), Some("way-back-differs")),
        (json!({"id": "plan-1", "way_back": {"kind": "removal"}}), None),
    ] {
        let (folder, model) = asking("integrity");
        let ledger = Arc::new(open_ledger(&folder.folder));
        let engine = DeploymentService::new(ledger, Arc::new(Fixed(vec![model].into())), Recordings::Needed);
        let stand = Stand::of(engine, folder.folder);
        stand
            .request(|document| {
                document["scenario"] = json!("first-release");
                document["plan"] = plan.clone();
            })
            .unwrap();
        for (stage, phase) in [
            (Stage::PlanAndApprove, Phase::Entrance),
            (Stage::PlanAndApprove, Phase::Exit),
            (Stage::Fulfill, Phase::Entrance),
        ] {
            assert!(stand.pass("dep-1", stage, phase).unwrap().passed);
        }
        let refused = match stand.engine.next_step(&stand.by(&person("ci", &["pipeline"])), "dep-1".into()) {
            Err(ServiceError::Rollout(RolloutError::Refused(finding))) => Some(finding.code),
            // It is laid out, and the strategy of the test has no more to say.
            Err(ServiceError::Rollout(RolloutError::Strategy(_))) => None,
            other => panic!("{other:?}"),
        };
        assert_eq!(refused.as_deref(), code, "{plan}");
    }
}
