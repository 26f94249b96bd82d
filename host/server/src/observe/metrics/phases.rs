//! The parts that a decision's time goes into.

use std::time::Duration;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// How long each part of a decision took. What is zero was not done, or is not known yet.
///
/// As JSON it is what a `decision` entry of the ledger has as its `phases`: `{"authenticate_ns": 1200, …}`, without what
/// is zero. An entry cannot know how long it takes to write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Finding out who asks, and whether they may.
    pub authenticate: Duration,
    /// Reading what is known of the deployment.
    pub read_state: Duration,
    /// Making the snapshot and its digest.
    pub snapshot: Duration,
    /// Asking the plugins and combining their answers.
    pub evaluate: Duration,
    /// Writing the decision, until it is durable.
    pub append: Duration,
    /// The whole, from the request to the answer.
    pub total: Duration,
}

impl Phases {
    /// The parts, by name, in their order.
    pub(super) fn parts(&self) -> [(&'static str, Duration); 5] {
        [
            ("authenticate", self.authenticate),
            ("read-state", self.read_state),
            ("snapshot", self.snapshot),
            ("evaluate", self.evaluate),
            ("append", self.append),
        ]
    }
}

impl Serialize for Phases {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, time) in self.parts().into_iter().chain([("total", self.total)]).filter(|(_, time)| !time.is_zero())
        {
            let nanoseconds = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
            map.serialize_entry(&format!("{}_ns", name.replace('-', "_")), &nanoseconds)?;
        }
        map.end()
    }
}
