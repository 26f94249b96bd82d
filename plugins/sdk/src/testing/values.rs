//! The values of a fixture: they give the same answers as the host's, from memory.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::key_value::{Access, KeyValueError};

/// The default quota, in bytes.
const QUOTA: u64 = 64 << 10;

/// The values of a namespace.
#[derive(Clone, Debug)]
pub(crate) struct KeptValues {
    kept: RefCell<BTreeMap<String, Vec<u8>>>,
    access: Access,
    unavailable: Option<String>,
}

impl Default for KeptValues {
    fn default() -> Self {
        Self { kept: RefCell::default(), access: Access::ReadWrite, unavailable: None }
    }
}

impl KeptValues {
    pub(super) fn put(&mut self, key: &str, value: Vec<u8>) {
        self.kept.get_mut().insert(key.to_owned(), value);
    }

    pub(super) fn grant_reading_alone(&mut self) {
        self.access = Access::ReadOnly;
    }

    pub(super) fn fail(&mut self, why: &str) {
        self.unavailable = Some(why.to_owned());
    }

    pub(super) fn kept(&self, key: &str) -> Option<Vec<u8>> {
        self.kept.borrow().get(key).cloned()
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KeyValueError> {
        check(key)?;
        self.available()?;
        Ok(self.kept(key))
    }

    pub(crate) fn keys(&self, prefix: &str) -> Result<Vec<String>, KeyValueError> {
        self.available()?;
        Ok(self.kept.borrow().keys().filter(|key| key.starts_with(prefix)).cloned().collect())
    }

    pub(crate) fn set(&self, key: &str, value: &[u8]) -> Result<(), KeyValueError> {
        self.may_write()?;
        check(key)?;
        self.available()?;
        let mut kept = self.kept.borrow_mut();
        let others = kept.iter().filter(|(other, _)| *other != key).map(|(key, value)| room(key, value));
        if others.sum::<u64>() + room(key, value) > QUOTA {
            return Err(KeyValueError::QuotaExceeded(QUOTA));
        }
        kept.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    pub(crate) fn delete(&self, key: &str) -> Result<(), KeyValueError> {
        self.may_write()?;
        check(key)?;
        self.available()?;
        self.kept.borrow_mut().remove(key);
        Ok(())
    }

    fn may_write(&self) -> Result<(), KeyValueError> {
        match self.access {
            Access::ReadWrite => Ok(()),
            Access::ReadOnly => Err(KeyValueError::ReadOnly),
        }
    }

    fn available(&self) -> Result<(), KeyValueError> {
        self.unavailable.clone().map_or(Ok(()), |why| Err(KeyValueError::Unavailable(why)))
    }
}

fn room(key: &str, value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64
}

fn check(key: &str) -> Result<(), KeyValueError> {
    if (1..=256).contains(&key.len()) && !key.contains(char::is_control) {
        return Ok(());
    }
    Err(KeyValueError::InvalidKey("a key has 1 to 256 bytes and no control characters".to_owned()))
}
