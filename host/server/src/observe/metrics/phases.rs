//! The parts that a decision's time goes into.

use std::time::Duration;

use lockgate_service::DecisionPhases;
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

/// How long each part of a request for a decision took. What is zero was not done, or is not known yet.
///
/// As JSON it is `{"authenticate_ns": 1200, …}`, without what is zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestPhases {
    /// Finding out who asks, and whether they may.
    pub authenticate: Duration,
    /// Deciding.
    pub decision: DecisionPhases,
    /// Writing the decision, until it is durable.
    pub append: Duration,
    /// The whole, from the request to the answer.
    pub total: Duration,
}

impl RequestPhases {
    /// The parts, by name, in their order.
    pub(super) fn parts(&self) -> [(&'static str, Duration); 5] {
        let DecisionPhases { read, snapshot, evaluate } = self.decision;
        [
            ("authenticate", self.authenticate),
            ("read-state", read),
            ("snapshot", snapshot),
            ("evaluate", evaluate),
            ("append", self.append),
        ]
    }
}

impl Serialize for RequestPhases {
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
