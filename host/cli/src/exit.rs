//! The exit codes, which pipelines act on: part of the command's contract, listed in `docs/cli.md`.

use std::process::ExitCode;

use lockgate_domain::Verdict;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done; or the gate allows.
    Success,
    /// It failed to run: nobody can tell what the answer is.
    Failure,
    /// The gate denies.
    Denied,
    /// A replay came out otherwise.
    Differs,
    /// A log or a proof is not what was signed.
    Tampered,
    /// What was handed in is not valid; nothing was decided.
    InvalidInput,
    /// The gate waits for people, evidence or time.
    Pending,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Denied | Exit::Differs | Exit::Tampered => 2,
            Exit::InvalidInput => 3,
            Exit::Pending => 4,
        })
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Allow => Self::Success,
            Verdict::Deny => Self::Denied,
            Verdict::Pending => Self::Pending,
            Verdict::Error => Self::Failure,
        }
    }
}
