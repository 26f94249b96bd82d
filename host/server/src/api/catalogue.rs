//! The loaded models and plugins, and reloading them.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use lockgate_domain::{ModelName, ModelRef, Right};
use lockgate_engine::LoadedModel;
use lockgate_ledger::Storage;
use lockgate_service::ServiceError;
use lockgate_service::authority::Actor;
use lockgate_service::catalogue::{Catalogue, CatalogueStatus, PluginStatus, ReloadChanges, ReloadError};
use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{WholeList, listed};
use super::errors::problem;
use super::extract::{Authenticated, WriteRequest};
use super::openapi_parts::{ReadErrors, WriteErrors};
use super::state::{ApiState, with_effect};
use crate::observe::{HttpExchange, Metrics};
use crate::problem::Problem;

/// A loaded plugin, and the models that use it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct PluginWithModels {
    /// The plugin that is loaded.
    #[serde(flatten)]
    pub(super) plugin: PluginStatus,
    /// The names of the models that use the plugin, in the order of their ids.
    pub(super) models: Vec<ModelName>,
}

fn require(actor: &Actor, right: Right) -> Result<(), Problem> {
    actor.require(right).map_err(|forbidden| problem(ServiceError::Forbidden(forbidden)))
}

/// List deployment models
///
/// The loaded models, earlier versions that running deployments still use, and the outcome of the last reload.
#[utoipa::path(
    get,
    path = "/api/v1/models",
    operation_id = "list_models",
    tag = "models",
    responses(
        (status = 200, description = "The models.", body = ref("#/components/schemas/CatalogueStatus")),
        ReadErrors,
    )
)]
pub(super) async fn models(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
) -> Result<Json<CatalogueStatus>, Problem> {
    require(&actor, Right::Read)?;
    Ok(Json(state.catalogue.status()))
}

/// List plugins
///
/// The plugins of the loaded models, by digest, with the models that use them.
#[utoipa::path(
    get,
    path = "/api/v1/plugins",
    operation_id = "list_plugins",
    tag = "models",
    responses(
        (status = 200, description = "The plugins.", body = ref("#/components/schemas/PluginWithModelsList")),
        ReadErrors,
    )
)]
pub(super) async fn plugins(
    State(state): State<ApiState>,
    Authenticated(actor): Authenticated,
) -> Result<Json<WholeList<PluginWithModels>>, Problem> {
    require(&actor, Right::Read)?;
    let mut uses = BTreeMap::new();
    for model in state.catalogue.status().models {
        for plugin in model.plugins {
            let key = (plugin.name.clone(), plugin.digest);
            let known = uses.entry(key).or_insert_with(|| PluginWithModels { plugin, models: Vec::new() });
            known.models.push(model.name.clone());
        }
    }
    Ok(listed(uses.into_values().collect()))
}

/// Reload models and plugins
///
/// All or nothing: if a new model or plugin is invalid, the answer lists the faults and the old ones stay in use.
#[utoipa::path(
    post,
    path = "/api/v1/reload",
    operation_id = "reload",
    tag = "models",
    responses(
        (status = 200, description = "What has changed.", body = ref("#/components/schemas/ReloadChanges")),
        WriteErrors,
    )
)]
pub(super) async fn reload(
    State(state): State<ApiState>,
    request: WriteRequest,
    exchange: Option<Extension<HttpExchange>>,
) -> Result<Json<ReloadChanges>, Problem> {
    require(&request.actor, Right::Govern)?;
    let Some(Extension(exchange)) = exchange else { return Err(Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR)) };
    let reload = move || reload_models(&state.catalogue, &**state.service.storage(), exchange.metrics());
    match with_effect(request.session, move || Ok(reload())).await? {
        Ok(reloaded) => Ok(Json(reloaded)),
        Err(ReloadError::Models(error)) => {
            let title = "Invalid models; the old ones stay in use";
            let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "models-refused", title);
            Err(problem.detail(error.to_string()).with("files", &error.files))
        }
        Err(ReloadError::Keep(error)) => Err(problem(ServiceError::Ledger(*error.error))),
        Err(error) => {
            tracing::error!(%error, "models could not be reloaded");
            Err(Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR))
        }
    }
}

/// Reloads models and plugins, all of them or none, and counts the result.
///
/// # Errors
/// If the new ones cannot be used. The old ones stay in use.
pub(crate) fn reload_models(
    catalogue: &Catalogue,
    storage: &dyn Storage,
    metrics: &Metrics,
) -> Result<ReloadChanges, ReloadError> {
    match catalogue.reload_keeping(storage, storage.now()) {
        Ok((changes, _)) => {
            metrics.reloaded(&models_of(catalogue), storage.now());
            Ok(changes)
        }
        Err(error) => {
            metrics.reload_failed();
            Err(error)
        }
    }
}

/// The models that are in use.
pub(crate) fn models_of(catalogue: &Catalogue) -> Vec<ModelRef> {
    let set = catalogue.current();
    let model = |loaded: &LoadedModel| ModelRef {
        id: loaded.model().id.clone(),
        version: loaded.model().version.clone(),
        digest: loaded.digest(),
        chosen_because: String::new(),
        mode: loaded.model().mode,
    };
    set.models().iter().map(model).collect()
}
