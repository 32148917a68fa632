"""The digest: one mail that says what many would have said, each in a line with its link."""

from __future__ import annotations

from django.conf import settings

from leads import letters
from leads.models import Notification


def fill(carrier: Notification) -> bool:
    """Write a digest's words out of the mails it carries, in the order they were due; False where none has any left.

    They are written at sending and not kept: who is erased meanwhile is not in it.
    """
    carried = carrier.carried.exclude(subject="").select_related("lead").order_by("not_before", "id")
    lines = [
        {
            "subject": mail.subject,
            "url": f"{settings.BASE_URL}/leads/{mail.lead.public_id}/" if mail.lead is not None else "",
            "is_urgent": mail.is_urgent,
        }
        for mail in carried
    ]
    if not lines or carrier.recipient is None:
        return False
    context = {"lines": lines, "to": carrier.recipient.get_short_name(), "url": f"{settings.BASE_URL}/inbox/"}
    letter = letters.compose("leads/mail/digest", context)
    carrier.subject, carrier.text, carrier.html = letter.subject, letter.text, letter.html
    return True
