//! What an entry of the ledger tells people, as a CloudEvent.

use cdevents_sdk::latest::{
    approval_closed, approval_created, approval_updated, service_deployed, service_removed, service_rolledback,
    service_upgraded,
};
use cdevents_sdk::{CDEvent, Content, Error, NonEmptyString, Subject, Uri, UriReference};
use form_urlencoded::byte_serialize;
use lockgate_service::{Notice, NoticeKind, NoticedDeployment};
use serde_json::{Value, json};

/// The version of the events that CDEvents has no word for.
const OWN_VERSION: &str = "0.1.0";

/// Makes events for one server.
#[derive(Clone, Debug)]
pub(super) struct EventMaker {
    /// The URL at which others reach the server, without a slash at its end.
    base: String,
    /// The name of the log.
    log: String,
}

impl EventMaker {
    pub(super) fn new(base: &str, log: &str) -> Self {
        Self { base: base.trim_end_matches('/').to_owned(), log: log.to_owned() }
    }

    /// The id of the event of a notice: the same on every server, and each time.
    pub(super) fn id(&self, notice: &Notice) -> String {
        format!("{}/{}", self.log, notice.index)
    }

    /// The event of a notice, in the JSON format of CloudEvents 1.0.
    ///
    /// # Errors
    /// If it has no event, for example because a name is no URI.
    pub(super) fn event(&self, notice: &Notice) -> Result<Value, String> {
        let carried = match &notice.deployment {
            Some(deployment) => self.content(notice, deployment).map_err(|error| error.to_string())?,
            None => None,
        };
        let (kind, data) = match carried {
            Some(content) => {
                let cdevent = self.cdevent(notice, content).map_err(|error| error.to_string())?;
                let kind = cdevent.ty().to_owned();
                (kind, serde_json::to_value(&cdevent).map_err(|error| error.to_string())?)
            }
            None => (format!("dev.lockgate.{}.{OWN_VERSION}", notice.what.as_str()), self.own_data(notice)),
        };
        let subject = notice.deployment.as_ref().map(|noticed| noticed.summary.id.clone());
        let mut event = json!({
            "specversion": "1.0",
            "id": self.id(notice),
            "source": self.base,
            "type": kind,
            "time": notice.at,
            "datacontenttype": "application/json",
            "data": data,
        });
        if let (Some(subject), Some(members)) = (subject, event.as_object_mut()) {
            members.insert("subject".to_owned(), subject.into());
        }
        Ok(event)
    }

    /// What the event has beside the words of CDEvents, or alone.
    fn own_data(&self, notice: &Notice) -> Value {
        let deployment = notice.deployment.as_ref().map(|noticed| json!(noticed.summary));
        json!({
            "what": notice.what, "message": notice.message, "team": notice.team, "by": notice.by,
            "index": notice.index, "deployment": deployment, "details": notice.details,
        })
    }

    fn cdevent(&self, notice: &Notice, content: Content) -> Result<CDEvent, Error> {
        let id = notice.deployment.as_ref().map(|noticed| noticed.summary.id.clone()).unwrap_or_default();
        let subject = Subject::from(content).with_id(id.try_into()?).with_source(self.source()?);
        let at = i128::from(notice.at.as_millis()) * 1_000_000;
        let at = time::OffsetDateTime::from_unix_timestamp_nanos(at).unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
        let event = CDEvent::from(subject).with_id(self.id(notice).try_into()?).with_source(self.source()?);
        Ok(event.with_timestamp(at).with_custom_data(self.own_data(notice)))
    }

    fn source(&self) -> Result<UriReference, Error> {
        self.base.as_str().try_into()
    }

    /// The address of a deployment at the server.
    fn address(&self, deployment: &NoticedDeployment) -> Result<NonEmptyString, Error> {
        let escaped = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let (id, team) = (escaped(&deployment.summary.id), escaped(&deployment.summary.team));
        format!("{}/api/v1/deployments/{id}?team={team}", self.base).try_into()
    }

    /// The content of the event of CDEvents. None if CDEvents has no word for it.
    fn content(&self, notice: &Notice, noticed: &NoticedDeployment) -> Result<Option<Content>, Error> {
        let person = |id: &str| -> Result<Uri, Error> {
            format!("urn:lockgate:person:{}", byte_serialize(id.as_bytes()).collect::<String>()).parse()
        };
        let summary = &noticed.summary;
        let environment = || -> Result<NonEmptyString, Error> { summary.environment.as_str().try_into() };
        let by = notice.by.person.written();
        Ok(Some(match notice.what {
            NoticeKind::ApprovalCreated => Content::from(approval_created::Content {
                approval_details_url: self.address(noticed)?,
                requestor: person(summary.requester.written())?,
                resource_target_url: self.address(noticed)?,
            }),
            NoticeKind::ApprovalUpdated => Content::from(approval_updated::Content {
                approval_details_url: self.address(noticed)?,
                decision: match notice.approved {
                    Some(true) => approval_updated::ContentDecision::Approved,
                    Some(false) => approval_updated::ContentDecision::Rejected,
                    None => approval_updated::ContentDecision::Deferred,
                },
                resource_target_url: self.address(noticed)?,
                responder: person(by)?,
            }),
            NoticeKind::ApprovalClosed => {
                let is_approved = notice.approved == Some(true);
                Content::from(approval_closed::Content {
                    approval_details_url: self.address(noticed)?,
                    decision: match is_approved {
                        true => approval_closed::ContentDecision::Approved,
                        false => approval_closed::ContentDecision::Rejected,
                    },
                    resource_target_url: self.address(noticed)?,
                    responder: person(by)?,
                    status: match is_approved {
                        true => approval_closed::ContentStatu::Approved,
                        false => approval_closed::ContentStatu::Rejected,
                    },
                })
            }
            NoticeKind::ServiceDeployed => Content::from(service_deployed::Content {
                artifact_id: artifact(noticed)?,
                environment: service_deployed::ContentEnvironment { id: environment()?, source: None },
            }),
            NoticeKind::ServiceUpgraded => Content::from(service_upgraded::Content {
                artifact_id: artifact(noticed)?,
                environment: service_upgraded::ContentEnvironment { id: environment()?, source: None },
            }),
            NoticeKind::ServiceRolledback => Content::from(service_rolledback::Content {
                artifact_id: artifact(noticed)?,
                environment: service_rolledback::ContentEnvironment { id: environment()?, source: None },
            }),
            NoticeKind::ServiceRemoved => Content::from(service_removed::Content {
                environment: Some(service_removed::ContentEnvironment { id: environment()?, source: None }),
            }),
            NoticeKind::GateTurned | NoticeKind::FellDue | NoticeKind::LineStopped | NoticeKind::LineReleased => {
                return Ok(None);
            }
        }))
    }
}

/// The release as a package URL.
fn artifact(noticed: &NoticedDeployment) -> Result<NonEmptyString, Error> {
    let escaped = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let (product, release) = (escaped(&noticed.summary.product), escaped(&noticed.summary.release));
    let checksum = noticed.digest.map(|digest| format!("?checksum={digest}")).unwrap_or_default();
    format!("pkg:generic/{product}/{release}{checksum}").try_into()
}
