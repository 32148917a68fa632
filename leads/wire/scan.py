"""From the body of a request to its raw events: split, not yet read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from leads.wire.refusals import (
    MAX_BATCH_BYTES,
    MAX_EVENT_BYTES,
    MAX_EVENTS,
    MAX_ID_LENGTH,
    MAX_SLOTS,
    Refusal,
    TooLarge,
    Unreadable,
)
from leads.wire.times import parse_time
from leads.wire.values import STRING, parse_value

_BLANKS: Final = b" \t\n\r"
_KEY: Final = re.compile(rb"[ \t\n\r]*+(" + STRING + rb")[ \t\n\r]*+:", re.DOTALL)
_LIST: Final = re.compile(rb"[ \t\n\r]*+\[")
# Over strings and all else, to the next run of like brackets; and, between brackets, to the next bracket or comma.
_DEEP: Final = re.compile(rb'[^"{}\[\]]*+(?:' + STRING + rb'[^"{}\[\]]*+)*+([{\[]++|[}\]]++)', re.DOTALL)
_FLAT: Final = re.compile(rb'[^"{}\[\],]*+(?:' + STRING + rb'[^"{}\[\],]*+)*+[{}\[\],]', re.DOTALL)
# What most events are, four levels of containers at most, in one go.
_LEVEL: Final = rb'[{\[][^"{}\[\]]*+(?:(?:' + STRING + rb'|%s)[^"{}\[\]]*+)*+[}\]]'
_FLATTEST: Final = _LEVEL % rb"(?!)"
_SHALLOW: Final = re.compile(rb"[ \t\n\r]*+" + _LEVEL % (_LEVEL % (_LEVEL % _FLATTEST)), re.DOTALL)
_OPENING: Final = b"{["
_KNOWN: Final = frozenset({"batch", "writeKey", "sentAt", "timestamp", "context", "integrations"})
_COMMA: Final = ord(",")
_END_OF_OBJECT: Final = ord("}")
_END_OF_LIST: Final = ord("]")


class Item(NamedTuple):
    """One slot of the batch as it was sent, and why it is refused unread, if it is."""

    raw: bytes
    refusal: Refusal | None = None


class Ignored(NamedTuple):
    """Something that was left out, by its name on the wire, and why."""

    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """A body taken apart: its raw events in order, and what it says about all of them.

    `timestamp` stands in for the time of events that carry none. `ignored` names the members that could not be
    read and were left out: an event is worth more than the context it came in.
    """

    items: tuple[Item, ...] = ()
    write_key: str | None = None
    sent_at: datetime | None = None
    timestamp: datetime | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    integrations: Mapping[str, Any] = field(default_factory=dict)
    ignored: tuple[Ignored, ...] = ()


def split_batch(body: bytes) -> Envelope:
    """Take a batch apart without reading its events, so that a bad one never sinks its neighbors.

    A slot is what stands between two commas of the list, be it JSON or not. Slots larger than 32 KB (too_large) and
    beyond the 2,500th (too_many) are refused in their place. Raises `TooLarge` beyond 500 KB or 10,000 slots and
    `Unreadable` (empty_body, not_an_object, invalid_json, no_batch) when no slots can be told apart.
    """
    if len(body) > MAX_BATCH_BYTES:
        raise TooLarge(f"A batch may hold {MAX_BATCH_BYTES} bytes; this one is larger.")
    items: list[Item] = []
    members = _members(body, items)
    if members.get("batch") != b"[":
        raise Unreadable("no_batch", 'The body has no list named "batch".')
    return _envelope(members, tuple(items))


def split_single(body: bytes) -> Envelope:
    """Take the body of one event as an envelope of one, so that both kinds of body are read alike.

    Its own members speak for the event; only the write key is taken out. Raises `TooLarge` beyond 32 KB and
    `Unreadable` as `split_batch` does.
    """
    if len(body) > MAX_EVENT_BYTES:
        raise TooLarge(f"An event may hold {MAX_EVENT_BYTES} bytes; this one is larger.")
    members = _members(body)
    own = {"writeKey": members["writeKey"]} if "writeKey" in members else {}
    return _envelope(own, (Item(_without_mark(body).strip(_BLANKS)),))


def _without_mark(body: bytes) -> bytes:
    return body.removeprefix(b"\xef\xbb\xbf")


def _envelope(members: dict[str, bytes], items: tuple[Item, ...]) -> Envelope:
    ignored: list[Ignored] = []

    def read(name: str) -> Any:
        try:
            return parse_value(members[name]) if name in members else None
        except Refusal as refusal:
            ignored.append(Ignored(name, refusal.code))
            return None

    def instant(name: str) -> datetime | None:
        value = read(name)
        try:
            return None if value is None else parse_time(value)
        except Refusal as refusal:
            ignored.append(Ignored(name, refusal.code))
            return None

    def mapping(name: str) -> dict[str, Any]:
        value = read(name)
        if isinstance(value, dict):
            return value
        if value is not None:
            ignored.append(Ignored(name, f"bad_{name}"))
        return {}

    key = read("writeKey")
    return Envelope(
        items=items,
        write_key=key if isinstance(key, str) and 0 < len(key) <= MAX_ID_LENGTH else None,
        sent_at=instant("sentAt"),
        timestamp=instant("timestamp"),
        context=mapping("context"),
        integrations=mapping("integrations"),
        ignored=tuple(ignored),
    )


def _members(body: bytes, items: list[Item] | None = None) -> dict[str, bytes]:
    """The members we know of an object, by name, as raw slices; of equal names the last counts.

    A list named batch is put into `items` slot by slot, where these are given, and leaves its bracket here.
    """
    body = _without_mark(body).strip(_BLANKS)
    if not body:
        raise Unreadable("empty_body", "The body is empty.")
    if not body.startswith(b"{"):
        raise Unreadable("not_an_object", "The body is not a JSON object.")
    members: dict[str, bytes] = {}
    at, ending = 1, _COMMA
    if body[1:].lstrip(_BLANKS) == b"}":
        return members
    while ending == _COMMA:
        key = _KEY.match(body, at)
        if key is None:
            raise _invalid()
        at, name = key.end(), _name(key[1])
        opening = _LIST.match(body, at) if items is not None and name == "batch" else None
        if opening and items is not None:
            start = _fill(items, body, opening.end())
            end, ending = _slot(body, start, _END_OF_OBJECT)
            if body[start:end].strip(_BLANKS):
                raise _invalid()
            members[name] = b"["
        else:
            end, ending = _slot(body, at, _END_OF_OBJECT)
            if name in _KNOWN:
                members[name] = body[at:end].strip(_BLANKS)
        at = end + 1
    if at != len(body):
        raise Unreadable("invalid_json", "Something follows the end of the JSON object.")
    return members


def _name(raw: bytes) -> str:
    if b"\\" not in raw:
        return raw[1:-1].decode(errors="replace")
    try:
        return str(parse_value(raw, limit=MAX_BATCH_BYTES))
    except Refusal:
        raise _invalid() from None


def _fill(items: list[Item], body: bytes, at: int) -> int:
    """Fill `items` from the list whose first slot begins at `at`; where the list ends."""
    items.clear()
    ending = _COMMA
    while ending == _COMMA:
        end, ending = _slot(body, at, _END_OF_LIST)
        raw = body[at:end].strip(_BLANKS)
        at = end + 1
        if not raw and not items and ending == _END_OF_LIST:
            break
        if len(items) >= MAX_SLOTS:
            raise TooLarge(f"A batch may hold {MAX_EVENTS} events; this one holds many more.", code="too_many")
        items.append(Item(raw, _refused_unread(len(items), len(raw))))
    return at


def _refused_unread(position: int, size: int) -> Refusal | None:
    if position >= MAX_EVENTS:
        return Refusal("too_many", f"A batch may hold {MAX_EVENTS} events; this one came after them.")
    if size > MAX_EVENT_BYTES:
        return Refusal("too_large", f"An event may hold {MAX_EVENT_BYTES} bytes; this one is larger.")
    return None


def _slot(body: bytes, at: int, closing: int) -> tuple[int, int]:
    """Where the slot beginning at `at` ends, and by what: a comma, or the `closing` bracket around it."""
    if shallow := _SHALLOW.match(body, at):
        at = shallow.end()
    while found := _FLAT.match(body, at):
        at = found.end()
        last = body[at - 1]
        if last in (_COMMA, closing):
            return at - 1, last
        if last in _OPENING:
            at = _past_container(body, at)
        # Any other closing bracket is a stray one: part of a slot that will be refused when it is read.
    raise _invalid()


def _past_container(body: bytes, at: int) -> int:
    """Where the container whose opening bracket stands just before `at` ends; counted, never recursive."""
    depth = 1
    while found := _DEEP.match(body, at):
        start, at = found.span(1)
        if body[start] in _OPENING:
            depth += at - start
        elif depth <= at - start:
            return start + depth
        else:
            depth -= at - start
    raise _invalid()


def _invalid() -> Unreadable:
    return Unreadable("invalid_json", "The body is not valid JSON.")
