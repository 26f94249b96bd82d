//! The instances in the target environment, which the registers are about.

use lockgate_plugin::Evaluation;
use lockgate_plugin::types::Instance;

/// The actual instances, and those of them that are in the target environment.
pub(crate) struct Instances {
    environment: String,
    all: Vec<Instance>,
}

impl Instances {
    pub(crate) fn of(evaluation: &Evaluation) -> Self {
        Self { environment: evaluation.environment().name, all: evaluation.actual_instances() }
    }

    /// The name of the target environment.
    pub(crate) fn environment(&self) -> &str {
        &self.environment
    }

    fn is_here(&self, instance: &Instance) -> bool {
        instance.environment == self.environment && instance.status.exists()
    }

    /// The instances in the target environment, each with its place in the list.
    pub(crate) fn here(&self) -> impl Iterator<Item = (usize, &Instance)> {
        self.all.iter().enumerate().filter(|(_, instance)| self.is_here(instance))
    }

    /// Whether an entry of a register counts that is about this instance; none is about no instance in particular. An
    /// entry counts unless its instance is known and is not in the target environment.
    pub(crate) fn concern(&self, instance: Option<&str>) -> bool {
        let known = instance.and_then(|id| self.all.iter().find(|known| known.id == id));
        known.is_none_or(|known| self.is_here(known))
    }
}
