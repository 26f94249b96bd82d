//! The deployment models of organisations: each names and words its own, and binds the bundled plugins as it likes.

use std::fs;
use std::path::Path;
use std::process::Command;

use fastrand::Rng;
use lockgate_tests::tree;

use super::documents::{one, sentence, version};

const PLUGINS: [&str; 8] = [
    "blue-green",
    "canary",
    "change-window",
    "component-integrity",
    "four-eyes",
    "instance-readiness",
    "release-readiness",
    "sbom-policy",
];

/// What an organisation calls what its models are about.
pub(crate) struct Organisation {
    /// The ids of products that are delivered by a canary with checks at every gate begin with it.
    pub(crate) service: String,
    /// Those of products that are delivered blue-green, and that only people look at.
    pub(crate) platform: String,
    /// The binding of the first that people approve at, and the group of the second.
    pub(crate) people: &'static str,
    pub(crate) owners: &'static str,
    /// The binding that looks at the time.
    pub(crate) window: &'static str,
    /// Whether it has the models of the examples, too.
    pub(crate) has_examples: bool,
    /// Where components come from.
    pub(crate) origin: String,
}

impl Organisation {
    pub(crate) fn draw(random: &mut Rng, number: usize) -> Self {
        let name = one(random, &["acme", "initech", "umbrella", "hooli", "globex", "stark", "wayne", "tyrell"]);
        Self {
            service: format!("{}-", one(random, &["svc", "service", "app", "api", "srv"])),
            platform: format!("{}-", one(random, &["plt", "platform", "base", "infra", "core"])),
            people: one(random, &["people", "four-eyes", "sign-off", "approvals"]),
            owners: one(random, &["owners", "stakeholders", "managers"]),
            window: one(random, &["window", "change-window", "calendar"]),
            has_examples: number.is_multiple_of(4),
            origin: format!("git+https://git.{name}.example.com"),
        }
    }

    /// A canary in three steps, with checks at every gate and exceptions.
    fn service_model(&self, random: &mut Rng) -> String {
        let Self { service, people, window, origin, .. } = self;
        let [release, components, ready] =
            [["release", "readiness"], ["components", "integrity"], ["ready", "instances"]].map(|of| one(random, &of));
        format!(
            r#"
            applies-when = '{}'

            [strategy]
            plugin = "canary"
            settings.steps = [
                {{ weight = 5, analyze = ["running"] }},
                {{ weight = 25, confirm = true }},
                {{ weight = 100, analyze = ["running"] }},
            ]

            [analyses.running]
            plugin = "instance-readiness"
            settings.documented = false
            settings.configured = false

            [[gates]]
            stage = "plan-and-approve"
            phase = "entrance"
            [[gates.bindings]]
            id = "{release}"
            plugin = "release-readiness"
            enforcement = "hard-mandatory"
            settings.worst-open-defect = "low"
            [[gates.bindings]]
            id = "{components}"
            plugin = "component-integrity"
            enforcement = "hard-mandatory"
            settings.allowed-origins = ["{origin}/*"]
            [[gates.bindings]]
            id = "licences"
            plugin = "sbom-policy"
            enforcement = "advisory"
            grants.evidence = ["sbom"]
            settings.denied-licences = ["AGPL-*", "SSPL-*"]

            [[gates]]
            stage = "plan-and-approve"
            phase = "exit"
            [[gates.bindings]]
            id = "{people}"
            plugin = "four-eyes"
            enforcement = "soft-mandatory"
            two-person-override = true
            settings.required = [{{ role = "change-authority" }}]
            settings.max-age = "14d"
            settings.by-risk.high = {{ people = 2 }}
            [[gates.bindings]]
            id = "{window}"
            plugin = "change-window"
            enforcement = "soft-mandatory"
            waivable = true
            settings.time-zone = "{}"
            settings.planned-window = false
            settings.blackouts = [{{ name = "{}", from = "01-02", until = "12-30" }}]

            [[gates]]
            stage = "fulfill"
            phase = "entrance"
            [[gates.bindings]]
            id = "{components}"
            plugin = "component-integrity"
            enforcement = "hard-mandatory"
            settings.allowed-origins = ["{origin}/*"]

            [[gates]]
            stage = "validate"
            phase = "exit"
            [[gates.bindings]]
            id = "{components}"
            plugin = "component-integrity"
            enforcement = "hard-mandatory"
            [[gates.bindings]]
            id = "{ready}"
            plugin = "instance-readiness"
            enforcement = "hard-mandatory"

            [[gates]]
            stage = "observe"
            phase = "exit"
            [[gates.bindings]]
            id = "handover"
            plugin = "release-readiness"
            enforcement = "soft-mandatory"
            settings.knowledge-items = ["ki-operating"]
            "#,
            condition(random, service),
            one(random, &["Europe/Berlin", "UTC", "America/New_York", "Asia/Tokyo"]),
            sentence(random),
        )
    }

