//! The instances in the target environment, which the registers are about.

use crate::Evaluation;
use crate::types::Instance;

/// The actual instances, and those of them that are in the target environment.
///
/// ```
/// use lockgate_plugin::TargetInstances;
/// use lockgate_plugin::testing::Fixture;
///
/// let mut fixture = Fixture::new();
/// fixture.actual_instances = vec![Fixture::instance("shop-1"), Fixture::instance("shop-2")];
/// fixture.actual_instances[1].environment = "staging".to_owned();
/// let instances = TargetInstances::of(&fixture.evaluation());
/// assert_eq!(instances.here().map(|(index, _)| index).collect::<Vec<_>>(), [0]);
/// assert!(instances.concern(Some("shop-1")) && instances.concern(None) && instances.concern(Some("unknown")));
/// assert!(!instances.concern(Some("shop-2")), "it is elsewhere");
/// ```
#[derive(Clone, Debug)]
pub struct TargetInstances {
    environment: String,
    all: Vec<Instance>,
}

impl TargetInstances {
    /// Those of the snapshot.
    pub fn of(evaluation: &Evaluation) -> Self {
        Self { environment: evaluation.environment().name, all: evaluation.actual_instances() }
    }

    /// The name of the target environment.
    pub fn environment(&self) -> &str {
        &self.environment
    }

    fn is_here(&self, instance: &Instance) -> bool {
        instance.environment == self.environment && instance.status.exists()
    }

    /// The instances in the target environment, each with its place in the list.
    pub fn here(&self) -> impl Iterator<Item = (usize, &Instance)> {
        self.all.iter().enumerate().filter(|(_, instance)| self.is_here(instance))
    }

    /// Whether an entry of a register counts that is about this instance; none is about no instance in particular. An
    /// entry counts unless its instance is known and is not in the target environment.
    pub fn concern(&self, instance: Option<&str>) -> bool {
        let known = instance.and_then(|id| self.all.iter().find(|known| known.id == id));
        known.is_none_or(|known| self.is_here(known))
    }
}
