"""The nouns of the ground floor."""

from leads.models.activity import Activity, ActivityType, AnonymousActivity, AwaitingAssessment
from leads.models.endpoints import Endpoint, EndpointChange, MailRelay
from leads.models.forms import WebForm
from leads.models.intake import Receipt, RefusedItem, Source
from leads.models.joining import Invitation, Upload
from leads.models.journey import HolderChange, Outcome, RestChange, Stage, StageChange, StageRule
from leads.models.lead import (
    Account,
    AttributeChange,
    ErasedIdentity,
    ExternalId,
    Identity,
    IdentityConflict,
    Lead,
    MailDomain,
    TitleWord,
)
from leads.models.outbox import DeliveryStep, Job, Notification, Topic
from leads.models.people import ApiKey, Organization, Role, Team, TeamMembership, User
from leads.models.telling import MailHours, MailPreference

__all__ = [
    "Account",
    "Activity",
    "ActivityType",
    "AnonymousActivity",
    "ApiKey",
    "AttributeChange",
    "AwaitingAssessment",
    "DeliveryStep",
    "Endpoint",
    "EndpointChange",
    "ErasedIdentity",
    "ExternalId",
    "HolderChange",
    "Identity",
    "IdentityConflict",
    "Invitation",
    "Job",
    "Lead",
    "MailDomain",
    "MailHours",
    "MailPreference",
    "MailRelay",
    "Notification",
    "Organization",
    "Outcome",
    "Receipt",
    "RefusedItem",
    "RestChange",
    "Role",
    "Source",
    "Stage",
    "StageChange",
    "StageRule",
    "Team",
    "TeamMembership",
    "TitleWord",
    "Topic",
    "Upload",
    "User",
    "WebForm",
]
