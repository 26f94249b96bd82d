//! The option `--grant`: the capabilities of a plugin.

use lockgate_domain::Registers;
use lockgate_runtime::{DirectoryGrant, Grants, HttpGrant, KeyValueGrant, NamespaceAccess};

use crate::diagnostic::{Diagnostic, InvalidInput};

#[derive(Debug, clap::Args)]
pub(crate) struct GrantArguments {
    /// Grant a capability: `evidence=<pattern>`, `facts=<pattern>`, `directory=<name>:<path>`,
    /// `http=<origin>[,<method>…]` or `key-value=<namespace>[,read-write]`. Repeatable. `log` is always granted.
    #[arg(long = "grant", value_name = "CAPABILITY", value_parser = grant)]
    grants: Vec<GrantArgument>,
}

#[derive(Clone, Debug)]
enum GrantArgument {
    Log,
    Evidence(String),
    Facts(String),
    Directory(String, DirectoryGrant),
    Http(Box<HttpGrant>),
    KeyValue(KeyValueGrant),
}

const FORMS: &str = "write `log`, `evidence=<pattern>`, `facts=<pattern>`, `directory=<name>:<path>`, \
                     `http=<origin>[,<method>…]` or `key-value=<namespace>[,read-write]`; limits and private addresses can only be granted in a model";

fn grant(text: &str) -> Result<GrantArgument, String> {
    let form = || FORMS.to_owned();
    match text.split_once('=') {
        None if text == "log" => Ok(GrantArgument::Log),
        Some(("evidence", pattern)) if !pattern.is_empty() => Ok(GrantArgument::Evidence(pattern.to_owned())),
        Some(("facts", pattern)) if !pattern.is_empty() => match Registers::check_grant(pattern) {
            Ok(()) => Ok(GrantArgument::Facts(pattern.to_owned())),
            Err(unknown) => Err(format!("{unknown}; {}", unknown.help())),
        },
        Some(("directory", named)) => match named.split_once(':') {
            Some((name, path)) if !name.is_empty() && !path.is_empty() => {
                Ok(GrantArgument::Directory(name.to_owned(), DirectoryGrant::new(path)))
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
            Ok(GrantArgument::Http(Box::new(grant)))
        }
        Some(("key-value", granted)) => match granted.split_once(',') {
            None if !granted.is_empty() => {
                Ok(GrantArgument::KeyValue(KeyValueGrant::new(granted, NamespaceAccess::ReadOnly)))
            }
            Some((namespace, "read-write")) => {
                Ok(GrantArgument::KeyValue(KeyValueGrant::new(namespace, NamespaceAccess::ReadWrite)))
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
                GrantArgument::Log => grants.log = true,
                GrantArgument::Evidence(pattern) => grants.evidence.push(pattern),
                GrantArgument::Facts(pattern) => grants.facts.push(pattern),
                GrantArgument::Directory(name, _) if grants.directories.contains_key(&name) => {
                    return Err(twice(format!("the directory `{name}`")).into());
                }
                GrantArgument::KeyValue(_) if grants.key_value.is_some() => {
                    return Err(twice("the capability `key-value`".to_owned()).into());
                }
                GrantArgument::Directory(name, directory) => drop(grants.directories.insert(name, directory)),
                GrantArgument::Http(origin) => grants.http.push(*origin),
                GrantArgument::KeyValue(namespace) => grants.key_value = Some(namespace),
            }
        }
        Ok(grants)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_of_a_register_that_is_misspelt_is_refused_with_the_right_name() {
        assert!(matches!(grant("facts=incidents"), Ok(GrantArgument::Facts(_))));
        assert!(matches!(grant("facts=fact:incident"), Ok(GrantArgument::Facts(_))));
        let misspelt = grant("facts=incident");
        let is_told =
            |said: &str| said.contains("`incident` grants nothing") && said.contains("did you mean `incidents`?");
        assert!(misspelt.as_ref().is_err_and(|said| is_told(said)), "{misspelt:?}");
    }
}
