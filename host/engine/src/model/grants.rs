//! What a model grants to a plugin, as it is written; what it leaves out has the host's default.
//!
//! A capability that is not granted leaves no trace here, so a new capability changes the digest of no model.

use std::collections::BTreeMap;
use std::path::Path;

use lockgate_domain::Duration;
use lockgate_runtime::{
    AddressRange, DirectoryGrant, Grants, HttpGrant, HttpGrantError, HttpMethod, KeyValueGrant, NamespaceAccess, Origin,
};
use serde::{Serialize, Serializer};

/// What the operator grants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelGrants {
    /// May write log lines.
    pub log: bool,
    /// May read the evidence whose name matches one of these [patterns](lockgate_domain::Pattern).
    pub evidence: Vec<String>,
    /// May read these directories, by the name that the plugin knows them by.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub directory: BTreeMap<String, GrantedDirectory>,
    /// May ask these origins.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub http: Vec<GrantedOrigin>,
    /// May use the values of this namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_value: Option<GrantedNamespace>,
}

/// A directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantedDirectory {
    /// From the model's own folder.
    pub path: String,
    /// The largest file that is handed over, in bytes.
    pub largest_file: Option<u64>,
    /// The most names that a directory may have to be listed.
    pub most_entries: Option<u64>,
}

/// An origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantedOrigin {
    /// Scheme, host and port.
    #[serde(serialize_with = "as_text")]
    pub origin: Origin,
    /// What may be done there.
    #[serde(serialize_with = "as_texts")]
    pub methods: Option<Vec<HttpMethod>>,
    /// Addresses that are allowed although they are not public.
    #[serde(serialize_with = "as_texts")]
    pub addresses: Option<Vec<AddressRange>>,
    /// The largest body that is taken from there, in bytes.
    pub largest_response: Option<u64>,
    /// How often a request may be redirected.
    pub redirects: Option<u32>,
    /// How long a request may take.
    pub timeout: Option<Duration>,
}

/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantedNamespace {
    /// Its name.
    pub namespace: String,
    /// Whether its values may be changed, too.
    pub writable: bool,
    /// How much room all keys and values may take, in bytes.
    pub quota: Option<u64>,
}

impl Default for ModelGrants {
    fn default() -> Self {
        Self { log: true, evidence: Vec::new(), directory: BTreeMap::new(), http: Vec::new(), key_value: None }
    }
}

impl ModelGrants {
    /// What the runtime is told. Directories are looked for from `folder`, the model's own.
    pub(crate) fn to_grants(&self, folder: &Path) -> Grants {
        Grants {
            log: self.log,
            evidence: self.evidence.clone(),
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
    /// What the runtime is told when what was asked of the outside is answered out of recordings.
    pub(crate) fn to_recorded(&self) -> Grants {
        let recorded = self.reach_outside();
        Grants { log: self.log, evidence: self.evidence.clone(), recorded, ..Grants::default() }
    }

    /// Whether they grant anything that is not in the snapshot.
    pub fn reach_outside(&self) -> bool {
        !self.directory.is_empty() || !self.http.is_empty() || self.key_value.is_some()
    }

    /// Whether these and those grant the same of the outside, so that what was answered under the one would have been
    /// answered under the other.
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

    /// Whether that origin can be granted so.
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
