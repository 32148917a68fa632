"""How far an installation has come: each step of the first day, as the database has it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from leads import trials
from leads.models import Activity, AnonymousActivity, Invitation, Job, Organization, Source
from leads.transactions import business
from scoring.models import DefinitionVersion
from sla.models import Desk, Handoff, Policy, PolicyVersion, Rep, RoutingRule


@dataclass(frozen=True)
class Step:
    """One step. `says` is what stands of it; one that may be left out is done when it was skipped."""

    key: str
    title: str
    done: bool
    says: str
    skipped: bool = False


ORDER: Final = ("organization", "source", "import", "hours", "people", "definition", "promises", "trial")
TITLES: Final = {
    "organization": "Your organization",
    "source": "Connect a source",
    "import": "Import what you have",
    "hours": "Team and hours",
    "people": "Invite people",
    "definition": "Say what an MQL is",
    "promises": "Promises and routing",
    "trial": "Send a test lead",
}


def steps() -> list[Step]:
    """Every step, in its order."""
    organization = Organization.objects.get(pk=1)
    found = {
        "organization": _organization(organization),
        "source": _source(),
        "import": _import(),
        "hours": _hours(),
        "people": _people(),
        "definition": _definition(),
        "promises": _promises(),
        "trial": _trial(),
    }
    skipped = set(organization.guide_skipped)
    return [Step(key, TITLES[key], *found[key], skipped=key in skipped and not found[key][0]) for key in ORDER]


def next_of(all_steps: list[Step], key: str = "") -> str:
    """The first step after this one that waits to be done; the last where none does."""
    keys = [step.key for step in all_steps]
    after = keys.index(key) + 1 if key in keys else 0
    waiting = [step.key for step in all_steps if not (step.done or step.skipped)]
    return next((each for each in keys[after:] if each in waiting), waiting[0] if waiting else keys[-1])


def is_untouched() -> bool:
    """Whether nothing is set up yet and nobody has closed the guide: then the day starts with it."""
    if DefinitionVersion.objects.exists() or Rep.objects.exists():
        return False
    return not Organization.objects.filter(pk=1, guide_closed_at__isnull=False).exists()


@business
def close(*, now: datetime) -> None:
    """The day starts with the guide no more; it stays in the menu."""
    Organization.objects.filter(pk=1).update(guide_closed_at=now)


@business
def skip(key: str) -> None:
    """Leave a step out for now."""
    organization = Organization.objects.select_for_update().get(pk=1)
    if key in ORDER and key not in organization.guide_skipped:
        organization.guide_skipped = [*organization.guide_skipped, key]
        organization.save(update_fields=["guide_skipped"])


def sending() -> QuerySet[Source]:
    """The sources programs and websites send from, the first first."""
    return Source.objects.exclude(kind=Source.Kind.IMPORT).exclude(name=trials.SOURCE).order_by("pk")


def _organization(row: Organization) -> tuple[bool, str]:
    if row.name == Organization._meta.get_field("name").default:
        return False, "has no name yet"
    return True, f"{row.name}, {row.time_zone}, {row.currency}"


def _source() -> tuple[bool, str]:
    names = list(sending().values_list("name", flat=True)[:3])
    if not names:
        return False, "none yet"
    if not (Activity.objects.exists() or AnonymousActivity.objects.exists()):
        return True, f"{', '.join(names)}; nothing has arrived yet"
    return True, f"{', '.join(names)}; events arrive"


def _import() -> tuple[bool, str]:
    last = Job.objects.filter(kind="import").order_by("-pk").first()
    return (True, f"{last.done} rows, {last.refused} refused") if last is not None else (False, "optional")


def _hours() -> tuple[bool, str]:
    desks = list(Desk.objects.select_related("team", "calendar").order_by("team__name")[:3])
    return bool(desks), "; ".join(str(desk.calendar) for desk in desks) or "no team yet"


def _people() -> tuple[bool, str]:
    reps = Rep.objects.filter(is_active=True, user__memberships__team__desk__isnull=False).distinct().count()
    asked = Invitation.objects.filter(accepted_at=None, revoked_at=None).count()
    told = f"{reps} rep{'' if reps == 1 else 's'}"
    return reps > 0, f"{told}, {asked} invited" if asked else (told if reps else "nobody yet")


def _definition() -> tuple[bool, str]:
    states = DefinitionVersion.State
    version = DefinitionVersion.objects.filter(state=states.PUBLISHED).select_related("definition").first()
    if version is not None:
        return True, f"{version.definition} is in force"
    draft = DefinitionVersion.objects.filter(state=states.DRAFT).select_related("definition").first()
    return False, f"{draft.definition} is a draft" if draft is not None else "none yet"


def _promises() -> tuple[bool, str]:
    rules = list(RoutingRule.objects.filter(is_active=True).values_list("name", flat=True)[:3])
    has_policy = PolicyVersion.objects.filter(state=PolicyVersion.VersionState.PUBLISHED).exists()
    policy = Policy.objects.first()
    return bool(rules) and has_policy, f"{policy}; {', '.join(rules)}" if rules else "no routing rule yet"


def _trial() -> tuple[bool, str]:
    done = Handoff.objects.filter(episode__lead__is_test=True).select_related("user").order_by("-pk").first()
    return (True, f"arrived at {done.user}") if done is not None else (False, "not yet")
