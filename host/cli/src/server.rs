//! Which server a command talks to, and the token that it signs in with: by flags, or by the variables that the first
//! start of a server names.
//!
//! The token has no flag of its own: other accounts of a machine can read the arguments of a process, and shells keep
//! them. Clap knows nothing of the variables either, so no help text can show their values.

use std::path::{Path, PathBuf};

use lockgate_server::api::audit::RemoteSource;

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::input::read_text;

/// The variable with the address of the server.
pub(crate) const SERVER_VARIABLE: &str = "LOCKGATE_SERVER";
/// The variable with the token for it.
pub(crate) const TOKEN_VARIABLE: &str = "LOCKGATE_TOKEN";

/// How large a file with a token may be.
const LARGEST_TOKEN: u64 = 64 << 10;

/// A server that runs, and the token for it.
#[derive(Debug, clap::Args)]
pub(crate) struct ServerArguments {
    /// A server that runs, for example `https://deploy.example.com`. Without it: the one that the environment variable
    /// `LOCKGATE_SERVER` names, unless something else to read from is named.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// A file with the token for the server. Without it: the token in the environment variable `LOCKGATE_TOKEN`.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// A server that was named.
pub(crate) struct NamedServer {
    /// What asks it.
    pub(crate) remote: RemoteSource,
    /// Its address.
    pub(crate) address: String,
}

impl ServerArguments {
    /// The server that the flags or the environment name, if they name one. It is not asked anything yet.
    ///
    /// # Errors
    /// If its address or the token cannot be one, or there is a token and no server.
    pub(crate) fn named(&self) -> Result<Option<NamedServer>, InvalidInput> {
        let by_flag = self.server.clone();
        let is_by_flag = by_flag.is_some();
        let Some(address) = by_flag.map_or_else(|| variable(SERVER_VARIABLE), |address| Ok(Some(address)))? else {
            if self.token_file.is_none() {
                return Ok(None);
            }
            let diagnostic = Diagnostic::error("`--token-file` holds a token for a server, and no server is named");
            let help = format!("name the server with `--server`, or in the environment variable `{SERVER_VARIABLE}`");
            return Err(diagnostic.help(help).into());
        };
        let token = match &self.token_file {
            Some(path) => Some(read_token(path)?),
            None => variable(TOKEN_VARIABLE)?.map(|text| one_token(&text, TOKEN_VARIABLE)).transpose()?,
        };
        let remote = RemoteSource::new(&address, token).map_err(|error| {
            let diagnostic = Diagnostic::error(error.to_string());
            if is_by_flag { diagnostic } else { diagnostic.note(format!("the address is from `{SERVER_VARIABLE}`")) }
        })?;
        Ok(Some(NamedServer { remote, address }))
    }
}

/// The text of an environment variable. One that is empty is as good as none.
fn variable(name: &str) -> Result<Option<String>, InvalidInput> {
    let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else { return Ok(None) };
    let invalid = |_| Diagnostic::error(format!("the environment variable `{name}` is not UTF-8")).into();
    value.into_string().map(|text| Some(text.trim().to_owned())).map_err(invalid)
}

fn read_token(path: &Path) -> Result<String, InvalidInput> {
    one_token(&read_text(path, "token", LARGEST_TOKEN)?.text, &path.display().to_string())
}

/// The token that stands in `place`, if nothing else does. The message never shows it.
fn one_token(text: &str, place: &str) -> Result<String, InvalidInput> {
    let token = text.trim();
    if token.contains(char::is_whitespace) {
        let diagnostic = Diagnostic::error(format!("`{place}` holds more than a token"));
        return Err(diagnostic.help("write the token into it, and nothing else").into());
    }
    Ok(token.to_owned())
}
