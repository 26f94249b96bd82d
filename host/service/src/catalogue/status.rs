//! The status of a catalogue: the loaded models, the result of the last attempt to load, and its findings.

use std::borrow::Cow;
use std::fmt;

use lockgate_domain::{Digest, Kind, ModelName, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

use super::set::ListedModel;
use lockgate_engine::model::{LocatedFinding, ModelFindings, Source};

/// The result of a reload of the models. Each list is in the order of the ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReloadChanges {
    /// Models whose ids are new.
    pub added: Vec<ModelName>,
    /// Models whose meaning changed, with their new digests.
    pub changed: Vec<ModelName>,
    /// Models whose ids no longer exist, with their old digests.
    pub removed: Vec<ModelName>,
    /// Models whose meaning did not change.
    pub unchanged: Vec<ModelName>,
}

/// The findings of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFindings {
    /// The file. Its name is the path as it was configured.
    pub source: Source,
    pub findings: ModelFindings,
}

impl FileFindings {
    /// Renders the findings for a terminal. With `color`, in ANSI colours.
    pub fn render(&self, color: bool) -> String {
        self.findings.render(&self.source, color)
    }

    /// The findings with lines and columns.
    pub fn located(&self) -> Vec<LocatedFinding> {
        self.findings.located(&self.source)
    }
}

/// `{ file, findings }`, with lines and columns.
impl Serialize for FileFindings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut file = serializer.serialize_struct("FileFindings", 2)?;
        file.serialize_field("file", &self.source.name)?;
        file.serialize_field("findings", &self.located())?;
        file.end()
    }
}

impl JsonSchema for FileFindings {
    fn schema_name() -> Cow<'static, str> {
        "FileFindings".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let findings = generator.subschema_for::<Vec<LocatedFinding>>();
        json_schema!({
            "type": "object",
            "description": "What was found in one file.",
            "properties": {
                "file": { "type": "string", "description": "The file, as it was configured." },
                "findings": findings
            },
            "required": ["file", "findings"]
        })
    }
}

/// Why the models cannot be used: all findings in all of their files, including warnings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueError {
    /// The files that have findings.
    pub files: Vec<FileFindings>,
}

impl CatalogueError {
    /// Renders the findings for a terminal. With `color`, in ANSI colours.
    pub fn render(&self, color: bool) -> String {
        self.files.iter().map(|file| file.render(color)).collect::<Vec<_>>().join("\n")
    }

    /// The files with errors, by name.
    pub fn wrong(&self) -> Vec<&str> {
        let wrong = self.files.iter().filter(|file| file.findings.has_errors());
        wrong.map(|file| file.source.name.as_str()).collect()
    }
}

impl fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.render(false).trim_end())
    }
}

impl std::error::Error for CatalogueError {}

/// The loaded models, and the last attempt to load them.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "CatalogueStatus")]
pub struct CatalogueStatus {
    /// The models that are in use, in the order of their ids.
    #[serde(rename = "items")]
    pub models: Vec<ModelStatus>,
    /// Earlier models that are kept for deployments that were approved under them, in order.
    pub retained: Vec<ModelName>,
    /// The last attempt to load the models.
    pub last: ReloadAttempt,
}

/// A loaded deployment model.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ModelStatus {
    /// The name of the model: id, version and digest.
    #[serde(flatten)]
    pub name: ModelName,
    /// The title of the model, on one line.
    pub title: String,
    /// The path of the model's file, as it was configured.
    pub file: String,
    /// From when on the model has had this meaning (RFC 3339).
    pub since: Timestamp,
    /// The plugins that the model uses, in the order of their names.
    pub plugins: Vec<PluginStatus>,
}

impl ModelStatus {
    pub(super) fn of(listed: &ListedModel) -> Self {
        let plugins = listed.model.plugins().into_iter().map(|(plugin, loaded)| PluginStatus {
            name: plugin.name.clone(),
            version: plugin.version.clone(),
            digest: plugin.digest,
            kinds: loaded.kinds().to_vec(),
            summary: loaded.description().summary.clone(),
        });
        Self {
            name: listed.model.name(),
            title: listed.model.model().title.clone(),
            file: listed.file.display().to_string(),
            since: listed.since,
            plugins: plugins.collect(),
        }
    }
}

/// A plugin that a model uses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PluginStatus {
    /// The name of the plugin in the model.
    pub name: String,
    /// The version of the plugin, as it says itself.
    pub version: String,
    /// The SHA-256 digest of the plugin's component.
    pub digest: Digest,
    /// The kinds that the plugin can be called as.
    pub kinds: Vec<Kind>,
    /// The purpose of the plugin in one sentence, as the plugin says.
    pub summary: String,
}

/// An attempt to load the models.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ReloadAttempt {
    /// When the attempt ended (RFC 3339).
    pub at: Timestamp,
    /// The outcome of the attempt.
    #[serde(flatten)]
    pub outcome: ReloadOutcome,
    /// The findings in the files: errors and warnings after a refusal, otherwise only warnings.
    pub findings: Vec<FileFindings>,
}

/// What an attempt to load came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReloadOutcome {
    /// The new models are in use.
    Loaded(ReloadChanges),
    /// The new models were refused, and the earlier ones stay in use. The text says why, on one line.
    Refused(String),
}
