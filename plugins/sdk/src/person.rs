//! The id of a person in a plugin's settings.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The id of a person in settings: an account name or an e-mail address.
///
/// The schema of the settings marks it with `"format": "lockgate-person"`, so the host converts it to its normal form
/// before `configure` sees it. The ids in a snapshot are in that form too: two ids are one person's if they are equal,
/// and a plugin need not know the form.
///
/// It has no order and no hash, so it cannot be the key of a map: `schemars` would leave the mark out of the schema.
/// Mark the keys of a map of strings instead:
///
/// ```
/// use std::collections::BTreeMap;
///
/// use lockgate_plugin::PersonId;
/// use schemars::{JsonSchema, schema_for};
/// use serde_json::json;
///
/// #[derive(JsonSchema)]
/// struct Settings {
///     /// Who never counts.
///     excluded: Vec<PersonId>,
///     /// How much each may spend.
///     #[schemars(extend("propertyNames" = {"format": "lockgate-person"}))]
///     budgets: BTreeMap<String, u32>,
///     /// The same as a `PersonId`, for who wants a string.
///     #[schemars(extend("format" = "lockgate-person"))]
///     deputy: String,
/// }
///
/// let properties = &schema_for!(Settings).to_value()["properties"];
/// assert_eq!(properties["excluded"]["items"]["format"], "lockgate-person");
/// assert_eq!(properties["budgets"]["propertyNames"], json!({ "format": "lockgate-person" }));
/// assert_eq!(properties["deputy"]["format"], "lockgate-person");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct PersonId(String);

impl PersonId {
    /// The id, in the form of snapshots.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq<str> for PersonId {
    fn eq(&self, id: &str) -> bool {
        self.0 == id
    }
}

impl PartialEq<String> for PersonId {
    fn eq(&self, id: &String) -> bool {
        self.0 == *id
    }
}

impl JsonSchema for PersonId {
    fn schema_name() -> Cow<'static, str> {
        "PersonId".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "minLength": 1, "format": "lockgate-person" })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]

    use serde_json::json;

    use super::PersonId;
    use crate::settings::schema_of;
    use crate::testing::{Fixture, configure};
    use crate::{Plugin, SettingsFinding};

    #[derive(serde::Deserialize, schemars::JsonSchema)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    struct Excluded {
        people: Vec<PersonId>,
        deputy: Option<PersonId>,
    }

    impl Plugin for Excluded {
        type Settings = Self;
        fn configure(settings: Self) -> Result<Self, Vec<SettingsFinding>> {
            Ok(settings)
        }
    }

    #[test]
    fn the_schema_marks_ids_in_lists_and_options() {
        let person = json!({ "type": "string", "minLength": 1, "format": "lockgate-person" });
        let properties = &schema_of::<Excluded>()["properties"];
        assert_eq!(properties["people"], json!({ "type": "array", "items": person }));
        let deputy = &properties["deputy"];
        assert_eq!((&deputy["format"], &deputy["type"]), (&json!("lockgate-person"), &json!(["string", "null"])));
    }

    #[test]
    fn ids_of_settings_and_snapshots_are_compared_as_they_are() {
        let excluded: Excluded = configure(r#"{ "people": ["rita", "ann"] }"#).unwrap();
        let requester = Fixture::new().evaluation().requester().id;
        assert!(excluded.people[0] == requester && excluded.people[0] == *"rita");
        assert!(excluded.people[1] != requester && excluded.people[1] != *"Ann");
        assert_eq!((excluded.people[1].to_string().as_str(), excluded.deputy), ("ann", None));
        let found = configure::<Excluded>(r#"{ "people": [""] }"#).map(|_| ()).unwrap_err();
        assert_eq!(found[0].pointer, "/people/0");
    }
}
