//! The grants of a model to a plugin, as they are written. Missing values stand for the host's default.
//!
//! A capability that is not granted adds nothing to the digest, so a new capability changes the digest of no model.

use std::collections::BTreeMap;
use std::path::Path;

use lockgate_domain::Duration;
use lockgate_runtime::{
    AddressRange, DirectoryGrant, Grants, HttpGrant, HttpGrantError, HttpMethod, KeyValueGrant, NamespaceAccess, Origin,
};
use serde::{Serialize, Serializer};

/// The grants of the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelGrants {
    /// Whether the plugin may write log lines.
    pub log: bool,
    /// The evidence that the plugin may read: names that match one of these [patterns](lockgate_domain::Pattern).
    pub evidence: Vec<String>,
    /// The facts that the plugin may read: names that match one of these patterns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<String>,
    /// The directories that the plugin may read, by the plugin's names for them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub directory: BTreeMap<String, GrantedDirectory>,
    /// The origins that the plugin may send requests to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<GrantedOrigin>,
    /// The namespace whose values the plugin may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_value: Option<GrantedNamespace>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantedDirectory {
    /// The path, relative to the model's own folder.
    pub path: String,
    /// The largest file that the plugin may read, in bytes.
    pub largest_file: Option<u64>,
    /// The most names in a directory that the plugin may list.
    pub most_entries: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantedOrigin {
    /// Scheme, host and port.
    #[serde(serialize_with = "as_text")]
    pub origin: Origin,
    /// The allowed methods. None: the host's default.
    #[serde(serialize_with = "as_texts")]
    pub methods: Option<Vec<HttpMethod>>,
    /// Addresses that are allowed although they are not public.
    #[serde(serialize_with = "as_texts")]
    pub addresses: Option<Vec<AddressRange>>,
    /// The largest body of a response, in bytes.
    pub largest_response: Option<u64>,
    /// The most redirects of a request.
    pub redirects: Option<u32>,
    /// The time limit of a request.
    pub timeout: Option<Duration>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantedNamespace {
    pub namespace: String,
    /// Whether the plugin may also change the values.
    pub writable: bool,
    /// The room for all keys and values together, in bytes.
    pub quota: Option<u64>,
}

impl Default for ModelGrants {
    fn default() -> Self {
        Self {
            log: true,
            evidence: Vec::new(),
            facts: Vec::new(),
            directory: BTreeMap::new(),
            http: Vec::new(),
            key_value: None,
        }
    }
}

impl ModelGrants {
    /// The grants for the runtime. Directories are looked for from `folder`, the model's own folder.
    pub(crate) fn to_grants(&self, folder: &Path) -> Grants {
        Grants {
            log: self.log,
            evidence: self.evidence.clone(),
            facts: self.facts.clone(),
            directories: self
                .directory
                .iter()
                .map(|(name, granted)| (name.clone(), granted.to_grant(folder)))
                .collect(),
            http: self.http.iter().map(GrantedOrigin::to_grant).collect(),
            key_value: self.key_value.as_ref().map(GrantedNamespace::to_grant),
            recorded: false,
        }
    }
}

impl ModelGrants {
    /// The grants for the runtime when recordings answer in place of the outside.
    pub(crate) fn to_recorded(&self) -> Grants {
        let recorded = self.reach_outside();
        let (evidence, facts) = (self.evidence.clone(), self.facts.clone());
        Grants { log: self.log, evidence, facts, recorded, ..Grants::default() }
    }

    /// Whether they grant anything outside of the snapshot.
    pub fn reach_outside(&self) -> bool {
        !self.directory.is_empty() || !self.http.is_empty() || self.key_value.is_some()
    }

    /// Whether both grants reach the same outside sources, so that answers recorded under the one are valid under the
    /// other.
    pub fn reach_the_same(&self, other: &Self) -> bool {
        self.directory == other.directory && self.http == other.http && self.key_value == other.key_value
    }
}

impl GrantedDirectory {
    fn to_grant(&self, folder: &Path) -> DirectoryGrant {
        let mut grant = DirectoryGrant::new(folder.join(&self.path));
        grant.file_size = self.largest_file.unwrap_or(grant.file_size);
        let entries = self.most_entries.map(|entries| usize::try_from(entries).unwrap_or(usize::MAX));
        grant.entries = entries.unwrap_or(grant.entries);
        grant
    }
}

impl GrantedOrigin {
    fn to_grant(&self) -> HttpGrant {
        let mut grant = HttpGrant::new(self.origin.clone());
        if let Some(methods) = &self.methods {
            grant.methods.clone_from(methods);
        }
        if let Some(addresses) = &self.addresses {
            grant.addresses.clone_from(addresses);
        }
        grant.response_size = self.largest_response.unwrap_or(grant.response_size);
        grant.redirects = self.redirects.unwrap_or(grant.redirects);
        let timeout = self.timeout.map(|timeout| std::time::Duration::from_millis(timeout.as_millis()));
        grant.timeout = timeout.unwrap_or(grant.timeout);
        grant
    }

    /// Checks that the origin can be granted with these limits.
    pub(crate) fn check(&self) -> Result<(), HttpGrantError> {
        self.to_grant().check()
    }
}

impl GrantedNamespace {
    fn to_grant(&self) -> KeyValueGrant {
        let access = if self.writable { NamespaceAccess::ReadWrite } else { NamespaceAccess::ReadOnly };
        let mut grant = KeyValueGrant::new(self.namespace.clone(), access);
        grant.quota = self.quota.unwrap_or(grant.quota);
        grant
    }
}

fn as_text<S: Serializer>(value: &impl ToString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.to_string())
}

fn as_texts<S: Serializer>(values: &Option<Vec<impl ToString>>, serializer: S) -> Result<S::Ok, S::Error> {
    values.as_ref().map(|values| values.iter().map(ToString::to_string).collect::<Vec<_>>()).serialize(serializer)
}
