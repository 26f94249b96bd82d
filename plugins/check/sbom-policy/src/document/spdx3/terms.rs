//! The vocabularies of SPDX 3.0: types of elements and relationships, and what software is for.
//!
//! JSON-LD lets a term be written as in the `@context` (`software_Package`), as an IRI
//! (`https://spdx.org/rdf/3.0.1/terms/Software/Package`), or as an IRI with the prefix `spdx:`. All three are read. The case
//! of letters counts, as it does in IRIs.

use super::super::word::{Vocabulary, exact};

/// The type of an element. Abstract types are none: no element is of one of them alone.
#[derive(Debug)]
pub(super) struct ElementType;

impl Vocabulary for ElementType {
    const WHAT: &'static str = "type of an element in SPDX 3.0";
    const WORDS: &'static [&'static str] = &[
        "Relationship",
        "software_Package",
        "software_File",
        "simplelicensing_LicenseExpression",
        "LifecycleScopedRelationship",
        "Agent",
        "Annotation",
        "Bom",
        "Bundle",
        "CreationInfo",
        "DictionaryEntry",
        "ExternalIdentifier",
        "ExternalMap",
        "ExternalRef",
        "Hash",
        "IndividualElement",
        "NamespaceMap",
        "Organization",
        "PackageVerificationCode",
        "Person",
        "PositiveIntegerRange",
        "SoftwareAgent",
        "SpdxDocument",
        "Tool",
        "ai_AIPackage",
        "ai_EnergyConsumption",
        "ai_EnergyConsumptionDescription",
        "build_Build",
        "dataset_DatasetPackage",
        "expandedlicensing_ConjunctiveLicenseSet",
        "expandedlicensing_CustomLicense",
        "expandedlicensing_CustomLicenseAddition",
        "expandedlicensing_DisjunctiveLicenseSet",
        "expandedlicensing_IndividualLicensingInfo",
        "expandedlicensing_ListedLicense",
        "expandedlicensing_ListedLicenseException",
        "expandedlicensing_OrLaterOperator",
        "expandedlicensing_WithAdditionOperator",
        "extension_CdxPropertiesExtension",
        "extension_CdxPropertyEntry",
        "security_CvssV2VulnAssessmentRelationship",
        "security_CvssV3VulnAssessmentRelationship",
        "security_CvssV4VulnAssessmentRelationship",
        "security_EpssVulnAssessmentRelationship",
        "security_ExploitCatalogVulnAssessmentRelationship",
        "security_SsvcVulnAssessmentRelationship",
        "security_VexAffectedVulnAssessmentRelationship",
        "security_VexFixedVulnAssessmentRelationship",
        "security_VexNotAffectedVulnAssessmentRelationship",
        "security_VexUnderInvestigationVulnAssessmentRelationship",
        "security_Vulnerability",
        "simplelicensing_SimpleLicensingText",
        "software_ContentIdentifier",
        "software_Sbom",
        "software_Snippet",
    ];

    fn read(text: &str) -> Option<&'static str> {
        let Some(path) = path(text) else { return exact::<Self>(text) };
        let (profile, name) = path.split_once('/')?;
        let profile = match profile {
            "Core" => "",
            "AI" => "ai",
            "Build" => "build",
            "Dataset" => "dataset",
            "ExpandedLicensing" => "expandedlicensing",
            "Extension" => "extension",
            "Security" => "security",
            "SimpleLicensing" => "simplelicensing",
            "Software" => "software",
            _ => return None,
        };
        match profile {
            "" => exact::<Self>(name).filter(|name| !name.contains('_')),
            profile => exact::<Self>(&format!("{profile}_{name}")),
        }
    }
}

/// The type of a relationship. Three are written otherwise in 3.0.0.
#[derive(Debug)]
pub(super) struct RelationshipType;

