//! Loads a plugin: from the bytes of a component to a [`Plugin`] that can be called.

use std::fmt;
use std::sync::Arc;

use lockgate_domain::{Capability, Description, Digest, DigestError, Failure, Kind, PluginReadiness, SettingsFinding};
use wasmtime::Store;
use wasmtime::component::{Component, Instance, InstancePre, Linker};

use crate::admission::{self, AdmissionError, AdmittedComponent, ComponentOutline, Judgement};
use crate::bindings::v0::{self, AnswerIntake, ContractBreach};
use crate::cache::PluginProfile;
use crate::capability::{GrantError, GrantedCapabilities, Grants};
use crate::config::Limits;
use crate::display::Bytes;
use crate::freeze::{Freezer, StartUp};
use crate::plugin::{ExportedFunctions, LoadedPlugin, Plugin};
use crate::runtime::{Runtime, RuntimeCore};
use crate::sandbox::{self, RunError, Sandbox, SandboxSlots};
use crate::settings::{self, NormalSettings, SettingsError, WrittenSettings};
use crate::wasi;

/// A component to load, with its settings, grants and limits.
#[derive(Clone, Debug)]
pub struct LoadRequest {
    /// The bytes of the component.
    pub component: Arc<[u8]>,
    /// The settings that `configure` gets, as canonical JSON. Ids of people that their schema marks are normalised before.
    pub settings: serde_json::Value,
    /// What the operator allows the plugin to use.
    pub grants: Grants,
    /// The limits of each call.
    pub limits: Limits,
}

/// Why a plugin cannot be loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The component may not be loaded, whatever its settings.
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    /// The settings are refused, by the host because of invalid ids of people, or by the plugin. All findings at once.
    #[error("the settings are refused:{}", SettingsFindingList(.0))]
    Settings(Vec<SettingsFinding>),
    /// The settings are larger than
    /// [`RuntimeConfig::max_settings_size`](crate::RuntimeConfig::max_settings_size).
    #[error("the settings are too large: {} of {} allowed", Bytes(*.size), Bytes(*.limit))]
    SettingsTooLarge {
        /// The size of the settings, in bytes of canonical JSON.
        size: u64,
        /// The largest size, in bytes.
        limit: u64,
    },
    /// The settings have no canonical JSON (RFC 8785).
    #[error("the settings have no canonical JSON: {0}")]
    NotCanonical(#[from] DigestError),
    /// [`Limits::memory`] exceeds [`RuntimeConfig::max_memory`](crate::RuntimeConfig::max_memory).
    #[error("a memory limit of {} exceeds the maximum of this runtime, {}", Bytes(*.asked), Bytes(*.limit))]
    Memory {
        /// The limit that was asked for, in bytes.
        asked: u64,
        /// The largest possible limit, in bytes.
        limit: u64,
    },
    /// A grant is invalid.
    #[error("invalid grant: {0}")]
    Grant(#[from] GrantError),
    /// The plugin needs capabilities, always or with these settings, that are not granted.
    #[error("it needs what is not granted:{}", CapabilityList(.0))]
    NeedsGrants(Vec<Capability>),
    /// `configure` failed, instead of accepting or refusing the settings.
    #[error("`configure` failed: {0}")]
    Configure(Failure),
    /// Instantiating the plugin exceeds the limits of its calls.
    #[error("it does not start within its limits: {0}")]
    Start(Failure),
}

impl From<SettingsError> for LoadError {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Findings(findings) => Self::Settings(findings),
            SettingsError::TooLarge { size, limit } => Self::SettingsTooLarge { size, limit },
            SettingsError::NotCanonical(error) => Self::NotCanonical(error),
            SettingsError::Schema(error) => Self::Admission(error.into()),
        }
    }
}

struct CapabilityList<'a>(&'a [Capability]);

impl fmt::Display for CapabilityList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|asked| {
            write!(f, "\n- `{}`", asked.name)?;
            asked.scope.iter().try_for_each(|part| write!(f, " `{part}`"))?;
            write!(f, ": {}", asked.reason)
        })
    }
}

struct SettingsFindingList<'a>(&'a [SettingsFinding]);

impl fmt::Display for SettingsFindingList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|finding| match finding.pointer.as_str() {
            "" => write!(f, "\n- {}", finding.message),
            pointer => write!(f, "\n- `{pointer}`: {}", finding.message),
        })
    }
}

