//! The exit codes, which pipelines depend on. `docs/cli.md` lists them.

use std::process::ExitCode;

use lockgate_domain::Verdict;

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done, or the gate allows.
    Success,
    /// The command failed, or a gate could not be evaluated.
    Failure,
    /// The gate denies.
    Denied,
    /// A replay gave another result, something went round the gates, or something is overdue.
    Differs,
    /// A log or a proof does not verify.
    Tampered,
    /// The input is invalid; nothing was decided.
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
