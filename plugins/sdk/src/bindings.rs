//! The code that `wit-bindgen` generates from the contract.
//!
//! There are four small worlds instead of the contract's three: one for the exports of every plugin, and one for each
//! kind. A component of several kinds must export `lockgate:types/plugin` once, and the type section of a kind may only
//! be embedded where that kind is exported. Both follow if each kind has its own world, and so its own export macro.
//! The data types are generated once, here, and the rest of the crate adds methods to them: nothing is converted on the
//! way in or out.
//!
//! The world of every plugin names all capabilities. The linker leaves out what a plugin does not call, and a component
//! then does not import it: its imports are the capabilities that it uses, and standard error, to which [`panic`]
//! prints.

wit_bindgen::generate!({
    path: ["wit/types", "wit/host"],
    inline: "
        package lockgate:guest-plugin;
        world plugin {
            import lockgate:types/types@0.2.0-rc.2;
            import lockgate:types/rollouts@0.2.0-rc.2;
            import lockgate:types/registers@0.2.0-rc.2;
            import lockgate:host/snapshot@0.2.0-rc.2;
            import lockgate:host/log@0.2.0-rc.2;
            import lockgate:host/directory@0.2.0-rc.2;
            import lockgate:host/http@0.2.0-rc.2;
            import lockgate:host/key-value@0.2.0-rc.2;
            export lockgate:types/plugin@0.2.0-rc.2;
        }
    ",
    world: "plugin",
    generate_all,
    generate_unused_types: true,
    pub_export_macro: true,
    export_macro_name: "export_plugin",
    default_bindings_module: "lockgate_plugin::bindings",
    additional_derives: [PartialEq],
    // Settings may contain enums. Native tests read everything from a snapshot document, in the form that the host
    // writes: moments and durations as text, and empty fields left out.
    additional_type_attributes: {
        "lockgate:types/types@0.2.0-rc.2/stage": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/phase": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/scenario": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/release-status": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/defect-status": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/severity": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/knowledge-status": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/environment-control": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/change-category": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/change-approval": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/level": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/approval-answer": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/verification": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/instance-status": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/deployment-result": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/way-back-kind": [#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)] #[serde(rename_all = "kebab-case")]],
        "lockgate:types/types@0.2.0-rc.2/attribute": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/component": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/release": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/release-notes": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/defect": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/knowledge-item": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/product": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/environment": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/time-window": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/money": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/change": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/person": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/approval": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/data-retention": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/way-back": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/plan": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/instance": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/deployment-record": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/gate-passage": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/approved-plan": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/evidence": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/overlap": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/order": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/fulfillment-book": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/service-contract": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/kpi": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/monitor": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/event": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/incident": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/interaction": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/runbook": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/audit-finding": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/supplier": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/capacity": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/sample": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/sample-interval": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/receiver": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/hand-over": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/registers@0.2.0-rc.2/competence": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
        "lockgate:types/types@0.2.0-rc.2/provenance": [#[cfg_attr(not(target_arch = "wasm32"), derive(serde::Deserialize))]],
    },
    additional_member_attributes: {
        "lockgate:types/types@0.2.0-rc.2/time-window.start": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::moment"))]],
        "lockgate:types/types@0.2.0-rc.2/time-window.end": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::moment"))]],
        "lockgate:types/types@0.2.0-rc.2/approval.at": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::moment"))]],
        "lockgate:types/types@0.2.0-rc.2/approved-plan.at": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::moment"))]],
        "lockgate:types/types@0.2.0-rc.2/gate-passage.at": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::moment"))]],
        "lockgate:types/types@0.2.0-rc.2/deployment-record.requested": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/event.at": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/interaction.at": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/audit-finding.raised": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/sample.at": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/sample-interval.start": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/sample-interval.first": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/sample-interval.last": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::moment"))]],
        "lockgate:types/types@0.2.0-rc.2/hand-over.proposed": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::moment"))]],
        "lockgate:types/types@0.2.0-rc.2/knowledge-item.expires": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/approval.expires": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/change.approved-at": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/plan.notice": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/instance.created": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/instance.modified": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/deployment-record.began": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/deployment-record.ended": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/evidence.made": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/evidence.attested": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/evidence.valid-until": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/order.placed": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/order.due": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/kpi.measured": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/monitor.last-run": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/incident.outage-start": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/incident.outage-end": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/audit-finding.due": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/capacity.measured": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/registers@0.2.0-rc.2/competence.valid-until": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/provenance.as-of": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/provenance.recorded": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/provenance.valid-until": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/hand-over.accepted": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_moment"))]],
        "lockgate:types/types@0.2.0-rc.2/data-retention.keep": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::length"))]],
        "lockgate:types/registers@0.2.0-rc.2/sample-interval.length": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::length"))]],
        "lockgate:types/registers@0.2.0-rc.2/sample-interval.longest-gap": [#[cfg_attr(not(target_arch = "wasm32"), serde(deserialize_with = "crate::testing::length"))]],
        "lockgate:types/registers@0.2.0-rc.2/fulfillment-book.execution-time": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_length"))]],
        "lockgate:types/registers@0.2.0-rc.2/monitor.interval": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_length"))]],
        "lockgate:types/types@0.2.0-rc.2/component.retention": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::optional_length"))]],
        "lockgate:types/types@0.2.0-rc.2/release.attributes": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::attributes"))]],
        "lockgate:types/types@0.2.0-rc.2/product.attributes": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::attributes"))]],
        "lockgate:types/types@0.2.0-rc.2/environment.parameters": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::attributes"))]],
        "lockgate:types/types@0.2.0-rc.2/change.attributes": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::attributes"))]],
        "lockgate:types/types@0.2.0-rc.2/approved-plan.parts": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::attributes"))]],
        "lockgate:types/registers@0.2.0-rc.2/order.required": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::attributes"))]],
        "lockgate:types/registers@0.2.0-rc.2/supplier.attributes": [#[cfg_attr(not(target_arch = "wasm32"), serde(default, deserialize_with = "crate::testing::attributes"))]],
        "lockgate:types/types@0.2.0-rc.2/release.tags": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/release-notes.defects": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/product.name": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/product.depends-on": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/product.segments": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/environment.live": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/environment.purpose": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/person.roles": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/plan.office-hours-exception": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/plan.targets": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/plan.staying": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/plan.criteria": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/plan.resources": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/provenance.roles": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/hand-over.runbooks": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/hand-over.knowledge-items": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/hand-over.service-contracts": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/hand-over.monitors": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/instance.name": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/instance.monitored": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/instance.documented": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/instance.content": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/deployment-record.live": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/deployment-record.incidents": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/evidence.name": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/evidence.subjects": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/overlap.under-way": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/order.fulfilled": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/fulfillment-book.verified": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/service-contract.maintenance": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/service-contract.blackouts": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/service-contract.objectives": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/kpi.objective": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/kpi.counter": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/kpi.samples": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/event.correlated": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/incident.title": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/incident.changes": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/incident.instances": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/runbook.kind": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/supplier.contracts": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/registers@0.2.0-rc.2/supplier.does": [#[cfg_attr(not(target_arch = "wasm32"), serde(default))]],
        "lockgate:types/types@0.2.0-rc.2/person.kind": [#[cfg_attr(not(target_arch = "wasm32"), serde(default = "crate::testing::person_kind"))]],
        "lockgate:types/types@0.2.0-rc.2/knowledge-item.kind": [#[cfg_attr(not(target_arch = "wasm32"), serde(default = "crate::testing::knowledge_kind"))]],
        "lockgate:types/types@0.2.0-rc.2/approval.credential": [#[cfg_attr(not(target_arch = "wasm32"), serde(default = "crate::testing::credential"))]],
        "lockgate:types/types@0.2.0-rc.2/evidence.credential": [#[cfg_attr(not(target_arch = "wasm32"), serde(default = "crate::testing::credential"))]],
        "lockgate:types/types@0.2.0-rc.2/provenance.credential": [#[cfg_attr(not(target_arch = "wasm32"), serde(default = "crate::testing::credential"))]],
        "lockgate:types/types@0.2.0-rc.2/approval.signature": [#[cfg_attr(not(target_arch = "wasm32"), serde(default = "crate::testing::absent"))]],
        "lockgate:types/types@0.2.0-rc.2/evidence.verification": [#[cfg_attr(not(target_arch = "wasm32"), serde(default = "crate::testing::absent"))]],
        "lockgate:types/types@0.2.0-rc.2/provenance.verification": [#[cfg_attr(not(target_arch = "wasm32"), serde(default = "crate::testing::absent"))]],
        "lockgate:types/types@0.2.0-rc.2/deployment-record.iteration": [#[cfg_attr(not(target_arch = "wasm32"), serde(default = "crate::testing::first"))]],
    },
});

#[cfg(target_arch = "wasm32")]
pub mod panic {
    //! Standard error of WASI. It reaches nothing: the host puts the end of the output into the failure.
    wit_bindgen::generate!({
        path: [],
        inline: "
            package lockgate:guest-panic;
            world panic {
                import wasi:cli/stderr@0.2.0;
            }

            package wasi:io@0.2.0 {
                interface error {
                    resource error;
                }
                interface streams {
                    use error.{error};
                    variant stream-error { last-operation-failed(error), closed }
                    resource output-stream {
                        blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
                    }
                }
            }

            package wasi:cli@0.2.0 {
                interface stderr {
                    use wasi:io/streams@0.2.0.{output-stream};
                    get-stderr: func() -> output-stream;
                }
            }
        ",
        world: "panic",
        generate_all,
    });
}

pub mod approval {
    //! The world of approval policies.
    wit_bindgen::generate!({
        path: ["wit/types", "wit/host", "wit/approval"],
        inline: "
            package lockgate:guest-approval;
            world approval {
                export lockgate:approval/policy@0.2.0-rc.2;
            }
        ",
        world: "approval",
        with: {
            "lockgate:types/types@0.2.0-rc.2": crate::bindings::lockgate::types::types,
            "lockgate:types/rollouts@0.2.0-rc.2": crate::bindings::lockgate::types::rollouts,
            "lockgate:types/registers@0.2.0-rc.2": crate::bindings::lockgate::types::registers,
            "lockgate:host/snapshot@0.2.0-rc.2": crate::bindings::lockgate::host::snapshot,
        },
        pub_export_macro: true,
        export_macro_name: "export_approval_policy",
        default_bindings_module: "lockgate_plugin::bindings::approval",
        additional_derives: [PartialEq],
    });
}

pub mod check {
    //! The world of validation checks.
    wit_bindgen::generate!({
        path: ["wit/types", "wit/host", "wit/check"],
        inline: "
            package lockgate:guest-check;
            world check {
                export lockgate:check/check@0.2.0-rc.2;
            }
        ",
        world: "check",
        with: {
            "lockgate:types/types@0.2.0-rc.2": crate::bindings::lockgate::types::types,
            "lockgate:types/rollouts@0.2.0-rc.2": crate::bindings::lockgate::types::rollouts,
            "lockgate:types/registers@0.2.0-rc.2": crate::bindings::lockgate::types::registers,
            "lockgate:host/snapshot@0.2.0-rc.2": crate::bindings::lockgate::host::snapshot,
        },
        pub_export_macro: true,
        export_macro_name: "export_validation_check",
        default_bindings_module: "lockgate_plugin::bindings::check",
        additional_derives: [PartialEq],
    });
}

pub mod strategy {
    //! The world of deployment strategies.
    wit_bindgen::generate!({
        path: ["wit/types", "wit/host", "wit/strategy"],
        inline: "
            package lockgate:guest-strategy;
            world strategy {
                export lockgate:strategy/strategy@0.2.0-rc.2;
            }
        ",
        world: "strategy",
        with: {
            "lockgate:types/types@0.2.0-rc.2": crate::bindings::lockgate::types::types,
            "lockgate:types/rollouts@0.2.0-rc.2": crate::bindings::lockgate::types::rollouts,
            "lockgate:types/registers@0.2.0-rc.2": crate::bindings::lockgate::types::registers,
            "lockgate:host/snapshot@0.2.0-rc.2": crate::bindings::lockgate::host::snapshot,
        },
        pub_export_macro: true,
        export_macro_name: "export_strategy",
        default_bindings_module: "lockgate_plugin::bindings::strategy",
        additional_derives: [PartialEq],
    });
}