impl Vocabulary for RelationshipType {
    const WHAT: &'static str = "type of a relationship in SPDX 3.0";
    const WORDS: &'static [&'static str] = &[
        "hasDeclaredLicense",
        "hasConcludedLicense",
        "contains",
        "dependsOn",
        "describes",
        "affects",
        "amendedBy",
        "ancestorOf",
        "availableFrom",
        "configures",
        "coordinatedBy",
        "copiedTo",
        "delegatedTo",
        "descendantOf",
        "doesNotAffect",
        "expandsTo",
        "exploitCreatedBy",
        "fixedBy",
        "fixedIn",
        "foundBy",
        "generates",
        "hasAddedFile",
        "hasAssessmentFor",
        "hasAssociatedVulnerability",
        "hasDataFile",
        "hasDeletedFile",
        "hasDependencyManifest",
        "hasDistributionArtifact",
        "hasDocumentation",
        "hasDynamicLink",
        "hasEvidence",
        "hasExample",
        "hasHost",
        "hasInput",
        "hasInputs",
        "hasMetadata",
        "hasOptionalComponent",
        "hasOptionalDependency",
        "hasOutput",
        "hasOutputs",
        "hasPrerequisite",
        "hasPrerequsite",
        "hasProvidedDependency",
        "hasRequirement",
        "hasSpecification",
        "hasStaticLink",
        "hasTest",
        "hasTestCase",
        "hasVariant",
        "invokedBy",
        "modifiedBy",
        "other",
        "packagedBy",
        "patchedBy",
        "publishedBy",
        "reportedBy",
        "republishedBy",
        "serializedInArtifact",
        "testedOn",
        "trainedOn",
        "underInvestigationFor",
        "usesTool",
    ];

    fn read(text: &str) -> Option<&'static str> {
        value::<Self>(text, "Core/RelationshipType/")
    }
}

/// What software is for.
#[derive(Debug)]
pub(super) struct Purpose;

impl Vocabulary for Purpose {
    const WHAT: &'static str = "purpose of software in SPDX 3.0";
    const WORDS: &'static [&'static str] = &[
        "library",
        "framework",
        "application",
        "archive",
        "bom",
        "configuration",
        "container",
        "data",
        "device",
        "deviceDriver",
        "diskImage",
        "documentation",
        "evidence",
        "executable",
        "file",
        "filesystemImage",
        "firmware",
        "install",
        "manifest",
        "model",
        "module",
        "operatingSystem",
        "other",
        "patch",
        "platform",
        "requirement",
        "source",
        "specification",
        "test",
    ];

    fn read(text: &str) -> Option<&'static str> {
        value::<Self>(text, "Software/SoftwarePurpose/")
    }
}

/// A value of a vocabulary, of whose IRI that follows the namespace.
fn value<V: Vocabulary>(text: &str, vocabulary: &str) -> Option<&'static str> {
    match path(text) {
        Some(path) => exact::<V>(path.strip_prefix(vocabulary)?),
        None => exact::<V>(text),
    }
}

/// What follows the namespace of SPDX 3.0 in the IRI of a term: `Software/Package`. None if the text is no such IRI.
pub(super) fn path(text: &str) -> Option<&str> {
    if let Some(path) = text.strip_prefix("spdx:") {
        return Some(path);
    }
    let (version, path) = text.strip_prefix("https://spdx.org/rdf/")?.split_once("/terms/")?;
    (version == "3.0" || super::check_version(version).is_ok()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_as_names_and_as_iris() {
        for text in [
            "software_Package",
            "spdx:Software/Package",
            "https://spdx.org/rdf/3.0/terms/Software/Package",
            "https://spdx.org/rdf/3.0.0/terms/Software/Package",
            "https://spdx.org/rdf/3.0.1/terms/Software/Package",
        ] {
            assert_eq!(ElementType::read(text), Some("software_Package"), "{text}");
        }
        let iri = |path: &str| format!("https://spdx.org/rdf/3.0.1/terms/{path}");
        assert_eq!(ElementType::read(&iri("Core/Relationship")), Some("Relationship"));
        assert_eq!(ElementType::read(&iri("AI/AIPackage")), Some("ai_AIPackage"));
        let relationship = RelationshipType::read(&iri("Core/RelationshipType/hasConcludedLicense"));
        assert_eq!(relationship, Some("hasConcludedLicense"));
        assert_eq!(Purpose::read(&iri("Software/SoftwarePurpose/library")), Some("library"));
        for text in [
            "Software_Package",
            "SOFTWARE_PACKAGE",
            "Package",
            "http://spdx.org/rdf/3.0.1/terms/Software/Package",
            "https://spdx.org/rdf/3.1.0/terms/Software/Package",
            "https://spdx.org/rdf/3.0.1/terms/software/Package",
            "https://spdx.org/rdf/3.0.1/terms/Software/Packages",
            "https://spdx.org/rdf/3.0.1/terms/Core/software_Package",
            "https://example.com/Package",
            "software_SoftwareArtifact",
            "",
        ] {
            assert_eq!(ElementType::read(text), None, "{text}");
        }
    }
}
