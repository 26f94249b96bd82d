//! The codes of the reasons that the engine itself gives, besides those of the domain's rules and of the plugins.

use lockgate_domain::Standing;
use schemars::JsonSchema;

/// What a reason of the engine's own says. Tools match on [`EngineCode::as_str`]; `docs/codes.md` lists them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(rename_all = "kebab-case")]
pub enum EngineCode {
    /// The deployment model binds no plugin to the gate.
    GateNotGuarded,
    /// Nothing at the gate can stop a deployment, and the deployment model does not allow that.
    UnguardedGate,
    /// A binding is not asked, because its `when` does not hold.
    NotAsked,
    /// Nobody can tell whether a binding is to be asked: its `when` cannot be evaluated on this snapshot.
    WhenNotTold,
    /// The strategy of the deployment model has laid out its steps.
    Planned,
    /// The deployment tells another rollout than the strategy of the deployment model lays out.
    RolloutDiffersFromStrategy,
    /// A step of a rollout may be done.
    StepAdvised,
    /// The strategy says that all steps are done.
    RolloutComplete,
    /// The release has to pass other environments first, as the deployment model orders them.
    EnvironmentFlow,
    /// The model wants a person to decide on each deployment, and nobody has approved this one.
    DeploymentUnattended,
    /// The model wants a service to start each deployment, and a person or an agent started this one.
    DeploymentNotByService,
    /// A fact is not attested as the model demands it: nobody attested it, or only the requester tells it.
    FactMissing,
    /// A fact was attested by somebody whose attestation does not count.
    FactAttesterNotAllowed,
    /// A fact was attested by somebody who requested the deployment or contributed to it.
    FactAttesterInvolved,
    /// A fact is older than the model allows.
    FactTooOld,
    /// A fact is no longer valid.
    FactExpired,
    /// Evidence that the model demands is missing.
    EvidenceMissing,
    /// Evidence was attached by somebody whose attestation does not count.
    EvidenceAttesterNotAllowed,
    /// Evidence does not say when it was made, and the model limits its age.
    EvidenceUndated,
    /// Evidence is older than the model allows.
    EvidenceTooOld,
    /// Evidence is no longer valid.
    EvidenceExpired,
    /// Evidence has no verified signature, and the model demands one.
    EvidenceNotVerified,
    /// The line is stopped, and the deployment model keeps its hotfix lane open: the deployment goes on, and is reviewed
    /// afterwards.
    HotfixLaneOpen,
    /// The rollout asks for an analysis that the deployment model does not declare.
    AnalysisUnknown,
    /// A group is satisfied.
    GroupAllow,
    /// A group is not satisfied.
    GroupDeny,
    /// A group waits for its members.
    GroupPending,
    /// Nobody can tell whether a group is satisfied.
    GroupError,
    /// No member of a group was asked.
    GroupNotApplicable,
}

impl EngineCode {
    /// The code that decisions use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GateNotGuarded => "gate-not-guarded",
            Self::UnguardedGate => "unguarded-gate",
            Self::NotAsked => "not-asked",
            Self::WhenNotTold => "when-not-told",
            Self::Planned => "planned",
            Self::RolloutDiffersFromStrategy => "rollout-differs-from-strategy",
            Self::StepAdvised => "step-advised",
            Self::RolloutComplete => "rollout-complete",
            Self::EnvironmentFlow => "environment-flow",
            Self::DeploymentUnattended => "deployment-unattended",
            Self::DeploymentNotByService => "deployment-not-by-service",
            Self::FactMissing => "fact-missing",
            Self::FactAttesterNotAllowed => "fact-attester-not-allowed",
            Self::FactAttesterInvolved => "fact-attester-involved",
            Self::FactTooOld => "fact-too-old",
            Self::FactExpired => "fact-expired",
            Self::EvidenceMissing => "evidence-missing",
            Self::EvidenceAttesterNotAllowed => "evidence-attester-not-allowed",
            Self::EvidenceUndated => "evidence-undated",
            Self::EvidenceTooOld => "evidence-too-old",
            Self::EvidenceExpired => "evidence-expired",
            Self::EvidenceNotVerified => "evidence-not-verified",
            Self::HotfixLaneOpen => "hotfix-lane-open",
            Self::AnalysisUnknown => "analysis-unknown",
            Self::GroupAllow => "group-allow",
            Self::GroupDeny => "group-deny",
            Self::GroupPending => "group-pending",
            Self::GroupError => "group-error",
            Self::GroupNotApplicable => "group-not-applicable",
        }
    }
}

impl From<Standing> for EngineCode {
    /// The code for a group with this standing.
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Allow => Self::GroupAllow,
            Standing::Deny => Self::GroupDeny,
            Standing::Pending => Self::GroupPending,
            Standing::Error => Self::GroupError,
            Standing::NotApplicable => Self::GroupNotApplicable,
        }
    }
}

#[cfg(test)]
mod tests {
    use schemars::schema_for;
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_codes_are_those_that_the_schema_describes() {
        let schema = schema_for!(EngineCode).to_value();
        let described: Vec<&str> = schema
            .get("oneOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|code| code.get("const")?.as_str())
            .collect();
        assert!(described.contains(&EngineCode::WhenNotTold.as_str()), "{schema}");
        for standing in [Standing::Allow, Standing::Deny, Standing::Pending, Standing::Error, Standing::NotApplicable] {
            let code = EngineCode::from(standing).as_str();
            assert_eq!(code, format!("group-{}", standing.as_str()));
            assert!(described.contains(&code), "{code}: {}", Value::from(described));
        }
    }
}
