"""What a draft may say of a lead: facts of theirs, checked before they go into a letter of ours."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from leads import doings
from leads.doings import Doing
from leads.models import Lead, Organization, User
from sla.drafting.speaking import thing_looked_at, what_they_did
from sla.models import Rep

LONGEST: Final = 60
# Nobody is called that; who puts it into a form wants it to stand in our mails.
SUSPECT: Final = ("://", "www.", "@", "{", "}", "<", ">")


def values_of(lead: Lead, rep: User, *, now: datetime) -> dict[str, str]:
    """Each placeholder's value, "" where there is none or it is not one to be repeated; times as the viewer reads them.

    Of what the lead did only the kinds are said, never texts that came with it.
    """
    done = doings.most_of(lead)
    read = next((thing for doing in done if (thing := thing_looked_at(clean(str(doing.type))))), "")
    last, did = _last(done)
    booking = Rep.objects.filter(user=rep).values_list("booking_link", flat=True).first() or ""
    company = clean(lead.account.name) if lead.account is not None else ""
    return {
        "first_name": clean(lead.first_name),
        "company": company,
        "title": clean(lead.title),
        "most_read": read,
        "last_activity": did,
        "last_day": _day(last.last_at, now) if last is not None else "",
        "rep_first_name": rep.get_short_name(),
        "rep_name": str(rep),
        "booking_link": booking,
        "our_company": Organization.objects.values_list("name", flat=True).get(pk=1),
    }


def clean(text: str) -> str:
    """A short text on one line as it may stand in a letter; "" where it holds what no name holds."""
    said = " ".join(text.split())
    is_name = said.isprintable() and len(said) <= LONGEST and not any(each in said.lower() for each in SUSPECT)
    return said if is_name else ""


def _last(done: list[Doing]) -> tuple[Doing | None, str]:
    """The last thing they did that one can say to them."""
    for doing in sorted(done, key=lambda each: each.last_at, reverse=True):
        said = what_they_did(clean(str(doing.type)))
        if said:
            return doing, said
    return None, ""


def _day(at: datetime, now: datetime) -> str:
    then, today = timezone.localtime(at), timezone.localtime(now).date()
    if then.date() >= today:
        return "today"
    if then.date() == today - timedelta(days=1):
        return "yesterday"
    return f"on {then:%A}" if today - then.date() < timedelta(days=7) else f"on {then:%-d %B}"
