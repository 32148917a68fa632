"""Erasing: a person is forgotten; counts and times stay, and a salted hash that keeps them from coming back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, TypeVar

from django.db.models import Q

from leads import bulk, holding, nurture, outbox, signals
from leads.locks import LeadGone
from leads.merging import lock_identities
from leads.models import (
    AnonymousActivity,
    AwaitingAssessment,
    DeliveryStep,
    ExternalId,
    Identity,
    IdentityConflict,
    Lead,
    Notification,
    User,
)
from leads.transactions import business

KeyT = TypeVar("KeyT", bound=tuple[str, str])

# sha256(salt + kind + value), in the database: the salt never leaves it.
HASHED: Final = """
SELECT sent.kind, sent.value,
       encode(sha256(convert_to(organization.erasure_salt || sent.kind || sent.value, 'UTF8')), 'hex') AS value_hash
  FROM unnest(%s::text[], %s::text[]) AS sent(kind, value), leads_organization AS organization
"""
REMEMBER: Final = f"""
INSERT INTO leads_erasedidentity (value_hash, erased_at)
SELECT DISTINCT value_hash, %s::timestamptz FROM ({HASHED}) AS hashed ORDER BY value_hash ON CONFLICT DO NOTHING
"""  # noqa: S608  (our own words)
AMONG: Final = f"""
SELECT kind, value FROM ({HASHED}) AS hashed JOIN leads_erasedidentity AS erased USING (value_hash)
"""  # noqa: S608
EMPTY_ATTRIBUTES: Final = "UPDATE leads_attributechange SET value = NULL WHERE lead_id = ANY(%s)"
EMPTY_ACTIVITIES: Final = "UPDATE leads_activity SET properties = '{}', context = '{}' WHERE lead_id = ANY(%s)"
# A body is bytes as they came, perhaps not even text: `escape` makes ASCII of them.
EMPTY_REFUSED: Final = "UPDATE leads_refuseditem SET body = '' WHERE encode(body, 'escape') ~* %s"
NOTHING: Final[dict[str, Any]] = {
    "email": "",
    "first_name": "",
    "last_name": "",
    "title": "",
    "seniority": "",
    "phone": "",
    "country": "",
    "domain_kind": "",
    "account": None,
    "source": "",
    "campaign": "",
    "email_permission": Lead.Permission.UNKNOWN,
    "phone_permission": Lead.Permission.UNKNOWN,
    "traits": {},
}


@business
def erase(lead_id: int, *, now: datetime, by: User | None) -> None:
    """Forget a person and everything that was merged into them, for good.

    Emptied: the lead, its keys, attribute history, what its activities say, what waits under its browsers, messages
    about it, refused items that name it; notes by the bell. Kept: that something happened, when, and how often. Its
    keys stay as salted hashes, so that a late event is not taken for a new person. An open episode closes.
    Raises LeadGone where it was erased before or is not known.
    """
    person = _lock(lead_id)
    lead, ids = person[0], [one.pk for one in person]
    now = max(now, lead.stage_at)
    keys = set(Identity.objects.filter(lead__in=ids).values_list("kind", "value"))
    keys |= {(Identity.Kind.EMAIL.value, one.email.lower()) for one in person if one.email}
    others = set(ExternalId.objects.filter(lead__in=ids).values_list("value", flat=True))
    _remember(keys, now=now)
    _forget_behind(keys, others)
    _empty_messages(ids, now=now)
    bulk.run(EMPTY_ATTRIBUTES, [ids], fetch=False)
    bulk.run(EMPTY_ACTIVITIES, [ids], fetch=False)
    Identity.objects.filter(lead__in=ids).delete()
    ExternalId.objects.filter(lead__in=ids).delete()
    opened = IdentityConflict.objects.filter(Q(lead__in=ids) | Q(other__in=ids), settled_at=None)
    opened.update(settled_at=now, settled_by=by)
    # Emptied before the bell: what the floors above still write of this lead bears no name.
    Lead.objects.filter(pk__in=ids).update(**NOTHING)
    nurture.end_rest(lead, now=now, by=by, cause="erased")
    for one in person:
        one.refresh_from_db()
        signals.lead_erased.send(Lead, lead=one, by=by, now=now)
    holding.hold(lead, user=None, team=None, now=now)
    Lead.objects.filter(pk__in=ids).update(erased_at=now)
    AwaitingAssessment.objects.filter(lead__in=ids).delete()


def is_erased(kind: str, value: str) -> bool:
    """True if this key belonged to a person who was erased; `kind` as Identity has it, an address lower-cased."""
    return bool(erased_among([(kind, value)]))


def erased_among(keys: Iterable[KeyT]) -> set[KeyT]:
    """Those of these (kind, value) keys that belonged to a person who was erased, in one question."""
    by_pair: dict[tuple[str, str], KeyT] = {(key[0], key[1]): key for key in keys}
    if not by_pair:
        return set()
    found = bulk.run(AMONG, _columns(by_pair))
    return {by_pair[(kind, value)] for kind, value in found}


def _lock(lead_id: int) -> list[Lead]:
    """The lead a person is known by, then its tombstones; keys locked first, leads in the order of their ids."""
    known = Lead.objects.filter(pk=lead_id).values_list("id", "merged_into").first()
    if known is None:
        raise LeadGone("This lead no longer exists.")
    root = known[1] or known[0]
    them = Lead.objects.filter(Q(pk=root) | Q(merged_into=root))
    lock_identities(them.values_list("pk", flat=True))
    locked = list(them.select_for_update(of=("self",)).order_by("pk"))
    lead = next(one for one in locked if one.pk == root)
    if lead.erased_at is not None:
        raise LeadGone("This lead no longer exists.")
    if lead.merged_into_id is not None:
        raise LeadGone("This lead is being merged. Try again.")
    return [lead, *(one for one in locked if one.pk != root)]


def _columns(keys: Iterable[tuple[str, str]]) -> list[list[str]]:
    pairs = sorted((kind, value) for kind, value in keys)
    return [[kind for kind, _ in pairs], [value for _, value in pairs]]


def _remember(keys: set[tuple[str, str]], *, now: datetime) -> None:
    bulk.run(REMEMBER, [now, *_columns(keys)], fetch=False)


def _forget_behind(keys: set[tuple[str, str]], others: set[str]) -> None:
    """What lies aside and names the person: under their browsers, and among the refused."""
    browsers = [value for kind, value in keys if kind == Identity.Kind.ANONYMOUS_ID]
    AnonymousActivity.objects.filter(anonymous_id__in=browsers).delete()
    values = sorted({value for _, value in keys} | others)
    if values:
        bulk.run(EMPTY_REFUSED, [_names_one_of(values)], fetch=False)


def _names_one_of(values: Iterable[str]) -> str:
    """A pattern that finds any of these as a whole word, written plainly or with JSON's escapes."""
    spelled = set()
    for value in values:
        in_json = (json.dumps(value, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
        spelled |= {_escaped(way) for way in (value, *in_json)}
    words = "|".join(re.sub(r"([^A-Za-z0-9])", r"\\\1", word) for word in sorted(spelled))
    return f"(^|[^[:alnum:]])({words})($|[^[:alnum:]])"


def _escaped(value: str) -> str:
    """As PostgreSQL's `encode(…, 'escape')` writes bytes: octal beyond ASCII, the backslash doubled."""
    return "".join("\\\\" if byte == 0x5C else chr(byte) if byte < 0x80 else f"\\{byte:03o}" for byte in value.encode())


def _empty_messages(ids: list[int], *, now: datetime) -> None:
    """Messages about the person lose their words; what has not left is cancelled, what is leaving is unknown."""
    about = Notification.objects.filter(lead__in=ids)
    outbox.cancel_all(about, now=now, why="erased")
    leaving = list(about.filter(state=Notification.State.SENDING).order_by("pk").values_list("pk", flat=True))
    Notification.objects.filter(pk__in=leaving).update(state=Notification.State.UNKNOWN, settled_at=now)
    outbox.note(leaving, DeliveryStep.What.UNKNOWN, now=now, said="erased while it was leaving")
    about.update(subject="", text="", html="", template="", data={}, to_address="", last_error="")
