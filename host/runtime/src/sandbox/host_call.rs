//! The functions of the host, for counting how often a plugin calls each.

use std::collections::BTreeMap;

macro_rules! host_calls {
    ($($variant:ident $name:literal,)*) => {
        /// A function of the host.
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum HostCall {
            $($variant,)*
        }

        impl HostCall {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];
            /// How many there are.
            pub(crate) const COUNT: usize = Self::ALL.len();

            /// The name that receipts use: the function's, after its interface's where that is not `snapshot`.
            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

host_calls! {
    Id "id",
    Now "now",
    Stage "stage",
    Phase "phase",
    Scenario "scenario",
    Subject "subject",
    Requester "requester",
    Contributors "contributors",
    Product "product",
    Release "release",
    Components "components",
    ReleaseNotes "release-notes",
    Defects "defects",
    KnowledgeItems "knowledge-items",
    Environment "environment",
    Change "change",
    Plan "plan",
    DesiredInstances "desired-instances",
    ActualInstances "actual-instances",
    Approvals "approvals",
    Approved "approved",
    EvidenceNames "evidence-names",
    Evidence "evidence",
    History "history",
    Labels "labels",
    FactNames "fact-names",
    Fact "fact",
    Log "log",
    DirectoryNames "directory.names",
    DirectoryEntries "directory.entries",
    DirectoryRead "directory.read",
    HttpSend "http.send",
    KeyValueGet "key-value.get",
    KeyValueKeys "key-value.keys",
    KeyValueSet "key-value.set",
    KeyValueDelete "key-value.delete",
}

/// The functions that were called, with how often.
pub(super) fn called(counts: &[u64; HostCall::COUNT]) -> BTreeMap<String, u64> {
    HostCall::ALL
        .iter()
        .zip(counts)
        .filter(|(_, count)| **count > 0)
        .map(|(call, count)| (call.name().to_owned(), *count))
        .collect()
}
