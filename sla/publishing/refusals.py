"""What publishing refuses."""

from __future__ import annotations

from leads.errors import Invalid, Refused


class NotPublishable(Invalid):
    """It can't be published as it is; the sentence says what to change."""

    title = "Not published"
    code = "not_publishable"


class ChangedMeanwhile(Refused):
    """Somebody else changed it since it was opened: saving now would undo their change unseen."""

    title = "Changed meanwhile"
    code = "changed_meanwhile"
