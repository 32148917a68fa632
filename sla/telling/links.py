"""Links with which a rep answers an offer out of the mail: signed, for one person, one hand-off and one version of it.

A link works once, because every answer makes another version of the hand-off; and it works for a week. It opens a page
that asks, and changes nothing by itself: mail scanners open every link.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from django.conf import settings
from django.core import signing
from django.urls import reverse

from leads.errors import Refused
from leads.models import User
from sla.models import Handoff

GOOD_FOR: Final = timedelta(days=7)
SALT: Final = "sla.telling.links"


class BadLink(Refused):
    """The link was not made by us, or it is not whole."""

    status = 404
    title = "This link leads nowhere"
    code = "bad_link"


class ExpiredLink(Refused):
    """The link is too old."""

    status = 410
    title = "This link has expired"
    code = "expired_link"


class Answering(NamedTuple):
    """Who answers which hand-off, as they saw it."""

    handoff: Handoff
    user: User
    version: int


def link(handoff: Handoff, recipient: User, *, now: datetime) -> str:
    """The address under which this person may answer this offer, as it stands, for a week."""
    token = signing.dumps(
        [handoff.public_id.hex, recipient.pk, handoff.version, int((now + GOOD_FOR).timestamp())], salt=SALT
    )
    return f"{settings.BASE_URL}{reverse('mail-answer', args=[token])}"


def opened(token: str, *, now: datetime) -> Answering:
    """Who may answer what with this link. Raises BadLink, ExpiredLink."""
    try:
        name, user_id, version, until = signing.loads(token, salt=SALT)
        key = UUID(hex=name)
    except (signing.BadSignature, ValueError, TypeError, AttributeError) as error:
        raise BadLink("Open it from the mail once more, whole; or find the lead in your inbox.") from error
    user = User.objects.filter(pk=user_id, is_active=True).first()
    handoffs = Handoff.objects.select_related("episode__lead__account", "user", "team", "reason")
    handoff = handoffs.filter(public_id=key).first()
    if user is None or handoff is None:
        raise BadLink("Open it from the mail once more, whole; or find the lead in your inbox.")
    if now.timestamp() > until:
        raise ExpiredLink(f"Links in mails work for {GOOD_FOR.days} days. Find the lead in your inbox.")
    return Answering(handoff, user, int(version))
