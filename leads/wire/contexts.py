"""Where an event came from: the parts of its context Baton knows, each in a field of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import Any, Final

from leads.wire.texts import as_text, cut

MAX_CAMPAIGN_LENGTH: Final = 255
MAX_URL_LENGTH: Final = 2_048
MAX_USER_AGENT_LENGTH: Final = 1_000
MAX_LIBRARY_LENGTH: Final = 100


@dataclass(frozen=True, slots=True)
class Campaign:
    name: str | None = None
    source: str | None = None
    medium: str | None = None
    term: str | None = None
    content: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """What the context says about the campaign, page, device and library. `shortened` names fields that were cut."""

    campaign: Campaign | None = None
    page_url: str | None = None
    page_referrer: str | None = None
    ip: str | None = None
    user_agent: str | None = None
    library_name: str | None = None
    library_version: str | None = None
    shortened: tuple[str, ...] = ()


def read_origin(context: Mapping[str, Any], page: Mapping[str, Any]) -> Origin:
    """Read a context; `page` (a page call's properties) fills what `context.page` leaves open.

    Never refuses: what is of the wrong type or no IP address is as if absent, what is too long is cut.
    """
    shortened: list[str] = []

    def text(holder: Mapping[str, Any], key: str, length: int, name: str) -> str | None:
        found = as_text(holder.get(key))
        if found is None:
            return None
        found, lost = cut(found, length)
        if lost:
            shortened.append(name)
        return found

    seen, library = _mapping(context, "page"), _mapping(context, "library")
    return Origin(
        campaign=_campaign(_mapping(context, "campaign"), text),
        page_url=text(seen if seen.get("url") else page, "url", MAX_URL_LENGTH, "page_url"),
        page_referrer=text(seen if seen.get("referrer") else page, "referrer", MAX_URL_LENGTH, "page_referrer"),
        ip=_ip(context.get("ip")),
        user_agent=text(context, "userAgent", MAX_USER_AGENT_LENGTH, "user_agent"),
        library_name=text(library, "name", MAX_LIBRARY_LENGTH, "library_name"),
        library_version=text(library, "version", MAX_LIBRARY_LENGTH, "library_version"),
        shortened=tuple(shortened),
    )


def _campaign(sent: Mapping[str, Any], text: Any) -> Campaign | None:
    if not sent:
        return None
    parts = {
        key: text(sent, key, MAX_CAMPAIGN_LENGTH, f"campaign_{key}")
        for key in ("name", "source", "medium", "term", "content")
    }
    return Campaign(**parts) if any(parts.values()) else None


def _mapping(context: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = context.get(key)
    return value if isinstance(value, dict) else {}


def _ip(value: Any) -> str | None:
    """The address in its shortest form; a zone ("fe80::1%eth0") means something on the sender's machine only."""
    if not isinstance(value, str):
        return None
    text = value.strip().partition("%")[0]
    family = AF_INET6 if ":" in text else AF_INET
    try:
        return inet_ntop(family, inet_pton(family, text))
    except (OSError, ValueError):
        return None
