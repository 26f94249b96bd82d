//! Inspects a component without loading it, for `lockgate plugin inspect`.

use lockgate_domain::{Capability, Description, Digest, Kind};

use crate::admission::{self, AdmissionError, AdmissionRefusal, ComponentOutline, InterfaceName};
use crate::capability::Grants;
use crate::freeze::{Freezer, StartUp};
use crate::runtime::Runtime;

/// What a component is, what it asks for, and why it may not be loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Inspection {
    /// The SHA-256 digest of its bytes.
    pub digest: Digest,
    /// Its size, in bytes.
    pub size: u64,
    /// The version of the contract that it was built for; none if it does not export the interface of every plugin.
    pub contract: Option<String>,
    /// The kinds of plugin whose interfaces it exports, in order.
    pub kinds: Vec<Kind>,
    /// Its imports, which are the list of what it can do.
    pub imports: Vec<InspectedImport>,
    /// The result of its `describe`; none if that was not called, because there are refusals, or failed.
    pub description: Option<Description>,
    /// The capabilities that its description asks for.
    pub capabilities: Vec<InspectedCapability>,
    /// The reasons to refuse it under these grants, those of its imports included.
    pub refusals: Vec<AdmissionRefusal>,
    /// Why admission failed although there are no refusals, for example because `describe` trapped.
    pub problem: Option<AdmissionError>,
    /// Whether it can be frozen, as far as its bytes tell; what it does in `configure` can still prevent it.
    pub start_up: StartUp,
}

/// An import of an inspected component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedImport {
    /// The name of the interface, with its version.
    pub name: String,
    /// What a plugin reaches through it, for people; none if this host does not have the interface.
    pub reach: Option<&'static str>,
    /// Why it is refused; none if it is granted.
    pub refusal: Option<AdmissionRefusal>,
}

/// A capability that an inspected component asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectedCapability {
    /// The request, as it stands in the description.
    pub asked: Capability,
    /// Whether the whole scope is granted; none if this host does not have the capability.
    pub granted: Option<bool>,
}

impl Inspection {
    /// Whether the component may be loaded under these grants.
    pub fn is_admissible(&self) -> bool {
        self.refusals.is_empty() && self.problem.is_none()
    }
}

impl Runtime {
    /// Inspects a component. Its `describe` is only called if there are no refusals.
    ///
    /// # Errors
    /// If it is not a valid component, or exceeds a limit.
    pub fn inspect(&self, component: &[u8], grants: &Grants) -> Result<Inspection, AdmissionError> {
        let core = self.core();
        let outline = ComponentOutline::read(component, &core.config, &core.engine)?;
        let judgement = outline.judge(grants);
        let ComponentOutline { digest, size, imports, .. } = outline;
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
