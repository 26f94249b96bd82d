//! Whether the product, and the products that it depends on, have enough capacity left.

use lockgate_plugin::registers::Capacity;
use lockgate_plugin::time::{Freshness, Timestamp};
use lockgate_plugin::types::{Phase, Stage};
use lockgate_plugin::{
    CorrectionNeeded, Evaluation, FactNeeded, Finding, Findings, Measurement, PluginError, Pointer, Requirement,
};

use crate::settings::{CAPACITIES, NeededAmount, Settings};

/// Looks at the register of capacities, and returns the free shares.
pub(crate) fn check(
    settings: &Settings,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> Result<Vec<Measurement>, PluginError> {
    let Some(capacities) = CAPACITIES.entries(evaluation.capacities(), findings)? else { return Ok(Vec::new()) };
    let product = evaluation.product();
    let depended_on = product.depends_on.iter().filter(|_| settings.depended_on());
    let named = settings.needed.iter().filter_map(|needed| needed.product.as_ref());
    let mut products: Vec<&String> = Vec::new();
    for product in std::iter::once(&product.id).chain(depended_on).chain(named) {
        if !products.contains(&product) {
            products.push(product);
        }
    }
    let mut measurements = Vec::new();
    for product in products {
        let of_product = capacities.iter().enumerate().filter(|(_, capacity)| capacity.product == *product);
        let mut is_known = false;
        for (index, capacity) in of_product {
            is_known = true;
            let place = CAPACITIES.place().index(index);
            if is_usable(capacity, &place, settings, evaluation, findings) {
                measurements.extend(free_share(capacity, &place, settings.least_free_percent(), findings));
            }
        }
        if !is_known {
            findings.unknown("capacity-unknown", |code| {
                let message = format!("the register has no capacity of the product `{product}`");
                let remedy =
                    CAPACITIES.fill(format!("enter the capacities of the product `{product}` in the register"));
                Finding::new(code, message).about(product).at(CAPACITIES.place()).remedy(remedy)
            });
        }
    }
    // At the exit of fulfill, the release has what it needs.
    if !evaluation.has_reached(Stage::Fulfill, Phase::Exit) {
        for needed in &settings.needed {
            amount(needed, &product.id, &capacities, findings);
        }
    }
    Ok(measurements)
}

/// Whether the numbers of a capacity are such that something follows from them.
fn is_clear(capacity: &Capacity) -> bool {
    capacity.total > 0.0 && capacity.total.is_finite() && capacity.used >= 0.0 && capacity.used.is_finite()
}

/// Whether something follows from the capacity: its numbers are clear, and young enough.
fn is_usable(
    capacity: &Capacity,
    place: &Pointer,
    settings: &Settings,
    evaluation: &Evaluation,
    findings: &mut Findings,
) -> bool {
    let (id, product) = (capacity.id.as_str(), capacity.product.as_str());
    let max_age = settings.capacity_max_age;
    let measure = || {
        let need = FactNeeded::at(place).register(CAPACITIES.name).id(id);
        let need = max_age.map_or(need.clone(), |max_age| need.max_age(max_age));
        Requirement::new("measure-capacity", format!("measure the capacity `{id}`"), need).owner(CAPACITIES.keeper)
    };
    let mut unknown = |code, key, why: String| {
        findings.unknown(code, |code| {
            let message = format!("the capacity `{id}` ({}) of the product `{product}` {why}", capacity.kind);
            Finding::new(code, message).about(product).at(place.key(key)).remedy(measure())
        });
        false
    };
    if !is_clear(capacity) {
        let why = format!("has {} used of {} {}, which is no amount", capacity.used, capacity.total, capacity.unit);
        return unknown("capacity-unclear", "total", why);
    }
    let Some(max_age) = max_age else { return true };
    match Freshness::of(capacity.measured.map(Timestamp::from), evaluation.now(), max_age) {
        Freshness::Fresh => true,
        Freshness::TooOld(moment) => {
            unknown("capacity-stale", "measured", format!("was last measured at {moment}, more than {max_age} ago"))
        }
        Freshness::Undated => {
            unknown("capacity-age-unknown", "measured", "does not say when it was measured".to_owned())
        }
        Freshness::InTheFuture(moment) => {
            unknown("capacity-age-unknown", "measured", format!("says that it was measured at {moment}, in the future"))
        }
    }
}

/// The free share of a clear capacity, in percent. Too small a share is a finding.
fn free_share(capacity: &Capacity, place: &Pointer, least: u8, findings: &mut Findings) -> Option<Measurement> {
    let Capacity { id, product, kind, unit, total, used, .. } = capacity;
    let percent = (total - used) / total * 100.0;
    if !has_free_share(*total, *used, least) {
        findings.wrong("capacity-too-little", |code| {
            let message = format!(
                "of the capacity `{id}` ({kind}) of the product `{product}`, {used} of {total} {unit} are used, and at \
                 least {least} % have to be free"
            );
            let need = CorrectionNeeded::new(place.key("used"), format!("at least {least} % free"));
            let need = need.found(format!("{used} of {total} {unit} used"));
            let remedy = Requirement::correction("add-capacity", need).owner(CAPACITIES.keeper);
            Finding::new(code, message).about(product).at(place.key("used")).remedy(remedy)
        });
    }
    percent.is_finite().then(|| Measurement::new(id, percent, "%", 1).at_least(f64::from(least)))
}

/// Whether at least so many percent are free. It multiplies only, so that whole numbers are compared exactly.
pub(crate) fn has_free_share(total: f64, used: f64, percent: u8) -> bool {
    (total - used) * 100.0 >= f64::from(percent) * total
}

/// The product has so much of the kind left, in all capacities of that kind and unit together.
fn amount(needed: &NeededAmount, deployed: &str, capacities: &[Capacity], findings: &mut Findings) {
    let NeededAmount { kind, amount, unit, product } = needed;
    let product = product.as_deref().unwrap_or(deployed);
    let of_kind: Vec<&Capacity> =
        capacities.iter().filter(|capacity| capacity.product == product && capacity.kind == *kind).collect();
    let of_unit: Vec<&&Capacity> =
        of_kind.iter().filter(|capacity| capacity.unit == *unit && is_clear(capacity)).collect();
    let place = CAPACITIES.place();
    let what = format!("capacity of the kind `{kind}` of the product `{product}`");
    if of_unit.is_empty() {
        let is_there = !of_kind.is_empty();
        let code = if is_there { "capacity-unit-differs" } else { "capacity-kind-unknown" };
        return findings.unknown(code, |code| {
            let message = match is_there {
                true => format!("no {what} is measured in {unit}, of which {amount} are needed"),
                false => format!("the register has no {what}, of which {amount} {unit} are needed"),
            };
            let remedy = CAPACITIES.fill(format!("enter the {what} in {unit} in the register"));
            Finding::new(code, message).about(product).at(place).remedy(remedy)
        });
    }
    let free: f64 = of_unit.iter().map(|capacity| (capacity.total - capacity.used).max(0.0)).sum();
    if free >= *amount {
        return;
    }
    findings.wrong("capacity-too-small", |code| {
        let message = format!("{amount} {unit} of the {what} are needed, and {free} {unit} are free");
        let need =
            CorrectionNeeded::new(&place, format!("at least {amount} {unit} free")).found(format!("{free} {unit}"));
        let remedy = Requirement::correction("add-capacity", need).owner(CAPACITIES.keeper);
        Finding::new(code, message).about(product).at(&place).remedy(remedy)
    });
}
