"""One event of the wire, validated: who, what, when, where from."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from leads.wire.contexts import Origin, read_origin
from leads.wire.refusals import MAX_MESSAGE_ID_LENGTH, MAX_NAME_LENGTH, Refusal
from leads.wire.scan import Envelope, Item
from leads.wire.texts import as_id, as_name, as_text
from leads.wire.times import occurred, parse_time
from leads.wire.values import parse_value

KINDS: Final = frozenset({"identify", "track", "page", "screen", "group", "alias"})
_VISITS: Final = {"page": ("Visited {} Page", "Visited a Page"), "screen": ("Viewed {} Screen", "Viewed a Screen")}
_LONGEST_VISIT: Final = MAX_NAME_LENGTH - len("Viewed  Screen")
_canonical: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Event:
    """What one event says.

    `name` is the activity's name: a track's event, a page's or screen's visit, empty for the other kinds.
    `fingerprint` tells two bodies under one message id apart: it is made of kind, ids, name, properties, traits and
    the time the client wrote, and not of what a retry changes (sentAt, context, `_metadata`). An event sent without
    a messageId is known as `derived-<fingerprint>`; so two events that are alike in all of that are one.
    `integrations` is empty unless the sender gave some. `occurred_at` is set right by the server's clock.
    """

    kind: str
    message_id: str
    fingerprint: str
    user_id: str | None
    anonymous_id: str | None
    previous_id: str | None
    group_id: str | None
    name: str
    properties: Mapping[str, Any]
    traits: Mapping[str, Any]
    context: Mapping[str, Any]
    integrations: Mapping[str, Any]
    origin: Origin
    occurred_at: datetime
    clamped: bool


def read_item(kind: str | None, item: Item, envelope: Envelope, *, received_at: datetime) -> Event:
    """Parse and read one slot of an envelope; raises `Refusal`, also for a slot that was refused unread."""
    if item.refusal is not None:
        raise Refusal(item.refusal.code, item.refusal.sentence)
    return read_event(kind, parse_value(item.raw), envelope, received_at=received_at)


def read_event(kind: str | None, value: Any, envelope: Envelope, *, received_at: datetime) -> Event:
    """Read a parsed event. `kind` is what the door's path says; `None` leaves it to the event's own `type`.

    Context and integrations of the batch are merged into the event's, key by key, the event's own winning. An
    identify without traits takes `context.traits`. `received_at` is an aware time.

    Refuses (`Refusal`): not_an_object, unknown_type, no_user_anon_id, no_event, no_group_id, no_previous_id,
    name_too_long, bad_<member> for a member of the wrong type, <member>_too_long, bad_timestamp.
    """
    if not isinstance(value, dict):
        raise Refusal("not_an_object", "An event is a JSON object.")
    kind = _kind(kind if kind is not None else value.get("type"))
    context = {**envelope.context, **_mapping(value, "context")}
    integrations = value.get("integrations")
    user_id, anonymous_id, previous_id, group_id = _ids(kind, value)
    properties = _mapping(value, "properties")
    name, properties = _name(kind, value, properties)
    traits = _traits(kind, value, context)
    original, when = _original(value)
    at, clamped = occurred(
        original=original or envelope.timestamp, sent_at=_sent_at(value, envelope), received_at=received_at
    )
    fingerprint = _fingerprint([kind, user_id, anonymous_id, previous_id, group_id, name, properties, traits, when])
    return Event(
        kind=kind,
        message_id=_message_id(value.get("messageId")) or f"derived-{fingerprint}",
        fingerprint=fingerprint,
        user_id=user_id,
        anonymous_id=anonymous_id,
        previous_id=previous_id,
        group_id=group_id,
        name=name,
        properties=properties,
        traits=traits,
        context=context,
        integrations={**envelope.integrations, **(integrations if isinstance(integrations, dict) else {})},
        origin=read_origin(context, properties if kind == "page" else {}),
        occurred_at=at,
        clamped=clamped,
    )


def _kind(value: Any) -> str:
    if not isinstance(value, str) or value not in KINDS:
        raise Refusal("unknown_type", "type is not one of identify, track, page, screen, group, alias.")
    return value


def _mapping(value: Mapping[str, Any], member: str) -> dict[str, Any]:
    found = value.get(member)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise Refusal(f"bad_{member}", f"{member} is not an object.")
    return found


def _ids(kind: str, value: Mapping[str, Any]) -> tuple[str | None, str | None, str | None, str | None]:
    user_id = as_id(value.get("userId"), name="user_id")
    anonymous_id = as_id(value.get("anonymousId"), name="anonymous_id")
    previous_id = as_id(value.get("previousId"), name="previous_id") if kind == "alias" else None
    group_id = as_id(value.get("groupId"), name="group_id") if kind == "group" else None
    if user_id is None and (anonymous_id is None or kind == "alias"):
        raise Refusal("no_user_anon_id", "The event has neither a userId nor an anonymousId that names anyone.")
    if kind == "alias":
        previous_id = previous_id or anonymous_id
        if previous_id is None:
            raise Refusal("no_previous_id", "An alias needs the previousId that its userId replaces.")
    if kind == "group" and group_id is None:
        raise Refusal("no_group_id", "A group call needs a groupId.")
    return user_id, anonymous_id, previous_id, group_id


def _name(kind: str, value: Mapping[str, Any], properties: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The activity's name; a page's or screen's own name and category join its properties, which win."""
    if kind == "track":
        name = as_name(value.get("event"))
        if name is None:
            raise Refusal("no_event", "A track call needs an event name, a text.")
        return _fitting(name, MAX_NAME_LENGTH), properties
    if kind not in _VISITS:
        return "", properties
    own = {key: value[key] for key in ("name", "category") if as_name(value.get(key))}
    properties = {**own, **properties}
    named, nameless = _VISITS[kind]
    name = as_name(value.get("name")) or as_name(properties.get("name"))
    return (named.format(_fitting(name, _LONGEST_VISIT)) if name else nameless), properties


def _fitting(name: str, length: int) -> str:
    if len(name) > length:
        raise Refusal("name_too_long", f"The name is longer than {length} characters.")
    return name


def _traits(kind: str, value: Mapping[str, Any], context: Mapping[str, Any]) -> dict[str, Any]:
    if kind not in ("identify", "group"):
        return {}
    return _mapping(value, "traits") or (_mapping(context, "traits") if kind == "identify" else {})


def _original(value: Mapping[str, Any]) -> tuple[datetime | None, Any]:
    """The client's time of the event, and the same as it was written."""
    for member in ("originalTimestamp", "timestamp"):
        when = value.get(member)
        if when is not None and when != "":
            return parse_time(when), when
    return None, None


def _sent_at(value: Mapping[str, Any], envelope: Envelope) -> datetime | None:
    """The event's own sentAt, else its batch's. One that cannot be read corrects nothing and harms nothing."""
    sent_at = value.get("sentAt")
    if sent_at is None or sent_at == "":
        return envelope.sent_at
    try:
        return parse_time(sent_at)
    except Refusal:
        return None


def _message_id(value: Any) -> str | None:
    if isinstance(value, list | dict):
        raise Refusal("bad_message_id", "messageId is neither a text nor a number.")
    text = as_text(value)
    if text is not None and len(text) > MAX_MESSAGE_ID_LENGTH:
        raise Refusal("message_id_too_long", "messageId has 100 characters or more.")
    return text


def _fingerprint(content: list[Any]) -> str:
    return blake2b(_canonical(content).encode(), digest_size=16).hexdigest()
