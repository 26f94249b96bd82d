//! Validates a component and counts what it consists of, in one pass. Each count is compared with its limit as soon as it
//! grows, so the pass ends where a limit does.

use wasmparser::types::Types;
use wasmparser::{
    CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind,
    ComponentTypeRef, Encoding, FuncToValidate, FuncValidatorAllocations, FunctionBody, Instance, OperatorsReader,
    Parser, Payload, ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

use super::AdmissionError;
use super::cost::CompileCost;
use super::limits::AdmissionLimits;

/// Checks that a component is valid and within the limits, and returns the types in it.
pub(crate) fn check(bytes: &[u8], features: WasmFeatures, limits: &AdmissionLimits) -> Result<Types, AdmissionError> {
    let mut validator = Validator::new_with_features(features);
    let mut allocations = FuncValidatorAllocations::default();
    let mut counted = ComponentCount { limits, cost: 0, items: 0, open: Vec::new() };
    let mut parser = Parser::new(0);
    parser.set_features(features);
    let mut outermost = None;
    for payload in parser.parse_all(bytes) {
        let payload = payload?;
        counted.take(&payload)?;
        match validator.payload(&payload)? {
            ValidPayload::Func(function, body) => allocations = counted.function(function, &body, allocations)?,
            ValidPayload::End(types) => outermost = Some(types),
            _ => {}
        }
    }
    outermost
        .ok_or_else(|| AdmissionError::Invalid { offset: bytes.len() as u64, message: "it does not end".to_owned() })
}

/// The counts so far.
struct ComponentCount<'a> {
    limits: &'a AdmissionLimits,
    cost: u64,
    items: u64,
    /// The modules and components that are open at this point, from the outermost on.
    open: Vec<CountedModule>,
}

/// A module or component that is open at this point.
struct CountedModule {
    encoding: Encoding,
    makes: InstanceCount,
    /// The instances that each component of its index space creates. None for a component that is imported or taken from an
    /// instance, which cannot be known.
    components: Vec<Option<InstanceCount>>,
}

/// What instantiating a component creates, directly and through the components that it instantiates.
#[derive(Clone, Copy, Default)]
struct InstanceCount {
    instances: u64,
    adapters: u64,
}

impl InstanceCount {
    fn and(self, other: Self) -> Self {
        Self {
            instances: self.instances.saturating_add(other.instances),
            adapters: self.adapters.saturating_add(other.adapters),
        }
    }
}

impl ComponentCount<'_> {
    /// Counts a section, or the start or end of a module or component.
    fn take(&mut self, payload: &Payload<'_>) -> Result<(), AdmissionError> {
        self.items = self.items.saturating_add(items(payload));
        within("items", self.items, self.limits.items)?;
        match payload {
            Payload::Version { encoding, .. } => {
                self.open.push(CountedModule {
                    encoding: *encoding,
                    makes: InstanceCount::default(),
                    components: Vec::new(),
                });
                return within("levels of nested components", self.open.len() as u64, self.limits.depth);
            }
            Payload::End(_) => {
                if let Some(CountedModule { encoding: Encoding::Component, makes, .. }) = self.open.pop() {
                    self.component(Some(makes));
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    if let ComponentTypeRef::Component(_) = import?.ty {
                        self.component(None);
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section.clone() {
                    self.alias(&alias?);
                }
            }
            Payload::ComponentExportSection(section) => {
                // An exported item gets a new index.
                for export in section.clone() {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Component {
                        self.component(self.makes(export.index));
                    }
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section.clone() {
                    if let Instance::Instantiate { .. } = instance? {
                        self.make(InstanceCount { instances: 1, adapters: 0 })?;
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section.clone() {
                    if let ComponentInstance::Instantiate { component_index, .. } = instance? {
                        let makes = self.makes(component_index).ok_or(AdmissionError::Unforeseeable)?;
                        self.make(makes.and(InstanceCount { instances: 1, adapters: 0 }))?;
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section.clone() {
                    if let CanonicalFunction::Lower { .. } = function? {
                        self.make(InstanceCount { instances: 0, adapters: 1 })?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Adds a component to the index space of the innermost open component.
    fn component(&mut self, makes: Option<InstanceCount>) {
        if let Some(scope) = self.open.last_mut() {
            scope.components.push(makes);
        }
    }

    /// The instances that this component creates, if they can be counted.
    fn makes(&self, index: u32) -> Option<InstanceCount> {
        self.open.last()?.components.get(index as usize).copied().flatten()
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) {
        match alias {
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                let outer = self.open.iter().rev().nth(*count as usize);
                let makes = outer.and_then(|scope| scope.components.get(*index as usize)).copied().flatten();
                self.component(makes);
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => {
                self.component(None);
            }
            _ => {}
        }
    }

    /// Adds to what instantiating the innermost open component creates.
    fn make(&mut self, more: InstanceCount) -> Result<(), AdmissionError> {
        let Some(scope) = self.open.last_mut() else { return Ok(()) };
        scope.makes = scope.makes.and(more);
        within("instances", scope.makes.instances, self.limits.instances)?;
        within("adapters", scope.makes.adapters, self.limits.adapters)
    }

    /// Validates a function and estimates what compiling it costs.
    fn function(
        &mut self,
        function: FuncToValidate<ValidatorResources>,
        body: &FunctionBody<'_>,
        allocations: FuncValidatorAllocations,
    ) -> Result<FuncValidatorAllocations, AdmissionError> {
        let mut function = function.into_validator(allocations);
        let mut reader = body.get_binary_reader();
        function.read_locals(&mut reader)?;
        let mut estimate = CompileCost::new(function.len_locals());
        let mut operators = OperatorsReader::new(reader);
        while !operators.eof() {
            let (operator, offset) = operators.read_with_offset()?;
            function.op(offset, &operator)?;
            estimate.add(&operator, function.operand_stack_height());
        }
        operators.finish()?;
        let (cost, limit) = (estimate.cost(), self.limits.function_cost);
        if cost > limit {
            return Err(AdmissionError::CostlyFunction { function: function.index(), cost, limit });
        }
        self.cost = self.cost.saturating_add(cost);
        let (cost, limit) = (self.cost, self.limits.cost);
        if cost > limit { Err(AdmissionError::Costly { cost, limit }) } else { Ok(function.into_allocations()) }
    }
}

/// The number of items in a section.
fn items(payload: &Payload<'_>) -> u64 {
    let count = match payload {
        Payload::TypeSection(section) => section.count(),
        Payload::ImportSection(section) => section.count(),
        Payload::FunctionSection(section) => section.count(),
        Payload::TableSection(section) => section.count(),
        Payload::MemorySection(section) => section.count(),
        Payload::GlobalSection(section) => section.count(),
        Payload::ExportSection(section) => section.count(),
        Payload::ElementSection(section) => section.count(),
        Payload::DataSection(section) => section.count(),
        Payload::InstanceSection(section) => section.count(),
        Payload::CoreTypeSection(section) => section.count(),
        Payload::ComponentInstanceSection(section) => section.count(),
        Payload::ComponentAliasSection(section) => section.count(),
        Payload::ComponentTypeSection(section) => section.count(),
        Payload::ComponentCanonicalSection(section) => section.count(),
        Payload::ComponentImportSection(section) => section.count(),
        Payload::ComponentExportSection(section) => section.count(),
        _ => 0,
    };
    u64::from(count)
}

fn within(what: &'static str, count: u64, limit: u64) -> Result<(), AdmissionError> {
    if count > limit { Err(AdmissionError::Beyond { what, count, limit }) } else { Ok(()) }
}
