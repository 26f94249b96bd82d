//! Whatever is done to sessions, they do what a map would do.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const QUOTA: u64 = 24;

#[derive(Clone, Debug)]
enum Operation {
    Get(String),
    Keys(String),
    Set(String, Vec<u8>),
    Delete(String),
    /// The call gave an answer.
    Commit,
    /// The call failed.
    Fail,
}

fn operation() -> impl Strategy<Value = Operation> {
    // Few and short, so that they meet and the room runs out.
    let key = || "[ab]{1,3}";
    prop_oneof![
        2 => key().prop_map(Operation::Get),
        1 => "[ab]{0,2}".prop_map(Operation::Keys),
        4 => (key(), vec(any::<u8>(), 0..8)).prop_map(|(key, value)| Operation::Set(key, value)),
        2 => key().prop_map(Operation::Delete),
        1 => Just(Operation::Commit),
        1 => Just(Operation::Fail),
    ]
}

type Values = BTreeMap<String, Vec<u8>>;

fn room(values: &Values) -> usize {
    values.iter().map(|(key, value)| key.len() + value.len()).sum()
}

proptest! {
    #![proptest_config(lockgate_repeat::Repeat::new(64, 3200).property())]

    #[test]
    fn sessions_do_what_a_map_would_do(operations in vec(operation(), 0..60)) {
        let (_place, _, namespaces) = folder();
        let open = || {
            let namespaces: Arc<dyn Namespaces> = Arc::<FolderOfNamespaces>::clone(&namespaces);
            let grant = KeyValueGrant { quota: QUOTA, ..KeyValueGrant::new("counter", NamespaceAccess::ReadWrite) };
            NamespaceSession::new(grant, namespaces)
        };
        let (mut kept, mut seen) = (Values::new(), Values::new());
        let mut session = open();
        for operation in operations {
            match operation {
                Operation::Get(key) => prop_assert_eq!(session.value(&key), Ok(seen.get(&key).cloned())),
                Operation::Keys(prefix) => {
                    let expected: Vec<_> = seen.keys().filter(|key| key.starts_with(&prefix)).cloned().collect();
                    prop_assert_eq!(session.keys_from(&prefix), Ok(expected));
                }
                Operation::Set(key, value) => {
                    let mut then = seen.clone();
                    then.insert(key.clone(), value.clone());
                    let fits = room(&then) as u64 <= QUOTA;
                    let expected = if fits { Ok(()) } else { Err(KeyValueError::QuotaExceeded(QUOTA)) };
                    prop_assert_eq!(session.give(&key, value), expected);
                    if fits {
                        seen = then;
                    }
                }
                Operation::Delete(key) => {
                    prop_assert_eq!(session.take(&key), Ok(()));
                    seen.remove(&key);
                }
                Operation::Commit => {
                    keep(session, &namespaces).unwrap();
                    kept.clone_from(&seen);
                    session = open();
                }
                Operation::Fail => {
                    seen.clone_from(&kept);
                    session = open();
                }
            }
        }
        prop_assert_eq!(namespaces.read("counter").unwrap(), kept);
    }
}
