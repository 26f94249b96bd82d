//! Plugins that the tests write themselves, in a folder with a model beside them.

use std::collections::BTreeMap;
use std::path::Path;

use lockgate_domain::Digest;
use lockgate_engine::LoadedModel;
use lockgate_engine::model::{self, ModelFindings, Source};
use lockgate_tests::{Guest, TOLD_FACTS};

/// A folder with plugins, and a model beside them.
pub(crate) struct Folder {
    pub(crate) folder: tempfile::TempDir,
    plugins: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), plugins: String::new() }
    }

    /// Adds a plugin that is not pinned.
    pub(crate) fn plugin(self, name: &str, guest: Guest<'_>) -> Self {
        self.component(name, &guest.component())
    }

    pub(crate) fn component(mut self, name: &str, component: &[u8]) -> Self {
        std::fs::write(self.path().join(format!("{name}.wasm")), component).unwrap();
        self.plugins.push_str(&format!("[plugins.{name}]\ncomponent = \"{name}.wasm\"\n"));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn source(&self, rest: &str) -> Source {
        let head = "id = \"shop\"\nversion = \"1.0.0\"\ntitle = \"Shop\"\n";
        Source::new("model.toml", format!("{head}{GUARDED}{}{rest}", self.plugins))
    }

    /// The same with all plugins pinned.
    pub(crate) fn pinned(&self, source: &Source) -> Source {
        let files = std::fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        let digests: BTreeMap<String, Digest> = files
            .map(|file| {
                (file.file_stem().unwrap().to_str().unwrap().to_owned(), Digest::of(&std::fs::read(&file).unwrap()))
            })
            .collect();
        Source::new("model.toml", model::pin(&source.text, &digests).unwrap())
    }

    pub(crate) fn check(&self, source: &Source) -> ModelFindings {
        self.check_at("2026-11-24T12:00:00Z", source)
    }

    pub(crate) fn check_at(&self, now: &str, source: &Source) -> ModelFindings {
        LoadedModel::check(&lockgate_tests::runtime(), source, self.path(), now.parse().unwrap())
    }
}

/// The host checks the criteria of the value stream.
const GUARDED: &str = "criteria = \"deploy-value-stream\"\n";

pub(crate) const GATE: &str = "[[gates]]\nstage = \"plan-and-approve\"\nphase = \"exit\"\n";

pub(crate) const STRATEGY_IMPORTS: &str =
    r#"(import "lockgate:host/snapshot@0.2.0-rc.2" "[resource-drop]evaluation" (func $give-back (param i32)))"#;

/// A strategy that lays out one step, `one`, which asks for this analysis; what it may do next is nothing.
pub(crate) fn strategy(schema: &str, analysis: &str) -> Vec<u8> {
    let length = analysis.len();
    let fields = format!(
        r#"(data (i32.const 8448) "one") (data (i32.const 8500) "{analysis}")
        (func (export "lockgate:strategy/strategy@0.2.0-rc.2#advance") (param i32) (result i32) unreachable)
        (func (export "lockgate:strategy/strategy@0.2.0-rc.2#plan") (param $evaluation i32) (result i32)
            (call $give-back (local.get $evaluation))
            ;; The step: id, title, analyze({{ checks: [analysis] }}).
            (i32.store (i32.const 4096) (i32.const 8448)) (i32.store (i32.const 4100) (i32.const 3))
            (i32.store (i32.const 4104) (i32.const 8448)) (i32.store (i32.const 4108) (i32.const 3))
            (i32.store8 (i32.const 4112) (i32.const 3))
            (i32.store (i32.const 4120) (i32.const 4200)) (i32.store (i32.const 4124) (i32.const 1))
            (i32.store (i32.const 4200) (i32.const 8500)) (i32.store (i32.const 4204) (i32.const {length}))
            ;; ok(rollout): the steps, no steps back, no point of no return, removal as the way back, the summary.
            (i32.store8 (i32.const 2000) (i32.const 0))
            (i32.store (i32.const 2004) (i32.const 4096)) (i32.store (i32.const 2008) (i32.const 1))
            (i32.store8 (i32.const 2020) (i32.const 0))
            (i32.store8 (i32.const 2032) (i32.const 0))
            (i32.store (i32.const 2072) (i32.const 8448)) (i32.store (i32.const 2076) (i32.const 3))
            (i32.const 2000))"#
    );
    let world = "export lockgate:strategy/strategy@0.2.0-rc.2;";
    Guest { world, schema, imports: STRATEGY_IMPORTS, fields: &fields, ..Guest::default() }.component()
}

/// A check that never answers.
pub(crate) fn check() -> Vec<u8> {
    let fields = r#"(func (export "lockgate:check/check@0.2.0-rc.2#run") (param i32) (result i32) unreachable)"#;
    Guest { world: "export lockgate:check/check@0.2.0-rc.2;", fields, ..Guest::default() }.component()
}

/// A model whose strategy asks for this analysis, and says so nowhere in its settings.
pub(crate) fn asking(analysis: &str) -> (Folder, LoadedModel) {
    let folder = Folder::new().component("strategy", &strategy("true", analysis)).component("check", &check());
    let text = format!("[analyses.integrity]\nplugin = \"check\"\n[strategy]\nplugin = \"strategy\"\n{GATE}");
    let mut source = folder.pinned(&folder.source(&text));
    source.text = source.text.replacen(GUARDED, TOLD_FACTS, 1);
    let loaded = LoadedModel::load(&lockgate_tests::runtime(), &source, folder.path());
    let model = loaded.unwrap_or_else(|findings| panic!("{}", findings.render(&source, false))).model;
    (folder, model)
}
