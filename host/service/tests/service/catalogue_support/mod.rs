//! A folder of models with plugins beside them, as a server has one.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use lockgate_domain::{Decision, ModelName};
use lockgate_engine::LoadedModel;
use lockgate_runtime::{Runtime, RuntimeConfig};
use lockgate_service::catalogue::Catalogue;
use lockgate_tests::TOLD_FACTS;
use serde_json::json;
use tempfile::{NamedTempFile, TempDir};

use crate::gate_support::{EXIT, decide, deployment, model_text, plugins};

/// The tests share what they compile.
pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled-plugins");
    Runtime::new(RuntimeConfig { cache: Some(cache), ..RuntimeConfig::default() }).unwrap()
});

/// A model with an id that wants an approval in each of these roles. In a live environment, it demands registers.
pub(crate) fn approved_by(id: &str, version: &str, roles: &[&str]) -> String {
    told_and_approved_by(id, version, roles).replace(TOLD_FACTS, "unguarded = \"allow\"\n")
}

/// As [`approved_by`], and takes the requester's word in a live environment, of which `model check` warns.
pub(crate) fn told_and_approved_by(id: &str, version: &str, roles: &[&str]) -> String {
    let required: Vec<String> = roles.iter().map(|role| format!("{{ role = \"{role}\" }}")).collect();
    let gate = format!(
        r#"
        [[gates]]
        stage = "plan-and-approve"
        phase = "exit"
        [[gates.bindings]]
        id = "people"
        plugin = "four-eyes"
        enforcement = "hard-mandatory"
        settings.required = [{}]
        "#,
        required.join(", ")
    );
    let text = model_text(&["four-eyes"], &gate);
    // The roles are made up: a model declares those of its own organization.
    let text = text.replace("title = \"Shop\"", &format!("title = \"Shop\"\nroles = {roles:?}"));
    text.replace("id = \"shop\"", &format!("id = \"{id}\"")).replace("1.0.0", version)
}

/// The folder.
pub(crate) struct Models {
    pub(crate) folder: TempDir,
}

impl Models {
    /// With the plugin `four-eyes`.
    pub(crate) fn new() -> Self {
        let models = Self { folder: TempDir::new().unwrap() };
        models.add_plugin("four-eyes");
        models
    }

    /// With `shop.toml`, which wants one approval.
    pub(crate) fn with_shop() -> Self {
        let models = Self::new();
        models.write("shop.toml", &approved_by("shop", "1.0.0", &["change-authority"]));
        models
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// In one step, as who writes while others read has to.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let mut file = NamedTempFile::new_in(self.folder.path()).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.persist(self.path(name)).unwrap();
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    pub(crate) fn add_plugin(&self, name: &str) {
        let file = format!("{name}.wasm");
        fs::copy(plugins().join(&file), self.path(&file)).unwrap();
    }

    pub(crate) fn load(&self) -> Catalogue {
        let (catalogue, warnings) = Catalogue::load(
            RUNTIME.clone(),
            vec![self.folder.path().to_owned()],
            lockgate_domain::AttestRules::default(),
        )
        .unwrap_or_else(|error| panic!("{error}"));
        // Some models take the requester's word on purpose.
        let codes: Vec<&str> = warnings.iter().flat_map(|file| file.findings.iter()).map(|found| found.code).collect();
        assert!(codes.iter().all(|code| *code == "told-fact"), "{warnings:?}");
        catalogue
    }
}

/// What a model decides about a plan, apart from how long that took.
pub(crate) fn decided(model: &LoadedModel) -> Decision {
    let mut deployment = deployment();
    deployment["environment"] = json!({"name": "test", "kind": "test", "control": "full"});
    let mut decision = decide(model, EXIT, deployment);
    for receipt in decision.bindings.iter_mut().filter_map(|binding| binding.receipt.as_mut()) {
        receipt.wall_time_us = 0;
    }
    decision
}

/// `id@version`, of each.
pub(crate) fn texts(names: &[ModelName]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// A catalogue of nothing.
pub(crate) fn empty() -> Catalogue {
    Catalogue::load(RUNTIME.clone(), Vec::new(), lockgate_domain::AttestRules::default()).unwrap().0
}