/// A component that was linked and described itself.
struct ExaminedComponent {
    ready: InstancePre<Sandbox>,
    entries: ExportedFunctions,
    description: Description,
}

/// A compiled component with its settings, ready to be linked.
struct PreparedPlugin {
    findings: PluginProfile,
    code: Component,
    settings: NormalSettings,
    /// The component that was compiled, if it was frozen just now.
    frozen: Option<Vec<u8>>,
}

impl Runtime {
    /// Checks whether a component may be loaded: its size and form, its imports against the grants, the kinds and the
    /// contract version of its exports, their types, and that its description agrees with them.
    ///
    /// # Errors
    /// All refusals of its imports and exports at once, or else the first other reason.
    pub fn admit(&self, component: &[u8], grants: &Grants) -> Result<AdmittedComponent, AdmissionError> {
        let core = self.core();
        let (outline, judgement) = core.judge(component, grants)?;
        #[expect(clippy::expect_used, reason = "a component that exports no version of the contract was refused")]
        let contract = judgement.contract.expect("the version of a contract");
        let examined = core.examine(&core.compile_once(component)?, grants, &judgement.kinds)?;
        Ok(AdmittedComponent {
            description: examined.description,
            kinds: judgement.kinds,
            contract,
            digest: outline.digest,
            size: outline.size,
        })
    }

    /// Loads a plugin: admits it, configures it, freezes it if possible, and compiles it; or takes the result from the
    /// cache.
    ///
    /// # Errors
    /// If it may not be loaded, refuses its settings, or does not start within its limits.
    pub fn load(&self, request: LoadRequest) -> Result<Plugin, LoadError> {
        let LoadRequest { component: bytes, settings: written, grants, limits } = request;
        let core = self.core();
        if limits.memory > core.config.max_memory {
            return Err(LoadError::Memory { asked: limits.memory, limit: core.config.max_memory });
        }
        let written = WrittenSettings::new(written, core.config.max_settings_size)?;
        let granted = GrantedCapabilities::open(&grants, &core.services)?;
        let component = Digest::of(&bytes);
        let prepared = match core.kept(component, &written) {
            Some(kept) => kept,
            None => {
                let prepared = core.prepare(&bytes, &written, &grants)?;
                if let Some(cache) = &core.cache {
                    cache.keep(component, written.digest(), &prepared.findings, &prepared.code);
                }
                prepared
            }
        };
        let PreparedPlugin { findings, code, settings, .. } = prepared;
        // The cached findings may have been judged under other grants.
        let judgement = accepted(admission::judge(&findings.imports, &findings.exports, &grants))?;
        let needed = |asked: &&Capability| !asked.optional && grants.covers(asked) != Some(true);
        // What is granted of the scope is not missing.
        let missing_part = |asked: &Capability| {
            let mut missing = asked.clone();
            missing.scope.retain(|part| {
                let part = Capability { scope: vec![part.clone()], ..asked.clone() };
                grants.covers(&part) != Some(true)
            });
            missing
        };
        let missing: Vec<Capability> = match grants.recorded {
            true => Vec::new(),
            false => {
                let (always, with_settings) = (&findings.description.capabilities, &findings.readiness.capabilities);
                always.iter().chain(with_settings).filter(needed).map(missing_part).collect()
            }
        };
        if !missing.is_empty() {
            return Err(LoadError::NeedsGrants(missing));
        }
        let (ready, entries) = core.link(&code, &grants, &granted, &judgement.kinds)?;
        core.run(None, &limits, &ready, |store, instance| Ok(entries.check_types(store, instance)))
            .outcome
            .map_err(LoadError::Start)?
            .map_err(types)?;
        Ok(Plugin::new(LoadedPlugin {
            runtime: self.clone(),
            description: findings.description,
            readiness: findings.readiness,
            kinds: judgement.kinds,
            component,
            settings,
            start_up: findings.start_up,
            methods: findings.methods,
            granted,
            share: SandboxSlots::new(core.config.share()),
            limits,
            ready,
            entries,
        }))
    }
}

