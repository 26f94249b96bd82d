//! `--grant`: what a plugin may use, as it stands on the command line.

use lockgate_runtime::{DirectoryGrant, Grants, HttpGrant, KeyValueGrant, NamespaceAccess};

use crate::diagnostic::{Diagnostic, InvalidInput};

/// What the plugin may use.
#[derive(Debug, clap::Args)]
pub(crate) struct GrantArguments {
    /// What the plugin may use: `evidence=<pattern>`, `directory=<name>:<path>`, `http=<origin>[,<method>…]`,
    /// `key-value=<namespace>[,read-write]`. As in a model, `log` is granted anyway.
    #[arg(long = "grant", value_name = "CAPABILITY", value_parser = grant)]
    grants: Vec<Grant>,
}

#[derive(Clone, Debug)]
enum Grant {
    Log,
    Evidence(String),
    Directory(String, DirectoryGrant),
    Http(Box<HttpGrant>),
    KeyValue(KeyValueGrant),
}

const FORMS: &str = "write `log`, `evidence=<pattern>`, `directory=<name>:<path>`, `http=<origin>[,<method>…]` or \
                     `key-value=<namespace>[,read-write]`; limits and private addresses are granted in a model";

fn grant(text: &str) -> Result<Grant, String> {
    let form = || FORMS.to_owned();
    match text.split_once('=') {
        None if text == "log" => Ok(Grant::Log),
        Some(("evidence", pattern)) if !pattern.is_empty() => Ok(Grant::Evidence(pattern.to_owned())),
        Some(("directory", named)) => match named.split_once(':') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => {
                Ok(Grant::Directory(name.to_owned(), DirectoryGrant::new(path)))
            }
            _ => Err(form()),
        },
        Some(("http", granted)) => {
            let mut parts = granted.split(',');
            let origin = parts.next().unwrap_or_default();
            let mut grant = HttpGrant::new(origin.parse().map_err(|error| format!("{error}"))?);
            let methods = parts.map(|method| method.parse().map_err(|error| format!("{error}")));
            let methods: Vec<_> = methods.collect::<Result<_, String>>()?;
            if !methods.is_empty() {
                grant.methods = methods;
            }
            Ok(Grant::Http(Box::new(grant)))
        }
        Some(("key-value", granted)) => match granted.split_once(',') {
            None if !granted.is_empty() => Ok(Grant::KeyValue(KeyValueGrant::new(granted, NamespaceAccess::ReadOnly))),
            Some((namespace, "read-write")) => {
                Ok(Grant::KeyValue(KeyValueGrant::new(namespace, NamespaceAccess::ReadWrite)))
            }
            _ => Err(form()),
        },
        _ => Err(form()),
    }
}

impl TryFrom<GrantArguments> for Grants {
    type Error = InvalidInput;

    fn try_from(arguments: GrantArguments) -> Result<Self, InvalidInput> {
        let mut grants = Self::default();
        let twice = |what: String| Diagnostic::error(format!("{what} is granted twice")).help("grant it once");
        for grant in arguments.grants {
            match grant {
                Grant::Log => grants.log = true,
                Grant::Evidence(pattern) => grants.evidence.push(pattern),
                Grant::Directory(name, _) if grants.directories.contains_key(&name) => {
                    return Err(twice(format!("the directory `{name}`")).into());
                }
                Grant::KeyValue(_) if grants.key_value.is_some() => {
                    return Err(twice("the capability `key-value`".to_owned()).into());
                }
                Grant::Directory(name, directory) => drop(grants.directories.insert(name, directory)),
                Grant::Http(origin) => grants.http.push(*origin),
                Grant::KeyValue(namespace) => grants.key_value = Some(namespace),
            }
        }
        Ok(grants)
    }
}
