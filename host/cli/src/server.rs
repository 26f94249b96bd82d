//! The options of commands that talk to a server: its address and the file with the token. `lockgate-client` reads the environment.
//!
//! The token has no option of its own: other accounts of a machine can read the arguments of a process, and shells keep
//! them. Clap does not read the variables either, so no help text can show their values.

use std::path::{Path, PathBuf};

use lockgate_client::{Client, EnvironmentError, SERVER_VARIABLE, ServerAddress, Token};

use crate::diagnostic::{Diagnostic, InvalidInput};
use crate::input::read_text;

/// The largest file with a token, in bytes.
const LARGEST_TOKEN: u64 = 64 << 10;

#[derive(Debug, clap::Args)]
pub(crate) struct ServerArguments {
    /// The URL of a running server, for example `https://deploy.example.com` [default: the environment variable
    /// `LOCKGATE_SERVER`].
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// A file with the token for the server [default: the token in the environment variable `LOCKGATE_TOKEN`].
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

impl ServerArguments {
    /// A client of the server that the options or the environment name. None if they name none. It sends nothing yet.
    ///
    /// # Errors
    /// If the address or the token cannot be used, or the options name a file with a token but no server.
    pub(crate) fn client(&self) -> Result<Option<Client>, InvalidInput> {
        let address = match &self.server {
            Some(text) => Some(text.parse().map_err(|error| Diagnostic::error(format!("`--server`: {error}")))?),
            None => ServerAddress::from_env().map_err(invalid_variable)?,
        };
        let Some(address) = address else {
            if self.token_file.is_none() {
                return Ok(None);
            }
            let diagnostic = Diagnostic::error("`--token-file` needs a server");
            let help = format!("give the server with `--server <url>`, or set `{SERVER_VARIABLE}`");
            return Err(diagnostic.help(help).into());
        };
        let token = match &self.token_file {
            Some(path) => Some(read_token(path)?),
            None => Token::from_env().map_err(invalid_variable)?,
        };
        Ok(Some(Client::new(address, token)))
    }
}

impl ServerArguments {
    /// A client of the server that the options or the environment name.
    ///
    /// # Errors
    /// As [`Self::client`], or if they name none.
    pub(crate) fn required_client(&self) -> Result<Client, InvalidInput> {
        let none = || {
            let help = format!("give it with `--server <url>`, or set `{SERVER_VARIABLE}`");
            InvalidInput::from(Diagnostic::error("no server is named").help(help))
        };
        self.client()?.ok_or_else(none)
    }
}

fn invalid_variable(error: EnvironmentError) -> InvalidInput {
    Diagnostic::error(error.to_string()).into()
}

fn read_token(path: &Path) -> Result<Token, InvalidInput> {
    let source = read_text(path, "token", LARGEST_TOKEN)?;
    let invalid = |error| Diagnostic::error(format!("the token in `{}` cannot be used: {error}", source.name)).into();
    source.text.parse::<Token>().map_err(invalid)
}