impl Runtime {
    /// Configures and freezes a plugin without loading it, and returns the component that [`Runtime::load`] would compile;
    /// none if the plugin cannot be frozen.
    ///
    /// # Errors
    /// If it may not be loaded, or refuses its settings.
    pub fn freeze(&self, request: &LoadRequest) -> Result<Option<Vec<u8>>, LoadError> {
        let core = self.core();
        let written = WrittenSettings::new(request.settings.clone(), core.config.max_settings_size)?;
        Ok(core.prepare(&request.component, &written, &request.grants)?.frozen)
    }
}

impl RuntimeCore {
    /// Reads the bytes of a component, and decides by its names whether it may be loaded.
    fn judge(&self, component: &[u8], grants: &Grants) -> Result<(ComponentOutline, Judgement), AdmissionError> {
        let outline = ComponentOutline::read(component, &self.config, &self.engine)?;
        let judgement = accepted(outline.judge(grants))?;
        Ok((outline, judgement))
    }

    pub(crate) fn compile(&self, component: &[u8]) -> Result<Component, AdmissionError> {
        self.compiler.compile(&self.engine, component)
    }

    /// As [`RuntimeCore::compile`], for a component that does not depend on settings. Its code is cached, so that it is compiled
    /// once for any number of settings.
    pub(crate) fn compile_once(&self, component: &[u8]) -> Result<Component, AdmissionError> {
        let Some(cache) = &self.cache else { return self.compile(component) };
        let digest = Digest::of(component);
        if let Some(code) = cache.find_code(&self.engine, digest) {
            return Ok(code);
        }
        let code = self.compile(component)?;
        cache.keep_code(digest, &code);
        Ok(code)
    }

    /// What the cache has of a component with these settings; none if this version normalises them differently.
    fn kept(&self, component: Digest, written: &WrittenSettings) -> Option<PreparedPlugin> {
        let (findings, code) = self.cache.as_ref()?.find(&self.engine, component, written.digest())?;
        let settings = self.normalise(written, &findings.description).ok()?;
        (settings.digest() == findings.settings).then_some(PreparedPlugin { findings, code, settings, frozen: None })
    }

    /// The settings in the normal form for a plugin with this description.
    fn normalise(&self, written: &WrittenSettings, description: &Description) -> Result<NormalSettings, SettingsError> {
        written.normalise(&description.settings_schema, self.config.max_settings_size)
    }

    /// Links a component with the host functions that it was granted, and finds its exported functions.
    fn link(
        &self,
        component: &Component,
        grants: &Grants,
        granted: &GrantedCapabilities,
        kinds: &[Kind],
    ) -> Result<(InstancePre<Sandbox>, ExportedFunctions), AdmissionError> {
        let mut linker = Linker::new(&self.engine);
        v0::link_snapshot(&mut linker).map_err(types)?;
        grants.link(granted, &mut linker).map_err(types)?;
        wasi::link(&mut linker, component, grants.log).map_err(types)?;
        let ready = linker.instantiate_pre(component).map_err(types)?;
        let entries = ExportedFunctions::find(&ready, kinds).map_err(types)?;
        Ok((ready, entries))
    }

    /// Instantiates a component to check the types of its exports, and calls `describe`.
    fn examine(
        &self,
        component: &Component,
        grants: &Grants,
        kinds: &[Kind],
    ) -> Result<ExaminedComponent, AdmissionError> {
        // Nothing is asked yet, so nothing has to be opened.
        let (ready, entries) = self.link(component, grants, &GrantedCapabilities::default(), kinds)?;
        let described = self.run(None, &self.config.setup, &ready, |store, instance| {
            match entries.check_types(&mut *store, instance) {
                Ok(()) => describe(&entries, store, instance).map(Ok),
                Err(error) => Ok(Err(error)),
            }
        });
        let description = described.outcome.map_err(AdmissionError::Describe)?.map_err(types)?;
        settings::check_schema(&description.settings_schema)?;
        Ok(ExaminedComponent { ready, entries, description })
    }

