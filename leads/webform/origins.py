"""Web origins as browsers name them: which sites belong to a source, and where people may be sent. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from leads.errors import Invalid

MOST: Final = 20
_PORTS: Final = {"http": 80, "https": 443}


class BadOrigin(Invalid):
    """What was typed names no website."""

    code = "bad_origin"


def origin_of(url: str) -> str | None:
    """`https://www.example.com` of an address on it; `None` for what is no web address or hides where it leads.

    Blanks, controls, backslashes and user names are how an address pretends to lead elsewhere.
    """
    if any(sign <= " " or sign == "\\" or sign == "\x7f" for sign in url):
        return None
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or "@" in parts.netloc:
        return None
    named = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{named}" + (f":{port}" if port and port != _PORTS[parts.scheme] else "")


def read_origins(typed: Iterable[str]) -> list[str]:
    """The origins of what people type: with a path or without, `www.example.com` too. Raises BadOrigin."""
    found: list[str] = []
    for each in typed:
        text = each.strip()
        if not text:
            continue
        origin = origin_of(text.lower() if "://" in text else f"https://{text.lower()}")
        if origin is None or ("." not in origin and "localhost" not in origin and "[" not in origin):
            raise BadOrigin(f"“{text[:80]}” is no website. Write it such as https://www.example.com.", field="origins")
        if origin not in found:
            found.append(origin)
    if len(found) > MOST:
        raise BadOrigin(f"These are {len(found)} sites; a source has {MOST} at most.", field="origins")
    return found


def may_go(url: str, origins: Iterable[str]) -> bool:
    """Whether people may be sent to this address: only onto one of these sites."""
    origin = origin_of(url)
    return origin is not None and origin in set(origins)
