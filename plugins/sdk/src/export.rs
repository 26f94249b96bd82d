//! Makes the exports of a component from a plugin type.

use std::sync::RwLock;

use crate::bindings::exports::lockgate::types::plugin::{Description, Readiness, Settings};
use crate::settings::{configure, schema_of};
use crate::{Plugin, PluginError, SettingsFinding};

/// Holds the configured plugin, in memory that the host freezes.
#[doc(hidden)]
#[derive(Debug)]
pub struct Configured<P>(RwLock<Option<P>>);

impl<P: Plugin> Configured<P> {
    /// An empty value: no plugin is configured yet.
    #[expect(clippy::new_without_default, reason = "only the expansion of a macro calls it, in a static")]
    pub const fn new() -> Self {
        Self(RwLock::new(None))
    }

    /// Configures the plugin, and replaces an earlier one.
    pub fn configure(&self, settings: Settings) -> Result<Readiness, Vec<SettingsFinding>> {
        let plugin: P = configure(settings)?;
        let readiness = Readiness { capabilities: plugin.needs(), codes: plugin.codes(), warnings: plugin.warnings() };
        if let Ok(mut held) = self.0.write() {
            *held = Some(plugin);
        }
        Ok(readiness)
    }

    /// Calls the configured plugin.
    pub fn answer<T>(&self, ask: impl FnOnce(&P) -> Result<T, PluginError>) -> Result<T, PluginError> {
        match self.0.read().as_deref() {
            Ok(Some(plugin)) => ask(plugin),
            _ => Err(PluginError::new("not-configured", "the plugin was called before it was configured")),
        }
    }
}

/// The description of the plugin.
#[doc(hidden)]
pub fn describe<P: Plugin>([name, version, summary, documentation, licence]: [&str; 5]) -> Description {
    Description {
        name: name.to_owned(),
        version: version.to_owned(),
        title: P::TITLE.to_owned(),
        summary: summary.to_owned(),
        documentation: documentation.to_owned(),
        licence: licence.to_owned(),
        settings_schema: schema_of::<P>().to_string(),
        capabilities: P::capabilities(),
    }
}

/// Makes the crate a component: `export!(MyPlugin: approval_policy);`.
///
/// The type must implement [`Plugin`] and the trait of each kind: `approval_policy`
/// ([`ApprovalPolicy`](crate::ApprovalPolicy)), `validation_check` ([`ValidationCheck`](crate::ValidationCheck)),
/// `strategy` ([`Strategy`](crate::Strategy)). One component can be of several kinds: `export!(MyPlugin:
/// approval_policy, validation_check);`. Name, version, summary, documentation (`homepage`) and licence of the plugin are those of the
/// package in `Cargo.toml`, which must have a `description`. Use the macro once in a crate. For a native target it only checks
/// that the traits are implemented.
#[macro_export]
macro_rules! export {
    ($plugin:ty : $($kind:ident),+ $(,)?) => {
        const _: () = ::core::assert!(
            !::core::env!("CARGO_PKG_DESCRIPTION").is_empty(),
            "add `description` to the `[package]` of Cargo.toml: it is the summary of the plugin",
        );

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, reason = "exports with fixed names")]
        const _: () = {
            static CONFIGURED: $crate::__private::Configured<$plugin> = $crate::__private::Configured::new();

            struct Component;

            impl $crate::bindings::exports::lockgate::types::plugin::Guest for Component {
                fn describe() -> $crate::bindings::exports::lockgate::types::plugin::Description {
                    $crate::__private::tell_the_host_of_panics();
                    $crate::__private::describe::<$plugin>([
                        ::core::env!("CARGO_PKG_NAME"),
                        ::core::env!("CARGO_PKG_VERSION"),
                        ::core::env!("CARGO_PKG_DESCRIPTION"),
                        ::core::env!("CARGO_PKG_HOMEPAGE"),
                        ::core::env!("CARGO_PKG_LICENSE"),
                    ])
                }

                fn configure(
                    settings: $crate::bindings::exports::lockgate::types::plugin::Settings,
                ) -> ::core::result::Result<
                    $crate::bindings::exports::lockgate::types::plugin::Readiness,
                    ::std::vec::Vec<$crate::SettingsFinding>,
                > {
                    $crate::__private::tell_the_host_of_panics();
                    CONFIGURED.configure(settings)
                }
            }

            $crate::bindings::export_plugin!(Component with_types_in $crate::bindings);

            $($crate::__export_kind!(export $kind for Component from CONFIGURED as $plugin);)+
        };

        #[cfg(not(target_arch = "wasm32"))]
        const _: () = {
            $($crate::__export_kind!(check $kind of $plugin);)+
        };
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_kind {

    (check approval_policy of $plugin:ty) => {
        const _: fn() = || { fn is<T: $crate::ApprovalPolicy>() {} is::<$plugin>() };
    };
    (check validation_check of $plugin:ty) => {
        const _: fn() = || { fn is<T: $crate::ValidationCheck>() {} is::<$plugin>() };
    };
    (check strategy of $plugin:ty) => {
        const _: fn() = || { fn is<T: $crate::Strategy>() {} is::<$plugin>() };
    };

    (export approval_policy for $component:ident from $configured:ident as $plugin:ty) => {
        impl $crate::bindings::approval::exports::lockgate::approval::policy::Guest for $component {
            fn decide(
                evaluation: &$crate::bindings::lockgate::host::snapshot::Evaluation,
            ) -> ::core::result::Result<$crate::Answer, $crate::PluginError> {
                $configured.answer(|plugin| {
                    $crate::ApprovalPolicy::decide(plugin, &$crate::Evaluation::new(evaluation))
                })
            }
        }
        $crate::bindings::approval::export_approval_policy!($component with_types_in $crate::bindings::approval);
    };
    (export validation_check for $component:ident from $configured:ident as $plugin:ty) => {
        impl $crate::bindings::check::exports::lockgate::check::check::Guest for $component {
            fn run(
                evaluation: &$crate::bindings::lockgate::host::snapshot::Evaluation,
            ) -> ::core::result::Result<$crate::Report, $crate::PluginError> {
                $configured.answer(|plugin| {
                    $crate::ValidationCheck::run(plugin, &$crate::Evaluation::new(evaluation))
                })
            }
        }
        $crate::bindings::check::export_validation_check!($component with_types_in $crate::bindings::check);
    };
    (export strategy for $component:ident from $configured:ident as $plugin:ty) => {
        impl $crate::bindings::strategy::exports::lockgate::strategy::strategy::Guest for $component {
            fn plan(
                evaluation: &$crate::bindings::lockgate::host::snapshot::Evaluation,
            ) -> ::core::result::Result<$crate::strategy::Rollout, $crate::PluginError> {
                $configured.answer(|plugin| $crate::Strategy::plan(plugin, &$crate::Evaluation::new(evaluation)))
            }

            fn advance(
                evaluation: &$crate::bindings::lockgate::host::snapshot::Evaluation,
            ) -> ::core::result::Result<$crate::strategy::Action, $crate::PluginError> {
                $configured.answer(|plugin| $crate::Strategy::advance(plugin, &$crate::Evaluation::new(evaluation)))
            }
        }
        $crate::bindings::strategy::export_strategy!($component with_types_in $crate::bindings::strategy);
    };

    ($use:ident $kind:ident $($rest:tt)*) => {
        ::core::compile_error!(::core::concat!(
            "`", ::core::stringify!($kind), "` is not a kind of plugin: ",
            "write `approval_policy`, `validation_check` or `strategy`"
        ));
    };
}
