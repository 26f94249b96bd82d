//! A server on a port and a ledger of its own, with real plugins, some deployments, and people with tokens.

pub(crate) mod served;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use lockgate_domain::{CredentialKind, Digest, PersonId, Principal, Teams, Timestamp};
use lockgate_ledger::Storage;
use lockgate_runtime::{Runtime, RuntimeConfig};
use lockgate_server::api::{ApiState, ServerState, mount};
use lockgate_server::auth::access::GrantingRule;
use lockgate_server::auth::token::{NewToken, issue};
use lockgate_service::authority::Actor;
use lockgate_service::catalogue::{Catalogue, KeptModels};
use lockgate_service::lifecycle::EventActor;
use lockgate_service::{DeploymentService, NewDeployment, Recordings, WriteContext};
use lockgate_tests::TOLD_FACTS;
use serde_json::{Value, json};

/// The team of everything.
pub(crate) const TEAM: &str = "checkout";

/// One plugin at the entrance of plan-and-approve, which lets in what comes from the right origin; at its exit one more,
/// `people`, which has nobody's approval. Nothing guards the other gates.
pub(crate) const MODEL: &str = r#"
    [[gates]]
    stage = "plan-and-approve"
    phase = "entrance"
    [[gates.bindings]]
    id = "components"
    plugin = "component-integrity"
    enforcement = "hard-mandatory"
    settings.allowed-origins = ["git+https://example.org/shop@*"]

    [[gates]]
    stage = "plan-and-approve"
    phase = "exit"
    [[gates.bindings]]
    id = "components"
    plugin = "component-integrity"
    enforcement = "hard-mandatory"
    settings.allowed-origins = ["git+https://example.org/shop@*"]
    [[gates.bindings]]
    id = "people"
    plugin = "four-eyes"
    enforcement = "soft-mandatory"
    settings.required = [{ role = "change-authority" }]
"#;

/// Where `cargo xtask dist` puts the bundled plugins.
fn plugins() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/lockgate/plugins");
    assert!(folder.join("four-eyes.wasm").exists(), "the bundled plugins are not built: run `cargo xtask dist` first");
    folder.canonicalize().unwrap()
}

/// Loads a model with the plugins that it names, pinned. What was compiled before is not compiled again.
pub(crate) fn catalogue(folder: &Path, model: &str) -> Catalogue {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins");
    let runtime = Runtime::new(RuntimeConfig { cache: Some(cache), ..RuntimeConfig::default() }).unwrap();
    let mut text = format!("{}{TOLD_FACTS}", "id = \"shop\"\nversion = \"1.0.0\"\ntitle = \"Shop\"\n");
    for name in ["component-integrity", "release-readiness", "four-eyes", "change-window"] {
        if model.contains(name) {
            // A model names its plugins from its own folder.
            let component = std::fs::read(plugins().join(format!("{name}.wasm"))).unwrap();
            let digest = Digest::of(&component);
            std::fs::write(folder.join(format!("{name}.wasm")), component).unwrap();
            text.push_str(&format!("[plugins.{name}]\ncomponent = \"{name}.wasm\"\ndigest = \"{digest}\"\n"));
        }
    }
    let file = folder.join("model.toml");
    std::fs::write(&file, text + model).unwrap();
    match Catalogue::load(runtime, vec![file], lockgate_domain::AttestRules::default()) {
        Ok((catalogue, _)) => catalogue,
        Err(error) => panic!("{}", error.render(false)),
    }
}

/// The routes, as the server has them.
pub(crate) fn routes(
    state: &ServerState,
    storage: Arc<dyn Storage>,
    catalogue: Arc<Catalogue>,
) -> (Router, DeploymentService) {
    catalogue.keep(&*storage, Timestamp::now()).unwrap();
    let models = KeptModels::new(Arc::clone(&catalogue), Arc::clone(&storage));
    let engine = DeploymentService::new(storage, Arc::new(models), Recordings::Needed);
    let limits = Arc::new(state.config.limits.clone());
    let rules = GrantingRule::all(&state.config.auth).into();
    let api = ApiState::new(engine.clone(), catalogue, limits, state.lifecycle.clone(), rules);
    (mount(&api, &state.authenticator), engine)
}

/// Somebody of the team, with roles.
pub(crate) fn person(id: &str, roles: &[&str]) -> Actor {
    Actor {
        person: Principal {
            id: PersonId::new(id).unwrap(),
            name: String::new(),
            roles: roles.iter().map(|&role| role.into()).collect(),
        },
        teams: Teams::Named(BTreeSet::from([TEAM.parse().unwrap()])),
        scopes: None,
        credential: "token:test".to_owned(),
        kind: CredentialKind::usual_for(roles),
    }
}

/// A token for somebody.
pub(crate) fn token(storage: &dyn Storage, actor: &Actor) -> String {
    let new = NewToken {
        person: actor.person.clone(),
        kind: Some(actor.kind),
        teams: actor.teams.clone(),
        scopes: actor.scopes.clone(),
        expires: None,
        note: None,
        by: EventActor::from(&person("ada", &["administrator"])),
    };
    issue(storage, new, Timestamp::now()).unwrap().secret.expose().to_owned()
}

/// Registers a deployment.
pub(crate) fn register(engine: &DeploymentService, document: Value) {
    let new = NewDeployment { team: None, deployment: serde_json::from_value(document).unwrap() };
    let actor = person("rita", &["developer", "pipeline"]);
    let write = WriteContext { actor: &actor, now: Timestamp::now(), key: None, if_match: None, credential: None };
    engine.request(&write, &new).unwrap();
}

/// A new version of a shop; the origin of its component is what the model lets in.
pub(crate) fn deployment(id: &str) -> Value {
    json!({
        "id": id,
        "scenario": "new-version",
        "requester": {"id": "rita", "roles": ["developer"]},
        "product": {"id": "shop"},
        "release": {
            "id": "shop-2", "name": "Shop 2", "version": "2.0.0", "status": "published",
            "components": [{
                "name": "shop", "kind": "software", "version": "2.0.0", "digest": Digest::of(b"shop 2"),
                "origin": "git+https://example.org/shop@3bd59c6"
            }],
            "knowledge_items": [{"id": "K-1", "title": "How to run it", "status": "published", "author": "rita"}]
        },
        "environment": {"name": format!("live-{id}"), "kind": "live", "control": "full"},
        "change": {
            "id": "CHG-1", "title": "Shop 2", "category": "normal", "approval": "approved", "risk": "low",
            "releases": ["shop-2"]
        },
        "plan": {
            "id": "plan-1", "point_of_no_return": "replace-stable",
            "way_back": {"kind": "last-known-good", "release": "shop-1"}
        }
    })
}
