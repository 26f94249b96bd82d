//! What `wit-bindgen` makes of the contract.
//!
//! Four small worlds instead of the contract's three: one for what every plugin exports, one for each kind. A component
//! that is of several kinds must export `lockgate:types/plugin` once, and the type section of a kind may only be
//! embedded where that kind is exported; both follow when each kind has a world, and so an export macro, of its own.
//! The data types are generated once, here, and are what the rest of the crate adds methods to: nothing is converted
//! on the way in or out.

wit_bindgen::generate!({
    path: ["wit/types", "wit/host"],
    inline: "
        package lockgate:guest-plugin;
        world plugin {
            import lockgate:types/types@0.1.0;
            import lockgate:host/snapshot@0.1.0;
            import lockgate:host/log@0.1.0;
            export lockgate:types/plugin@0.1.0;
        }
    ",
    world: "plugin",
    generate_all,
    generate_unused_types: true,
    pub_export_macro: true,
    export_macro_name: "export_plugin",
    default_bindings_module: "lockgate_plugin::bindings",
    additional_derives: [PartialEq],
});

pub mod approval {
    //! The world of approval policies.
    wit_bindgen::generate!({
        path: ["wit/types", "wit/host", "wit/approval"],
        inline: "
            package lockgate:guest-approval;
            world approval {
                export lockgate:approval/policy@0.1.0;
            }
        ",
        world: "approval",
        with: {
            "lockgate:types/types@0.1.0": crate::bindings::lockgate::types::types,
            "lockgate:host/snapshot@0.1.0": crate::bindings::lockgate::host::snapshot,
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
                export lockgate:check/check@0.1.0;
            }
        ",
        world: "check",
        with: {
            "lockgate:types/types@0.1.0": crate::bindings::lockgate::types::types,
            "lockgate:host/snapshot@0.1.0": crate::bindings::lockgate::host::snapshot,
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
                export lockgate:strategy/strategy@0.1.0;
            }
        ",
        world: "strategy",
        with: {
            "lockgate:types/types@0.1.0": crate::bindings::lockgate::types::types,
            "lockgate:host/snapshot@0.1.0": crate::bindings::lockgate::host::snapshot,
        },
        pub_export_macro: true,
        export_macro_name: "export_strategy",
        default_bindings_module: "lockgate_plugin::bindings::strategy",
        additional_derives: [PartialEq],
    });
}
