"""What is shown of an endpoint's address. Pure.

Whoever knows the address of a chat's channel can post there, so no page, no log, no history and no answer has it whole.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote

SHOWN: Final = 4  # letters at the end, by which two addresses of one host are told apart
SECRET_FROM: Final = 8  # letters; a shorter part of a path is a word


def masked(url: str) -> str:
    """The address with its host and its last letters: `https://hooks.example/…Xy9z`."""
    scheme, _, rest = url.partition("://")
    place, _, rest = rest.partition("/")
    rest = rest.strip("/")
    end = rest[-SHOWN:] if len(rest) >= SECRET_FROM else ""
    return f"{scheme}://{place.rpartition('@')[2]}/" + (f"…{end}" if rest else "")


def without(said: str, url: str) -> str:
    """What an endpoint or a connection said, without the parts of its address that may be secret."""
    rest = url.partition("://")[2].partition("/")[2]
    parts = {part for part in re.split(r"[/?&=#;]", rest) if len(part) >= SECRET_FROM}
    for part in sorted(parts | {unquote(part) for part in parts}, key=len, reverse=True):
        said = said.replace(part, "…")
    return said
