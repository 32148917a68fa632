"""Letters about contested rejections: to who decides, then to the rep and to who contested it."""

from __future__ import annotations

from typing import Final

from leads import outbox
from leads.letters import inert
from leads.models import Topic, User
from sla.models import Contest
from sla.telling import mails

SAID_AT_MOST: Final = 400
BECAME: Final = {
    Contest.Became.OFFERED: "The lead was offered to {hop}.",
    Contest.Became.WAITS: "The lead waits for a rep.",
    Contest.Became.FREED: "Its rest is over; it was offered to nobody, since it may be reached on no channel.",
    Contest.Became.RECORDED: "The lead stays where it is.",
}


def asked(contest: Contest, deciders: list[User]) -> None:
    """Ask whoever decides, once each; who contested it and decides as well knows."""
    handoff = contest.handoff
    for each in deciders:
        message = (
            f"{contest.by} contests that {handoff.user} rejected this lead ({handoff.reason}): "
            f"“{inert(contest.words, SAID_AT_MOST)}” Uphold or overturn it: it stands on your board."
        )
        if each.pk != contest.by_id:
            _write(contest, each, f"asked:{each.pk}", "Rejection contested", message)


def decided(contest: Contest) -> None:
    """Tell the rep who rejected it, and who contested it, what was decided and why."""
    handoff, overturned = contest.handoff, contest.decision == Contest.Decision.OVERTURNED
    what, why = "overturned" if overturned else "upheld", inert(contest.why, SAID_AT_MOST)
    hop = contest.hop.user if contest.hop is not None else ""
    became = f" {BECAME[Contest.Became(contest.became)].format(hop=hop)}" if overturned else ""
    for whom, whose in ((handoff.user, "your rejection of this lead"), (contest.by, f"{handoff.user}’s rejection")):
        if whom.pk != contest.decided_by_id:
            message = f"{contest.decided_by} has {what} {whose}: “{why}”{became}"
            _write(contest, whom, f"decided:{whom.pk}", f"Rejection {what}", message)


def _write(contest: Contest, recipient: User, once: str, headline: str, message: str) -> None:
    lead = contest.handoff.episode.lead
    about = mails.about(lead, recipient)
    outbox.enqueue(
        f"contest:{contest.public_id}:{once}",
        kind="contest",
        topic=Topic.NEWS,
        recipient=recipient,
        subject=f"{headline} · {about['lead_name']}",
        template=f"{mails.LETTERS}/news",
        data=about | {"headline": headline, "message": message, "touch": None},
        lead=lead,
        now=contest.decided_at or contest.at,
    )
