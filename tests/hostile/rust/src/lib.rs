//! Attacks its host in the way that its settings name: what a compiler makes of an attack is not what one writes by
//! hand. Each attack has a file of its own beside this crate, which says what it must meet.

#![allow(clippy::panic, clippy::indexing_slicing, reason = "to panic is what some of it is for")]

use std::hint::black_box;

use lockgate_plugin::{Answer, ApprovalPolicy, Evaluation, Finding, Plugin, PluginError, SettingsFinding};
use schemars::JsonSchema;
use serde::Deserialize;

/// Which attack.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    attack: Attack,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Attack {
    Panic,
    Index,
    Recursion,
    Allocation,
    Capacity,
    Sorting,
    Log,
    Reasons,
    Findings,
    Evidence,
    Error,
}

#[derive(Debug)]
struct Attacker(Attack);

impl Plugin for Attacker {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Vec<SettingsFinding>> {
        Ok(Self(settings.attack))
    }
}

impl ApprovalPolicy for Attacker {
    fn decide(&self, evaluation: &Evaluation) -> Result<Answer, PluginError> {
        match self.0 {
            Attack::Panic => panic!("on purpose"),
            Attack::Index => drop(black_box([0_u8; 4][black_box(4)])),
            Attack::Recursion => drop(black_box(deep(black_box(0)))),
            Attack::Allocation => {
                let mut kept = Vec::new();
                loop {
                    kept.push(black_box("x".repeat(1000)));
                }
            }
            Attack::Capacity => drop(black_box(Vec::<u8>::with_capacity(black_box(2_000_000_000)))),
            Attack::Sorting => loop {
                let mut numbers: Vec<u32> = (0..100_000_u32).map(|n| n.wrapping_mul(2_654_435_761)).collect();
                numbers.sort_unstable();
                black_box(numbers);
            },
            Attack::Log => (0..1_000_000).for_each(|line| lockgate_plugin::info!("line {line}")),
            Attack::Reasons => {
                return Ok((0..10_000).fold(Answer::allow(), |answer, _| answer.because("because", "why not")));
            }
            Attack::Findings => {
                return Ok(Answer::deny_all((0..10_000).map(|n| Finding::new("finding", format!("number {n}")))));
            }
            Attack::Evidence => {
                for n in 0..1000 {
                    assert!(
                        evaluation.evidence(&format!("{}large", "../".repeat(n % 10))).is_err(),
                        "what was not granted"
                    );
                }
            }
            Attack::Error => return Err(PluginError::new("No Code!", "")),
        }
        Ok(Answer::allow().because("through", "the attack came to nothing"))
    }
}

#[expect(unconditional_recursion, reason = "it is the attack")]
/// Uses some of the stack in each turn, and cannot be made a loop of.
fn deep(turn: u64) -> u64 {
    let kept = black_box([turn; 32]);
    deep(turn + 1) + kept[(turn % 32) as usize]
}

lockgate_plugin::export!(Attacker: approval_policy);
