//! Looking at a component without loading it.

use lockgate_domain::{Capability, Description, Digest, Kind};

use crate::admission::{self, AdmissionError, AdmissionRefusal, ComponentOutline, InterfaceName};
use crate::capability::Grants;
use crate::freeze::{Freezer, StartUp};
use crate::runtime::Runtime;

/// What a component is, what it asks for, and what stands against it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The digest of its bytes.
    pub digest: Digest,
    /// Their number.
    pub size: u64,
    /// The version of the contract that it was built for; none if it does not export what every plugin exports.
    pub contract: Option<String>,
    /// The kinds whose interfaces it exports, in order.
    pub kinds: Vec<Kind>,
    /// What it imports: the list of what it can do.
    pub imports: Vec<InspectedImport>,
    /// What it says of itself; none if it was not asked, because something stands against it, or gave no answer.
    pub description: Option<Description>,
    /// The capabilities that it asks for in its description.
    pub capabilities: Vec<InspectedCapability>,
    /// What stands against it under these grants: the refusals of its imports among them.
    pub refusals: Vec<AdmissionRefusal>,
    /// Why it could not be asked what it is, though nothing stood against it.
    pub problem: Option<AdmissionError>,
    /// Whether it can be configured once, as far as its form tells; what it does in `configure` can still prevent it.
    pub start_up: StartUp,
}

/// One import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedImport {
    /// Its name, with its version.
    pub name: String,
    /// What a plugin reaches through it, in words; none if this host does not offer it.
    pub reach: Option<&'static str>,
    /// Why it is refused; none if it is granted.
    pub refusal: Option<AdmissionRefusal>,
}

/// One capability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedCapability {
    /// What is asked for, and what for.
    pub asked: Capability,
    /// Whether all of it is granted; none if this host does not know the capability.
    pub granted: Option<bool>,
}

impl Inspection {
    /// Whether it may be loaded under these grants.
    pub fn is_admissible(&self) -> bool {
        self.refusals.is_empty() && self.problem.is_none()
    }
}

impl Runtime {
    /// Looks at a component. It is only run, to ask what it is, if nothing stands against it.
    ///
    /// # Errors
    /// If it is no component at all, or larger than is looked at.
    pub fn inspect(&self, component: &[u8], grants: &Grants) -> Result<Inspection, AdmissionError> {
        let core = self.core();
        let ComponentOutline { digest, size, imports, exports } =
            ComponentOutline::read(component, &core.config, &core.engine)?;
        let judgement = admission::judge(&imports, &exports, grants);
        let (description, problem) = if judgement.refusals.is_empty() {
            match self.admit(component, grants) {
                Ok(admitted) => (Some(admitted.description), None),
                Err(problem) => (None, Some(problem)),
            }
        } else {
            (None, None)
        };
        let asked = description.iter().flat_map(|description| &description.capabilities);
        Ok(Inspection {
            digest,
            size,
            contract: judgement.contract,
            kinds: judgement.kinds,
            imports: imports
                .into_iter()
                .map(|name| InspectedImport {
                    reach: admission::reach(InterfaceName::of(&name), grants),
                    refusal: admission::refuse(InterfaceName::of(&name), grants),
                    name,
                })
                .collect(),
            capabilities: asked
                .map(|asked| InspectedCapability { granted: grants.covers(asked), asked: asked.clone() })
                .collect(),
            description,
            refusals: judgement.refusals,
            problem,
            start_up: match Freezer::new(component) {
                Ok(_) => StartUp::Frozen,
                Err(reason) => StartUp::ConfiguredPerCall { reason },
            },
        })
    }
}
