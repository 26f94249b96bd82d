//! Parameters of the routes of the audit log.

use axum::http::StatusCode;
use lockgate_domain::api::audit::{MOST_ITEMS, MOST_NODES};
use lockgate_domain::{Digest, TeamName};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use utoipa::IntoParams;

use crate::problem::Problem;

/// The default number of items on a page.
const USUAL: usize = 100;

/// The largest index in the log.
const LARGEST: u64 = 1 << 53;

/// Which entries. All conditions have to hold.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct EntriesQuery {
    /// The lowest index.
    #[param(maximum = 9007199254740992i64)]
    #[serde(deserialize_with = "place")]
    pub(super) from: Option<u64>,
    /// The index to stop before.
    #[param(maximum = 9007199254740992i64)]
    #[serde(deserialize_with = "place")]
    pub(super) before: Option<u64>,
    /// Only entries of this stream.
    pub(super) stream: Option<String>,
    /// Only entries of this kind.
    pub(super) kind: Option<String>,
    /// Only entries with this id.
    pub(super) id: Option<String>,
    /// Only entries of this team.
    #[param(value_type = Option<String>)]
    pub(super) team: Option<TeamName>,
    /// List the newest entry first.
    pub(super) newest_first: Option<bool>,
    /// The most entries on the page. A page has fewer if they are large.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// Which nodes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct NodesQuery {
    /// Up to 256 node numbers, separated by commas. Leaf `i` is node `2 * i`, an odd number is an inner node,
    /// as in the array-based trees of RFC 9420.
    #[param(pattern = "^[0-9]{1,16}(,[0-9]{1,16}){0,255}$")]
    nodes: String,
}

/// Which stored checkpoints.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct CheckpointsQuery {
    /// Only checkpoints of a log with more entries than this.
    #[param(maximum = 9007199254740992i64)]
    #[serde(deserialize_with = "place")]
    pub(super) above: Option<u64>,
    /// The most items on the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// Which digests of content.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct ContentsQuery {
    /// Only digests after this one.
    #[param(value_type = Option<String>, pattern = "^sha256:[0-9a-f]{64}$")]
    pub(super) after: Option<Digest>,
    /// The most items on the page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<usize>,
}

/// Which two sizes of the log.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(in crate::api) struct ConsistencyQuery {
    /// The smaller size.
    #[param(minimum = 1, maximum = 9007199254740992i64)]
    pub(super) from: u64,
    /// The larger size. Default: the log's current size.
    #[param(minimum = 1, maximum = 9007199254740992i64)]
    pub(super) to: Option<u64>,
}

impl EntriesQuery {
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        within(self.limit)
    }
}

impl CheckpointsQuery {
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        within(self.limit)
    }
}

impl ContentsQuery {
    pub(super) fn limit(&self) -> Result<usize, Problem> {
        within(self.limit)
    }
}

impl NodesQuery {
    pub(super) fn numbers(&self) -> Result<Vec<u64>, Problem> {
        let number = |text: &str| {
            text.parse().map_err(|_| {
                wrong(format!("`{text}` in `nodes` is not the number of a node: write for example `nodes=1,3,7`"))
            })
        };
        let numbers: Vec<u64> = self.nodes.split(',').take(MOST_NODES + 1).map(number).collect::<Result<_, _>>()?;
        if numbers.len() > MOST_NODES {
            return Err(wrong(format!("`nodes` lists more than {MOST_NODES} nodes: use several requests")));
        }
        Ok(numbers)
    }
}

/// An index in the log. Every JSON reader can count the entries of any log exactly.
fn place<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let place = Option::<u64>::deserialize(deserializer)?;
    match place {
        Some(place) if place > LARGEST => Err(D::Error::custom(format!("`{place}` is larger than {LARGEST}"))),
        place => Ok(place),
    }
}

fn within(limit: Option<usize>) -> Result<usize, Problem> {
    match limit {
        None => Ok(USUAL),
        Some(limit @ 1..=MOST_ITEMS) => Ok(limit),
        Some(limit) => Err(wrong(format!("`limit={limit}` is not a whole number from 1 to {MOST_ITEMS}"))),
    }
}

/// The problem for an impossible parameter.
pub(super) fn wrong(detail: String) -> Problem {
    Problem::of_status(StatusCode::BAD_REQUEST).detail(detail)
}
