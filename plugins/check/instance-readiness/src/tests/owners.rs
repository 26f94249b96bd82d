//! Each requirement names its owner.

use lockgate_plugin::testing::{Requiring, assert_all_codes};

use super::*;

#[test]
fn each_code_asks_the_operations_manager() {
    let mut fixture = fixture();
    let wanted = vec![Attribute::new("port", "443"), Attribute::new("threads", "4")];
    let wanted = InstanceContent { components: Vec::new(), configuration: wanted };
    fixture.desired_content.insert("shop-1".to_owned(), wanted);
    fixture.actual_content.insert("shop-1".to_owned(), configured("port", "80"));
    let instance = &mut fixture.actual_instances[0];
    (instance.status, instance.monitored, instance.documented) = (InstanceStatus::Stopped, false, false);
    let mut empty = fixture.clone();
    empty.actual_instances.clear();
    let reports = [look("{}", &fixture), look("{}", &empty)];
    assert_all_codes(&reports, include_str!("../../README.md"), "finding");
    for (code, required) in reports.iter().flat_map(Requiring::required) {
        let (remedy, owner) = (required.code.as_str(), required.owner.as_deref());
        assert_eq!((remedy, owner), ("correct-instance", Some("operations-manager")), "{code}");
    }
    let findings = reports.iter().flat_map(|report| &report.findings);
    assert!(findings.clone().all(|finding| finding.remedies.len() == 1), "{:?}", findings.collect::<Vec<_>>());
}
