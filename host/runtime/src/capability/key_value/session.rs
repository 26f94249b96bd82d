//! One call's view of a namespace.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::content::Content;
use super::changes::{fits, room, taken_by};
use super::{
    Access, Assignment, Changes, Key, KeyValueError, KeyValueGrant, NamespaceChanges, NamespaceError, Namespaces,
    Prefix,
};

/// How long a key may be, in bytes.
const LONGEST_KEY: usize = 256;

/// The values of a namespace as they were when the call first asked, with the call's own changes made.
#[derive(Debug)]
pub(crate) struct Session {
    grant: KeyValueGrant,
    namespaces: Arc<dyn Namespaces>,
    /// None until it is asked for. That it could not be had stays so for the whole call.
    seen: Option<Result<Seen, KeyValueError>>,
    changes: Changes,
}

#[derive(Debug)]
struct Seen {
    values: BTreeMap<String, Vec<u8>>,
    /// The room that they take, in bytes.
    taken: u64,
}

impl Session {
    pub(crate) fn new(grant: KeyValueGrant, namespaces: Arc<dyn Namespaces>) -> Self {
        Self { grant, namespaces, seen: None, changes: Changes::default() }
    }

    /// The value of a key.
    pub(crate) fn get(&mut self, Key { key }: &Key) -> Result<Option<Content>, KeyValueError> {
        check(key)?;
        Ok(self.seen()?.values.get(key).cloned().map(Content))
    }

    /// The keys that begin with the prefix, in the order of their bytes.
    pub(crate) fn keys(&mut self, Prefix { prefix }: &Prefix) -> Result<Vec<String>, KeyValueError> {
        let from = self.seen()?.values.range(prefix.clone()..);
        Ok(from.map(|(key, _)| key).take_while(|key| key.starts_with(prefix.as_str())).cloned().collect())
    }

    /// Gives a key a value.
    pub(crate) fn set(&mut self, Assignment { key, value: Content(value) }: &Assignment) -> Result<(), KeyValueError> {
        self.may_write()?;
        check(key)?;
        let quota = self.grant.quota;
        let seen = self.seen()?;
        let freed = seen.values.get(key).map_or(0, |old| room(key, old));
        let after = seen.taken.saturating_sub(freed).saturating_add(room(key, value));
        if !fits(seen.taken, after, quota) {
            return Err(KeyValueError::QuotaExceeded(quota));
        }
        seen.taken = after;
        seen.values.insert(key.clone(), value.clone());
        self.changes.set(key.as_str(), value.as_slice());
        Ok(())
    }

    /// Takes a key away, if it is there. If it is not, but comes while the call runs, it goes all the same.
    pub(crate) fn delete(&mut self, Key { key }: &Key) -> Result<(), KeyValueError> {
        self.may_write()?;
        check(key)?;
        let seen = self.seen()?;
        if let Some(old) = seen.values.remove(key) {
            seen.taken = seen.taken.saturating_sub(room(key, &old));
        }
        self.changes.delete(key.as_str());
        Ok(())
    }

    /// What the call changed, for the caller to keep; none if nothing. It is of use only once the call has given an answer.
    pub(crate) fn into_changes(self) -> Option<NamespaceChanges> {
        let Self { grant: KeyValueGrant { namespace, quota, .. }, changes, .. } = self;
        (!changes.is_empty()).then_some(NamespaceChanges { namespace, quota, changes })
    }

    fn may_write(&self) -> Result<(), KeyValueError> {
        match self.grant.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(KeyValueError::ReadOnly),
        }
    }

    /// The values, read when they are first asked for.
    fn seen(&mut self) -> Result<&mut Seen, KeyValueError> {
        let Self { grant, namespaces, seen, .. } = self;
        let seen = seen.get_or_insert_with(|| match namespaces.read(&grant.namespace) {
            Ok(values) => Ok(Seen { taken: taken_by(&values), values }),
            Err(error) => Err(unavailable(&grant.namespace, &error)),
        });
        seen.as_mut().map_err(|error| error.clone())
    }
}

/// The operator is told all of it; the plugin, which nobody vouches for, learns nothing of the machine.
fn unavailable(namespace: &str, error: &NamespaceError) -> KeyValueError {
    tracing::error!(namespace, %error, "the values of a namespace cannot be read");
    let why = match error {
        NamespaceError::Damaged { .. } => "it is damaged",
        NamespaceError::OfAnotherVersion { .. } => "another version of the host wrote it",
        _ => "the host cannot read it",
    };
    KeyValueError::Unavailable(format!("the namespace `{namespace}` is not to be had: {why}"))
}

fn check(key: &str) -> Result<(), KeyValueError> {
    let wrong = if key.is_empty() {
        "it is empty".to_owned()
    } else if key.len() > LONGEST_KEY {
        format!("it is {} bytes long: no key has more than {LONGEST_KEY}", key.len())
    } else if key.contains(char::is_control) {
        format!("`{}` has a control character", key.escape_debug())
    } else {
        return Ok(());
    };
    Err(KeyValueError::InvalidKey(wrong))
}