    /// Admits, configures, freezes and compiles.
    fn prepare(&self, bytes: &[u8], written: &WrittenSettings, grants: &Grants) -> Result<PreparedPlugin, LoadError> {
        let (outline, judgement) = self.judge(bytes, grants)?;
        let findings = |description, readiness, settings: &NormalSettings, start_up| PluginProfile {
            description,
            readiness,
            imports: outline.imports.clone(),
            exports: outline.exports.clone(),
            methods: outline.methods.clone(),
            settings: settings.digest(),
            start_up,
        };
        let reason = match self.instrument(bytes)? {
            Ok((freezer, instrumented)) => {
                let examined = self.examine(&instrumented, grants, &judgement.kinds)?;
                let settings = self.normalise(written, &examined.description)?;
                let (readiness, frozen) = self.configure(&examined, &settings, |store, instance| {
                    store.data().wasi.check_freezable()?;
                    freezer.freeze(store, *instance)
                })?;
                match frozen {
                    Ok(frozen) => match can_be_compiled(self.compile(&frozen))? {
                        Ok(code) => {
                            let findings = findings(examined.description, readiness, &settings, StartUp::Frozen);
                            return Ok(PreparedPlugin { findings, code, settings, frozen: Some(frozen) });
                        }
                        Err(reason) => reason,
                    },
                    Err(reason) => reason,
                }
            }
            Err(reason) => reason,
        };
        let code = self.compile_once(bytes)?;
        let examined = self.examine(&code, grants, &judgement.kinds)?;
        let settings = self.normalise(written, &examined.description)?;
        let (readiness, ()) = self.configure(&examined, &settings, |_, _| ())?;
        let findings = findings(examined.description, readiness, &settings, StartUp::ConfiguredPerCall { reason });
        Ok(PreparedPlugin { findings, code, settings, frozen: None })
    }

    /// The instrumented component, compiled; or the reason why it cannot be frozen.
    fn instrument<'a>(&self, bytes: &'a [u8]) -> Result<Result<(Freezer<'a>, Component), String>, AdmissionError> {
        if !self.config.freeze {
            return Ok(Err("this runtime is set to configure plugins in each call".to_owned()));
        }
        let freezer = match Freezer::new(bytes) {
            Ok(freezer) => freezer,
            Err(reason) => return Ok(Err(reason)),
        };
        let compiled = can_be_compiled(self.compile_once(&freezer.instrumented))?;
        Ok(compiled.map(|compiled| (freezer, compiled)))
    }

    /// Calls `configure` of a fresh instance, and then `configured` if the settings are accepted. Returns what the plugin says
    /// that it needs, and what `configured` returns.
    fn configure<T>(
        &self,
        examined: &ExaminedComponent,
        settings: &NormalSettings,
        configured: impl FnOnce(&mut Store<Sandbox>, &Instance) -> T,
    ) -> Result<(PluginReadiness, T), LoadError> {
        let finished = self.run(None, &self.config.setup, &examined.ready, |store, instance| {
            let plugin = examined.entries.plugin.load(&mut *store, instance)?;
            match plugin.call_configure(&mut *store, &v0::settings(settings))? {
                Ok(readiness) => {
                    let readiness = taken(v0::readiness(&mut AnswerIntake::default(), readiness))?;
                    Ok(Ok((readiness, configured(store, instance))))
                }
                Err(findings) => Ok(Err(taken(v0::settings_findings(&mut AnswerIntake::default(), findings))?)),
            }
        });
        finished.outcome.map_err(LoadError::Configure)?.map_err(LoadError::Settings)
    }
}

/// The code of a component that freezing has changed, or the reason why it cannot be compiled. A time-out is an error
/// instead: the load of the machine must not decide how a plugin runs.
fn can_be_compiled(compiled: Result<Component, AdmissionError>) -> Result<Result<Component, String>, AdmissionError> {
    match compiled {
        Ok(compiled) => Ok(Ok(compiled)),
        Err(error @ AdmissionError::CompileTime { .. }) => Err(error),
        Err(error) => Ok(Err(error.to_string())),
    }
}

/// Calls `describe`.
fn describe(
    entries: &ExportedFunctions,
    store: &mut Store<Sandbox>,
    instance: &Instance,
) -> Result<Description, RunError> {
    let said = entries.plugin.load(&mut *store, instance)?.call_describe(store)?;
    taken(v0::description(&mut AnswerIntake::default(), said))
}

fn taken<T>(taken: Result<T, ContractBreach>) -> Result<T, RunError> {
    taken.map_err(|ContractBreach(what)| sandbox::contract_violation(what).into())
}

fn accepted(judgement: Judgement) -> Result<Judgement, AdmissionError> {
    if judgement.refusals.is_empty() { Ok(judgement) } else { Err(AdmissionError::Refused(judgement.refusals)) }
}

fn types(error: wasmtime::Error) -> AdmissionError {
    AdmissionError::Types(format!("{error:#}"))
}
