//! What an operator writes, and which registers it needs.

use lockgate_plugin::registers::{EmptyRegister, RegisterNeed};
use lockgate_plugin::roles::{OPERATIONS_MANAGER, SERVICE_OWNER};
use lockgate_plugin::time::Duration;
use lockgate_plugin::{Capability, Pointer, SettingsFinding};
use schemars::JsonSchema;
use serde::Deserialize;

/// The requirements for the beginning of fulfillment.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub(crate) struct Settings {
    /// Whether the fulfillment books must be verified, and be carried out within the slot.
    pub(crate) books: bool,
    /// How the execution times of the books add up. If absent, `sum`.
    book_times: Option<BookTimes>,
    /// Whether each book must have a digest, so that nobody can change it unnoticed.
    pub(crate) book_digests: bool,
    /// Whether the orders must be due before the slot begins, and fulfilled when they are due.
    pub(crate) orders: bool,
    /// Whether enough capacity must be left.
    pub(crate) capacities: bool,
    /// The least share of each capacity that must be free, in percent. If absent, 10.
    #[schemars(range(min = 0, max = 100))]
    least_free_percent: Option<u8>,
    /// The amounts that the deployment needs besides, by kind of capacity.
    #[schemars(extend("uniqueItems" = true))]
    pub(crate) needed: Vec<NeededAmount>,
    /// Whether the capacities of the products that the product depends on count, too. If absent, they do.
    depended_on: Option<bool>,
    /// The greatest age of a capacity. If absent, any.
    #[schemars(extend("formatMinimum" = "1m", "formatMaximum" = "3650d"))]
    pub(crate) capacity_max_age: Option<Duration>,
}

/// How the execution times of the fulfillment books add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BookTimes {
    /// The books are carried out one after another: their times are added.
    Sum,
    /// The books are carried out side by side: the longest counts.
    Longest,
    /// The times do not count.
    Ignore,
}

/// An amount of a capacity that the deployment needs.
#[derive(Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct NeededAmount {
    /// The kind of capacity, for example `memory`.
    #[schemars(length(min = 1), extend("format" = "lockgate-name"))]
    pub(crate) kind: String,
    /// The amount that must be free.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub(crate) amount: f64,
    /// The unit of the amount, as the register writes it.
    #[schemars(length(min = 1), extend("format" = "lockgate-name"))]
    pub(crate) unit: String,
    /// The id of the product whose capacity it is. If absent, the product that is deployed.
    #[schemars(length(min = 1), extend("format" = "lockgate-name"))]
    pub(crate) product: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            books: true,
            book_times: None,
            book_digests: false,
            orders: true,
            capacities: true,
            least_free_percent: None,
            needed: Vec::new(),
            depended_on: None,
            capacity_max_age: None,
        }
    }
}

/// The register of fulfillment books.
pub(crate) const BOOKS: RegisterNeed = RegisterNeed {
    name: "fulfillment-books",
    question: "whether the fulfillment books are verified",
    nothing: "no fulfillment book is verified",
    keeper: OPERATIONS_MANAGER,
    not_kept: "books-not-kept",
    not_granted: "books-not-granted",
    empty: EmptyRegister::Wrong("books-empty"),
};

/// The register of orders.
pub(crate) const ORDERS: RegisterNeed = RegisterNeed {
    name: "orders",
    question: "whether an order is open",
    nothing: "no order is open",
    keeper: SERVICE_OWNER,
    not_kept: "orders-not-kept",
    not_granted: "orders-not-granted",
    empty: EmptyRegister::Noted("no-orders"),
};

/// The register of capacities.
pub(crate) const CAPACITIES: RegisterNeed = RegisterNeed {
    name: "capacities",
    question: "whether enough capacity is left",
    nothing: "no capacity is known",
    keeper: OPERATIONS_MANAGER,
    not_kept: "capacities-not-kept",
    not_granted: "capacities-not-granted",
    empty: EmptyRegister::Unknown("capacities-empty"),
};

impl Settings {
    /// How the execution times add up.
    pub(crate) fn book_times(&self) -> BookTimes {
        self.book_times.unwrap_or(BookTimes::Sum)
    }

    /// The least share of each capacity that must be free, in percent.
    pub(crate) fn least_free_percent(&self) -> u8 {
        self.least_free_percent.unwrap_or(10)
    }

    /// Whether the capacities of the products that the product depends on count.
    pub(crate) fn depended_on(&self) -> bool {
        self.depended_on.unwrap_or(true)
    }

    /// The capabilities for the registers that these settings need, and for no other.
    pub(crate) fn needs(&self) -> Vec<Capability> {
        let asked = [(self.books, BOOKS), (self.orders, ORDERS), (self.capacities, CAPACITIES)];
        asked.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, register)| register.capability()).collect()
    }

    /// What is wrong with settings that have the right shape.
    pub(crate) fn findings(&self) -> Vec<SettingsFinding> {
        let root = Pointer::root();
        if !(self.books || self.orders || self.capacities) {
            let message = "nothing is asked for: set `books`, `orders` or `capacities` to `true`";
            return vec![SettingsFinding::new(root, message)];
        }
        let idle = [
            (self.books, "books", "book-times", self.book_times.is_some()),
            (self.books, "books", "book-digests", self.book_digests),
            (self.capacities, "capacities", "least-free-percent", self.least_free_percent.is_some()),
            (self.capacities, "capacities", "needed", !self.needed.is_empty()),
            (self.capacities, "capacities", "depended-on", self.depended_on.is_some()),
            (self.capacities, "capacities", "capacity-max-age", self.capacity_max_age.is_some()),
        ];
        let idle = idle.into_iter().filter(|(is_asked, _, _, is_set)| !is_asked && *is_set);
        let mut findings: Vec<SettingsFinding> = idle
            .map(|(_, part, key, _)| {
                let message = format!("`{key}` has no effect, because `{part}` is `false`: leave it out");
                SettingsFinding::new(root.key(key), message)
            })
            .collect();
        if self.capacities && self.least_free_percent == Some(0) && self.needed.is_empty() {
            let message = "no capacity has to be free: leave `least-free-percent` out, name amounts in `needed`, or set \
                           `capacities` to `false`";
            findings.push(SettingsFinding::new(root.key("least-free-percent"), message));
        }
        for (index, needed) in self.needed.iter().enumerate() {
            let is_same = |other: &NeededAmount| other.kind == needed.kind && other.product == needed.product;
            if self.needed.iter().take(index).any(is_same) {
                let message = format!("an amount of `{}` is needed twice: merge both entries", needed.kind);
                findings.push(SettingsFinding::new(root.key("needed").index(index).key("kind"), message));
            }
        }
        findings
    }
}