    /// Two people at the exit of plan-and-approve, and nothing else: what most decisions are made by.
    fn platform_model(&self, random: &mut Rng) -> String {
        let Self { platform, people, owners, .. } = self;
        format!(
            r#"
            applies-when = '{}'

            [strategy]
            plugin = "blue-green"
            settings.retire-after = "1s"

            [[gates]]
            stage = "plan-and-approve"
            phase = "exit"
            [[gates.bindings]]
            id = "{people}"
            plugin = "four-eyes"
            enforcement = "hard-mandatory"
            settings.required = [{{ role = "change-authority" }}]
            [[gates.bindings]]
            id = "operations-manager"
            plugin = "four-eyes"
            group = "{owners}"
            settings.required = [{{ role = "operations-manager" }}]
            [[gates.bindings]]
            id = "product-manager"
            plugin = "four-eyes"
            group = "{owners}"
            settings.required = [{{ role = "product-manager" }}]
            [[gates.groups]]
            id = "{owners}"
            enforcement = "soft-mandatory"
            expression = 'members.exists(m, m.standing == "allow")'
            "#,
            condition(random, platform),
        )
    }

    /// Writes the models into a folder: the value of `--models`.
    pub(crate) fn write_models(&self, random: &mut Rng, folder: &Path) -> String {
        let mut models = Vec::new();
        for (number, text) in [self.service_model(random), self.platform_model(random)].into_iter().enumerate() {
            let named = PLUGINS.into_iter().filter(|plugin| text.contains(&format!("plugin = \"{plugin}\"")));
            let tables = named.map(|plugin| {
                let file = format!("{plugin}.wasm");
                fs::copy(tree("plugins").join(&file), folder.join(&file)).unwrap();
                format!("[plugins.{plugin}]\ncomponent = \"{file}\"\n")
            });
            let (head, rest) = text.split_once("[strategy]").unwrap();
            let words = sentence(random);
            let id = words.to_lowercase().replace(' ', "-");
            let head = format!("id = \"{id}\"\nversion = \"{}\"\ntitle = \"{words}\"\n{head}", version(random));
            let model = format!("{head}\n{}\n[strategy]{rest}", tables.collect::<String>());
            let file = folder.join(format!("{number}.toml"));
            fs::write(&file, model).unwrap();
            let pinned = Command::new(tree("bin/lockgate")).args(["model", "pin"]).arg(&file).output().unwrap();
            assert!(pinned.status.success(), "{}", String::from_utf8_lossy(&pinned.stderr));
            models.push(file);
        }
        if self.has_examples {
            let examples = ["quick-start", "first-release", "removal"].into_iter();
            models.extend(examples.map(|example| tree("examples").join(example).join("model.toml")));
        }
        models.iter().map(|file| file.to_str().unwrap()).collect::<Vec<_>>().join(",")
    }
}

/// An expression for new versions of products whose ids begin with something.
fn condition(random: &mut Rng, prefix: &str) -> String {
    let product = format!("product.id.startsWith(\"{prefix}\")");
    match random.u8(0..3) {
        0 => product,
        1 => format!("scenario == \"new-version\" && {product}"),
        _ => format!("{product} && environment.kind in [\"staging\", \"live\"]"),
    }
}
