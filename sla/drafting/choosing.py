"""Which drafts fit a lead, the best first, and one of them filled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from leads import links
from leads.models import Lead, User
from sla.drafting.placeholders import fill
from sla.drafting.values import values_of
from sla.models import DraftTemplate, Handoff

# Where a lead says which language they speak.
SPEAKS = ("language", "locale", "lang")


@dataclass(frozen=True)
class Draft:
    """A letter to one lead. `mailto` opens it in a mail program; "" where the text is too long to be handed over."""

    template: DraftTemplate
    subject: str
    body: str
    mailto: str


def templates_for(handoff: Handoff) -> list[DraftTemplate]:
    """The drafts in use for this tier and definition: the lead's language first, then the closer fit."""
    episode = handoff.episode
    fitting = DraftTemplate.objects.filter(
        Q(tier="") | Q(tier=handoff.tier),
        Q(definition=None) | Q(definition=episode.definition_id),
        is_active=True,
    )
    speaks = language_of(episode.lead)

    def order(each: DraftTemplate) -> tuple[bool, bool, int, int, int]:
        fits = (each.definition_id is not None) * 2 + bool(each.tier)
        return each.language != speaks, each.language != DraftTemplate.ENGLISH, -fits, each.position, each.pk

    return sorted(fitting, key=order)


def draft_of(template: DraftTemplate, lead: Lead, rep: User, *, now: datetime) -> Draft:
    """The template filled for this lead, as this rep would send it."""
    values = values_of(lead, rep, now=now)
    subject, body = " ".join(fill(template.subject, values).split()), fill(template.body, values)
    link = links.mailto(lead.email, subject=subject, body=body)
    return Draft(template, subject, body, link)


def language_of(lead: Lead) -> str:
    """The language a lead says they speak, as two letters; "" where they say none."""
    for name in SPEAKS:
        said = lead.traits.get(name)
        if isinstance(said, str) and said[:2].isascii() and said[:2].isalpha():
            return said[:2].lower()
    return ""
