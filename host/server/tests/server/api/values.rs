//! Over HTTP, what plugins keep in their namespaces is written with decisions alone.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use lockgate_domain::Digest;
use lockgate_runtime::{Runtime, RuntimeConfig};
use lockgate_server::api::{ApiState, mount};
use lockgate_server::auth::Authenticator;
use lockgate_service::LedgerNamespaces;
use lockgate_service::catalogue::{Catalogue, KeptModels};
use lockgate_service::{DeploymentService, Recordings};
use lockgate_tests::{TOLD_FACTS, counting};
use serde_json::json;

use crate::api::stand::{MODEL, Stand};

/// Beside the people, who have not approved yet, a policy that counts how often it was asked.
const COUNTING: &str = r#"
    [[gates.bindings]]
    id = "counter"
    plugin = "counter"
    enforcement = "advisory"
    grants.key-value = { namespace = "counter", access = "read-write" }
"#;

/// The routes over an engine with the model of the tests and the counter.
fn with_counter(api: &ApiState, authenticator: &Arc<Authenticator>) -> Router {
    let home = tempfile::tempdir().unwrap();
    let mut text = format!("{}{TOLD_FACTS}", "id = \"shop\"\nversion = \"2.0.0\"\ntitle = \"Shop\"\n");
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lockgate/plugins");
    let four_eyes = std::fs::read(plugins.join("four-eyes.wasm")).expect("run `cargo xtask dist` first");
    for (name, component) in [("four-eyes", four_eyes), ("counter", counting("count"))] {
        let digest = Digest::of(&component);
        std::fs::write(home.path().join(format!("{name}.wasm")), component).unwrap();
        text.push_str(&format!("[plugins.{name}]\ncomponent = \"{name}.wasm\"\ndigest = \"{digest}\"\n"));
    }
    let file = home.path().join("model.toml");
    std::fs::write(&file, text + MODEL + COUNTING).unwrap();
    let storage = Arc::clone(api.service.storage());
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins");
    let config = RuntimeConfig { cache: Some(cache), ..RuntimeConfig::default() };
    let runtime = Runtime::with_namespaces(config, Arc::new(LedgerNamespaces::new(Arc::clone(&storage)))).unwrap();
    let catalogue = match Catalogue::load(runtime, vec![file], lockgate_domain::AttestRules::default()) {
        Ok((catalogue, _)) => Arc::new(catalogue),
        Err(error) => panic!("{}", error.render(false)),
    };
    let models = KeptModels::new(Arc::clone(&catalogue), Arc::clone(&storage));
    let engine = DeploymentService::new(storage, Arc::new(models), Recordings::Needed);
    let rules = Arc::clone(&api.rules);
    mount(&ApiState::new(engine, catalogue, Arc::clone(&api.limits), api.lifecycle.clone(), rules), authenticator)
}

#[tokio::test]
async fn who_waits_for_a_gate_has_it_evaluated_again_and_again_and_counted_once() {
    let stand = Stand::with_routes(|_| {}, |_, api, authenticator| with_counter(api, authenticator)).await;
    let storage = stand.storage();
    let counted = || storage.value("plugin/counter", "count").unwrap();
    stand.request("d-1").await;
    assert_eq!(stand.pass("d-1", "plan-and-approve/entrance").await.status, 200);
    let before = storage.head().unwrap().size;
    let waiting = stand.pass("d-1", "plan-and-approve/exit?wait=20s");
    let (stand, storage, counted) = (&stand, &storage, &counted);
    let approving = async move {
        // Each piece of evidence has the gate evaluated once more.
        for round in 0..3_u64 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!((storage.head().unwrap().size, counted()), (before + round, None));
            let line = format!("PUT /api/v1/deployments/d-1/evidence/note-{round}");
            let answer = stand.send("rita", &line, &["content-type: text/plain"], "noted").await;
            assert!([200, 201].contains(&answer.status), "{}", answer.body);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!((storage.head().unwrap().size, counted()), (before + 3, None));
        stand.approve("ben", "d-1").await
    };
    let (waited, approved) = tokio::join!(waiting, approving);
    assert_eq!(approved.status, 201, "{}", approved.body);
    assert_eq!((waited.status, &waited.json()["passed"]), (200, &json!(true)), "{}", waited.body);
    assert_eq!(counted(), Some(vec![1]));
    let asked = stand.pass("d-1", "plan-and-approve/exit?ask=true").await;
    assert_eq!((asked.status, counted()), (200, Some(vec![2])));
}
