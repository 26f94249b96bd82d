//! The parts of a server that decide: the plugin runtime, the deployment models, and the service over them and the
//! ledger. While the server runs, it reloads models when they change or on request, and applies retention.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use lockgate_domain::{AttestRules, RegisterKind, Timestamp};
use lockgate_ledger::{LedgerClock, RetentionRule, Storage};
use lockgate_runtime::{Namespaces, Runtime, RuntimeConfig, RuntimeError};
use lockgate_service::LedgerNamespaces;
use lockgate_service::catalogue::{Catalogue, CatalogueError, KeepError, KeptModels};
use lockgate_service::{DeploymentService, Recordings, ServiceSettings, register_content};

use crate::api::{ReadinessCheck, ReadinessChecks, models_of, reload_models};
use crate::auth::token::TokenHolders;
use crate::config::{self, Config};
use crate::observe::Metrics;
use crate::process::Lifecycle;

/// How often retention runs.
const RETENTION_EVERY: Duration = Duration::from_secs(3600);

/// Why these parts cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceStartError {
    /// The plugin runtime cannot be started.
    #[error("the plugin runtime could not start: {0}")]
    Runtime(#[from] RuntimeError),
    /// A pattern of `models` has no known form.
    #[error("`{0}` in `models` is not a file or folder: write a file, a folder, or `<folder>/*.toml`")]
    Pattern(String),
    /// The models have mistakes.
    #[error("invalid deployment models:\n{0}")]
    Models(String),
    /// The ledger cannot keep the models.
    #[error("the deployment models could not be stored in the ledger: {0}")]
    Keep(#[from] KeepError),
}

/// The parts of a server that decide.
pub(super) struct OpenedService {
    pub(super) service: DeploymentService,
    pub(super) catalogue: Arc<Catalogue>,
}

impl OpenedService {
    /// Starts the runtime and loads the models. Blocks as long as plugins are compiled.
    pub(super) fn open(
        config: &Config,
        storage: &Arc<dyn Storage>,
        metrics: &Metrics,
        checks: &ReadinessChecks,
    ) -> Result<Self, ServiceStartError> {
        let namespaces: Arc<dyn Namespaces> = Arc::new(LedgerNamespaces::new(Arc::clone(storage)));
        let runtime_config = RuntimeConfig { cache: Some(config.data.join("cache")), ..RuntimeConfig::default() };
        let runtime = Runtime::with_namespaces(runtime_config, namespaces)?;
        let attest = AttestRules::new(config.attest.clone());
        let loaded = Catalogue::load(runtime, files(&config.models)?, attest.clone());
        let (catalogue, warnings) = loaded.map_err(|error| ServiceStartError::Models(rendered(&error)))?;
        for warning in &warnings {
            tracing::warn!("warning about a deployment model:\n{}", warning.render(false));
        }
        let kept = catalogue.keep(&**storage, storage.now())?;
        for reused in &kept.reused {
            tracing::warn!(?reused, "a deployment model changed without a new version: raise its version");
        }
        let catalogue = Arc::new(catalogue);
        if catalogue.current().models().is_empty() {
            tracing::warn!(models = ?config.models, "no deployment model is loaded: decisions are not possible");
        }
        metrics.reloaded(&models_of(&catalogue), storage.now());
        let watched = Arc::clone(&catalogue);
        checks.add("clock", clock_check(Arc::clone(storage.clock()), config.ledger.clock_behind));
        checks.add("models", move || {
            let count = watched.current().models().len();
            let message =
                if count == 0 { Some("no model is loaded: decisions are not possible".to_owned()) } else { None };
            // Without models the server answers all the same, and reports it: models can be loaded while it runs.
            ReadinessCheck { ok: true, message }
        });
        let recordings = match config.ledger.recordings {
            config::RecordingsConfig::Needed => Recordings::Needed,
            config::RecordingsConfig::All => Recordings::All,
            config::RecordingsConfig::None => Recordings::None,
        };
        let models = Arc::new(KeptModels::new(Arc::clone(&catalogue), Arc::clone(storage)));
        let settings = ServiceSettings {
            recordings,
            longest_delegation: config.limits.delegation,
            credentials: Arc::new(TokenHolders::new(Arc::clone(storage))),
            attest,
            stop_roles: config.stops.roles.clone(),
        };
        Ok(Self { service: DeploymentService::with(Arc::clone(storage), models, settings), catalogue })
    }
}

/// Whether the system's clock is at most `most` behind the newest entry of the ledger.
fn clock_check(clock: Arc<LedgerClock>, most: lockgate_domain::Duration) -> impl Fn() -> ReadinessCheck + Send + Sync {
    move || {
        let behind = clock.behind();
        let say = |()| format!("the system's clock is {behind} behind the newest entry of the ledger");
        ReadinessCheck { ok: behind <= most, message: (behind > most).then_some(()).map(say) }
    }
}

/// The files and folders that the patterns name. A folder that does not exist yet has no models.
fn files(patterns: &[String]) -> Result<Vec<PathBuf>, ServiceStartError> {
    let mut files = Vec::new();
    for pattern in patterns {
        let folder = match pattern.strip_suffix("*.toml") {
            Some("") => Some("."),
            Some(folder) => folder.strip_suffix('/'),
            None => None,
        };
        let path = Path::new(folder.unwrap_or(pattern));
        if path.to_string_lossy().contains(['*', '?', '[']) {
            return Err(ServiceStartError::Pattern(pattern.clone()));
        }
        if folder.is_none() || path.is_dir() {
            files.push(path.to_owned());
        }
    }
    Ok(files)
}

fn rendered(error: &CatalogueError) -> String {
    error.to_string()
}

/// Reloads models, and logs the result.
fn reload(catalogue: &Catalogue, storage: &dyn Storage, metrics: &Metrics) {
    match reload_models(catalogue, storage, metrics) {
        Ok(reloaded) => tracing::info!(?reloaded, "deployment models reloaded"),
        Err(error) => {
            tracing::error!("deployment models could not be reloaded, the old ones stay in use: {error}");
        }
    }
}

/// Reloads models when a signal asks for it or their files change, until the shutdown. Holds nothing open that the
/// shutdown waits for.
pub(super) async fn keep_loading(
    catalogue: Arc<Catalogue>,
    storage: std::sync::Weak<dyn Storage>,
    metrics: Arc<Metrics>,
    lifecycle: Lifecycle,
    settings: config::ReloadConfig,
) {
    let mut asked = lifecycle.reloads();
    let interval = Duration::from_millis(settings.interval.as_millis().max(100));
    loop {
        let by_signal = tokio::select! {
            changed = asked.changed() => match changed {
                Ok(()) => true,
                Err(_) => return,
            },
            () = tokio::time::sleep(interval), if settings.watch => false,
            () = lifecycle.stopping() => return,
        };
        let (catalogue, storage, metrics) = (Arc::clone(&catalogue), storage.clone(), Arc::clone(&metrics));
        let work = move || {
            let Some(storage) = storage.upgrade() else { return };
            if by_signal || catalogue.changed() {
                reload(&catalogue, &*storage, &metrics);
            }
        };
        // A panic in there is in the log; the next change is another chance.
        let _ = tokio::task::spawn_blocking(work).await;
    }
}

/// Applies retention every hour, until the shutdown.
pub(super) async fn keep_forgetting(
    storage: std::sync::Weak<dyn Storage>,
    lifecycle: Lifecycle,
    retention: config::RetentionConfig,
) {
    loop {
        let (storage, retention) = (storage.clone(), retention.clone());
        let work = move || {
            let Some(storage) = storage.upgrade() else { return };
            let now = storage.now().as_millis();
            let before = |keep: lockgate_domain::Duration| {
                Timestamp::from_millis(now.saturating_sub(i64::try_from(keep.as_millis()).unwrap_or(i64::MAX)))
            };
            let content = [
                ("evidence", retention.evidence),
                ("snapshot", retention.snapshots),
                ("recording", retention.recordings),
            ];
            let content = content.map(|(kind, keep)| (kind.to_owned(), keep));
            let registers = RegisterKind::ALL.iter().map(|kind| (register_content(*kind), retention.registers));
            let content = content
                .into_iter()
                .chain(registers)
                .filter_map(|(kind, keep)| Some(RetentionRule::Content { kind, before: before(keep?) }));
            for rule in content.chain([RetentionRule::Requests { before: before(retention.requests) }]) {
                match storage.forget(&rule) {
                    Ok(forgotten) if forgotten.count > 0 => {
                        tracing::info!(?rule, count = forgotten.count, bytes = forgotten.bytes, "deleted by retention");
                    }
                    Ok(_) => {}
                    Err(error) => tracing::warn!(?rule, %error, "retention failed"),
                }
            }
        };
        let _ = tokio::task::spawn_blocking(work).await;
        tokio::select! {
            () = tokio::time::sleep(RETENTION_EVERY) => {}
            () = lifecycle.stopping() => return,
        }
    }
}
