//! The combination of standings, as properties.
use std::convert::Infallible;

use lockgate_domain::combine::{Voice, of_group, verdict};
use lockgate_domain::{Enforcement, Standing, Verdict};
use proptest::prelude::*;

const STANDINGS: [Standing; 5] =
    [Standing::Allow, Standing::Deny, Standing::Pending, Standing::Error, Standing::NotApplicable];
const ENFORCEMENTS: [Enforcement; 3] = [Enforcement::Advisory, Enforcement::SoftMandatory, Enforcement::HardMandatory];

fn voice() -> impl Strategy<Value = Voice> {
    let parts = (prop::sample::select(&STANDINGS[..]), prop::sample::select(&ENFORCEMENTS[..]));
    parts.prop_map(|(standing, enforcement)| Voice { standing, enforcement })
}

fn permissive(verdict: Verdict) -> bool {
    verdict == Verdict::Allow
}

proptest! {
    #![proptest_config(lockgate_repeat::Repeat::new(256, 12_800).property())]

    #[test]
    fn order_never_matters(voices in prop::collection::vec(voice(), 0..12), rotation in 0_usize..12, breached: bool) {
        let mut turned = voices.clone();
        turned.reverse();
        if !turned.is_empty() {
            let middle = rotation % turned.len();
            turned.rotate_left(middle);
        }
        prop_assert_eq!(verdict(voices, breached), verdict(turned, breached));
    }

    #[test]
    fn one_more_mandatory_no_always_denies(
        mut voices in prop::collection::vec(voice(), 0..12), place in 0_usize..12, hard: bool, breached: bool,
    ) {
        let enforcement = if hard { Enforcement::HardMandatory } else { Enforcement::SoftMandatory };
        let place = place.min(voices.len());
        voices.insert(place, Voice { standing: Standing::Deny, enforcement });
        prop_assert_eq!(verdict(voices, breached), Verdict::Deny);
    }

    #[test]
    fn one_more_voice_never_turns_another_verdict_into_an_allowance(
        mut voices in prop::collection::vec(voice(), 0..12), more in voice(), breached: bool,
    ) {
        let before = verdict(voices.clone(), breached);
        voices.push(more);
        prop_assert!(permissive(before) || !permissive(verdict(voices, breached)));
    }

    #[test]
    fn a_breach_of_a_host_rule_always_denies(voices in prop::collection::vec(voice(), 0..12)) {
        prop_assert_eq!(verdict(voices, true), Verdict::Deny);
    }

    #[test]
    fn advisory_voices_never_change_the_verdict(
        voices in prop::collection::vec(voice(), 0..12), advice in prop::collection::vec(voice(), 0..6), breached: bool,
    ) {
        let advice = advice.into_iter().map(|voice| Voice { enforcement: Enforcement::Advisory, ..voice });
        let with: Vec<Voice> = voices.iter().copied().chain(advice).collect();
        prop_assert_eq!(verdict(with, breached), verdict(voices, breached));
    }

    #[test]
    fn a_group_of_n_of_m_allows_exactly_when_n_members_allow(
        members in prop::collection::vec((prop::sample::select(&STANDINGS[..]), Just(true)), 1..8), needed in 1_usize..8,
    ) {
        let count = |wanted: Standing| members.iter().filter(|(standing, _)| *standing == wanted).count();
        let said = of_group(&members, |standings| {
            Ok::<_, Infallible>(standings.iter().filter(|standing| **standing == Standing::Allow).count() >= needed)
        });
        let (yes, not_yet, unknown) = (count(Standing::Allow), count(Standing::Pending), count(Standing::Error));
        let expected = if yes >= needed {
            Standing::Allow
        } else if yes + not_yet >= needed {
            Standing::Pending
        } else if yes + not_yet + unknown >= needed {
            Standing::Error
        } else {
            Standing::Deny
        };
        prop_assert_eq!(said, Ok(expected));
    }
}

#[test]
fn each_mandatory_standing_has_its_verdict() {
    let of = |standing| verdict([Voice { standing, enforcement: Enforcement::SoftMandatory }], false);
    assert_eq!(STANDINGS.map(of), [Verdict::Allow, Verdict::Deny, Verdict::Pending, Verdict::Error, Verdict::Allow]);
}

#[test]
fn a_known_no_outweighs_a_broken_plugin_which_outweighs_a_missing_approval() {
    let all = |standings: &[Standing]| {
        let mandatory = |standing: &Standing| Voice { standing: *standing, enforcement: Enforcement::HardMandatory };
        verdict(standings.iter().map(mandatory), false)
    };
    assert_eq!(all(&[Standing::Pending, Standing::Error, Standing::Deny]), Verdict::Deny);
    assert_eq!(all(&[Standing::Pending, Standing::Error, Standing::Allow]), Verdict::Error);
    assert_eq!(all(&[Standing::Pending, Standing::Allow]), Verdict::Pending);
}

#[test]
fn a_group_whose_members_were_not_asked_has_nothing_to_say() {
    let members = [(Standing::NotApplicable, false), (Standing::NotApplicable, false)];
    assert_eq!(of_group(&members, |_| Ok::<_, Infallible>(false)), Ok(Standing::NotApplicable));
    let abstained = [(Standing::NotApplicable, true), (Standing::NotApplicable, false)];
    assert_eq!(of_group(&abstained, |_| Ok::<_, Infallible>(false)), Ok(Standing::Deny));
}
