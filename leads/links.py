"""Links that open a mail program or dial: from what a lead gave us, which may be anything. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

# Longer links are cut off or refused by mail programs and by the systems that open them.
MAILTO_AT_MOST: Final = 1900
_ADDRESS: Final = re.compile(r"[^\s@<>\"(),:;\\\[\]]{1,64}@[^\s@<>\"(),:;\\\[\]?&#/%]{1,253}")
_DIALED: Final = re.compile(r"[0-9*#]")


def mailto(address: str, *, subject: str = "", body: str = "") -> str:
    """A link that opens a mail to exactly this one address; "" where it is none, or where the link were too long.

    Everything is percent-encoded, so that nothing in an address or a text adds a header, a recipient or a parameter.
    """
    if not _ADDRESS.fullmatch(address) or not address.isprintable():
        return ""
    fields = [("subject", _one_line(subject)), ("body", body.replace("\r\n", "\n").replace("\n", "\r\n"))]
    query = "&".join(f"{name}={quote(text, safe='')}" for name, text in fields if text)
    link = f"mailto:{quote(address, safe='@')}" + (f"?{query}" if query else "")
    return link if len(link) <= MAILTO_AT_MOST else ""


def tel(number: str) -> str:
    """A link that dials what can be dialed of this number; "" where nothing can."""
    dialed = "".join(_DIALED.findall(number.partition("x")[0]))
    if not dialed:
        return ""
    return f"tel:{'+' if number.strip().startswith('+') else ''}{quote(dialed, safe='*')}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
