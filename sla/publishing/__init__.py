"""Publishing: how rules, reasons, calendars and policies change without a promise made before ever changing.

Each change is a version with its author and its reason; two can be compared in words (`differences`), and an old one
put in force again (`back_to`).
"""

from sla.publishing.behind import Behind, policies_behind, rules_behind
from sla.publishing.calendars import publish_calendar
from sla.publishing.editions import Edition, back_to, editions
from sla.publishing.policies import check_policy, draft_policy, publish_policy
from sla.publishing.refusals import ChangedMeanwhile, NotPublishable
from sla.publishing.rows import content_of, put
from sla.publishing.wording import fingerprint

__all__ = [
    "ChangedMeanwhile",
    "Edition",
    "NotPublishable",
    "Behind",
    "back_to",
    "check_policy",
    "content_of",
    "draft_policy",
    "editions",
    "fingerprint",
    "publish_calendar",
    "publish_policy",
    "policies_behind",
    "rules_behind",
    "put",
]
