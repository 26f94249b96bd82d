//! The terms of the Deploy value stream as types, the rules that the host enforces whatever the plugins say, and the
//! combination of many answers into one verdict.
//!
//! Nothing here does I/O, waits, or depends on WebAssembly, so this crate can be read, tested and trusted by itself.
//! Its JSON forms are the files that people write and the documents that auditors keep. So reading is strict (an
//! unknown key is an error), and digests use the canonical form (RFC 8785).
//!
//! - The input: [`Deployment`] and its parts, and the [`Snapshot`] of it that one decision uses.
//! - The answers of plugins: [`Answer`] (approval policies), [`Report`] (checks), [`Rollout`] and [`Action`]
//!   (strategies).
//! - The host's own part: [`rules`], [`combine`], [`Decision`].
//! - Rights: [`Right`], [`Teams`], [`CredentialKind`].
//! - Documents between a server and its clients: [`api`].

mod answer;
pub mod api;
mod approval;
mod authority;
mod before_rollout;
mod canonical;
mod change;
mod closest;
pub mod combine;
mod counted;
mod criteria;
mod decision;
mod deployment;
mod difference;
mod digest;
mod distinct;
pub mod drift;
mod environment;
mod evidence;
mod exemption;
mod gate_need;
mod hand_over;
mod id;
mod instance;
pub mod join;
mod json_pointer;
pub mod merkle;
mod name;
mod pattern;
mod people;
mod person;
mod plan;
mod provenance;
mod receipt;
mod register_entry;
mod registered_key;
mod registers;
mod release;
mod rollout;
pub mod rules;
mod samples;
mod shortened;
mod snapshot;
mod stage;
mod stop;
mod strict_json;
mod team;
mod time;
mod timing;
mod typed_value;

/// Functions that read fields of documents, for `serde`'s `deserialize_with`.
pub mod fields {
    pub use crate::name::{id, name, text};
}

pub use answer::{
    ActivityNeeded, Advice, Answer, ApprovalsNeeded, Capability, CheckOutcome, CodeDescription, CorrectionNeeded,
    DeploymentNeeded, Description, Document, EvidenceNeeded, ExemptionNeeded, Exhibit, FactNeeded, Finding, Kind,
    Measurement, Need, Obligation, PluginError, PluginReadiness, PolicyVerdict, Reason, Report, Requirement,
    SettingsFinding, TimeNeeded, findings_in_the_way,
};
pub use approval::{Approval, ApprovalAnswer, Person, PersonKind, Principal};
pub use authority::{
    CredentialKind, KnownRole, RIGHTS_OF_OTHER_ROLES, ROLES, Right, Teams, UnknownCredentialKind, UnknownRight,
    rights_of, role_names, roles_with, usual_stop_roles,
};
pub use before_rollout::{BeforeRollout, InstanceBefore};
pub use canonical::{DigestError, canonical_json, with_canonical_json};
pub use change::{Change, ChangeApproval, ChangeCategory, ChangeContext, ChangeTrigger, Money, Risk};
pub use closest::closest;
pub use counted::counted;
pub use criteria::{CRITERIA, Criterion, unmet_criteria};
pub use decision::{
    AskingModel, BindingAnswer, BindingOutcome, Decision, DecisionReason, DecisionRequirement, DeliveryMode,
    Enforcement, GroupOutcome, LogLevel, LogLine, ModelName, ModelRef, PluginRef, ReasonSource, RolloutQuestion,
    Standing, Verdict,
};
pub use deployment::{Deployment, DeploymentRecord, DeploymentResult, Product};
pub use difference::{ComponentChange, ComponentChangeKind, Difference, DifferenceKind};
pub use digest::Digest;
pub use environment::{Environment, EnvironmentControl, EnvironmentHop, EnvironmentKind};
pub(crate) use evidence::unknown_credential;
pub use evidence::{DetachedSignature, Evidence, Verification};
pub use exemption::{
    ExceptionCode, Exemption, GrantedExemption, InvalidWaiver, Overlap, OverlapRelation, Override, Waiver, WaiverScope,
};
pub use gate_need::{GateAction, GateNeed};
pub use hand_over::{Exposure, HandOver, Receiver};
pub use id::is_path_step;
pub use instance::{ConfigurationItem, Instance, InstanceStatus};
pub use json_pointer::{escaped_token, unescaped_token};
pub use name::{InvalidName, NameFault, check_id, check_line, check_name, check_text, gives_orders};
pub use pattern::{Pattern, PatternFault};
pub use people::{NamedPerson, join_people};
pub use person::{PERSON_FORMAT, PersonId};
pub use plan::{ApprovedPlan, DataRetention, Plan};
pub use provenance::{Attester, EarlierStatement, FactSource, InvalidAttester, LapsedEntry, Provenance};
pub use receipt::{CONTRACT_VERSION, Failure, FailureKind, Receipt};
pub use register_entry::{
    AttestRule, AttestRules, Attestation, Competence, EntryConcerns, InvalidConcerns, JoinRule, NewRegisterEntry,
    NewSamples, NoSuchRegister, RegisterEntry, RegisterKind, RegisteredPerson, Sample, usual_attesters,
};
pub use registered_key::{InvalidPublicKey, KeyAlgorithm, PublicKey, RegisteredKey};
pub use registers::{
    AuditFinding, Capacity, Event, FulfillmentBook, Incident, Interaction, Kpi, Monitor, Order, Registers, Runbook,
    ServiceContract, Supplier, UnknownRegister,
};
pub use release::{
    BlueprintInstance, Component, ComponentIdentity, ComponentKind, Defect, DefectStatus, EnvironmentBlueprint,
    KnowledgeItem, KnowledgeStatus, Release, ReleaseNotes, ReleaseStatus, Severity,
};
pub use rollout::{
    Action, Analysis, BackStep, CheckState, Direction, Progress, Rollout, Share, Skip, Step, StepAction, StepEnd,
    StepState, StepStatus, Target, Wait, WayBack, WayBackKind,
};
pub use samples::{KpiIntervals, KpiSamples, SampleInterval};
pub use shortened::{shortened, shortened_quotes};
pub use snapshot::{RECORDED_PARTS, Snapshot, SnapshotForm};
pub use stage::{Gate, GatePassage, Phase, Scenario, Stage};
pub use stop::{LateReview, Stop, StopScope};
pub use strict_json::{
    JsonError, JsonFault, JsonFaultKind, JsonReader, canonical_number, read_json, without_byte_order_mark,
};
pub use team::TeamName;
pub use time::{Duration, TimeError, TimeWindow, Timestamp};
pub use timing::Timing;
pub use typed_value::{ValueError, ValueFault, read_own_value, read_value, shown};
