"""Placeholders of a draft: which there are, and how a text is filled with them. Pure.

`{first_name}` stands for a value; `{first_name|there}` says what stands there without one. A sentence with a
placeholder that has neither is left out, and so is a line that has no other sentence: no letter has a hole in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from leads.errors import Invalid

PLACEHOLDERS: Final[dict[str, str]] = {
    "first_name": "their first name",
    "company": "their company",
    "title": "their job title",
    "most_read": "what they looked at most: “our pricing page”",
    "last_activity": "what they did last, after “you”: “requested a demo”",
    "last_day": "when that was: “today”, “on Tuesday”, “on 3 March”",
    "rep_first_name": "your first name",
    "rep_name": "your whole name",
    "booking_link": "your booking link",
    "our_company": "our company",
}
_PLACE: Final = re.compile(r"\{([A-Za-z_0-9]+)(?:\|([^{}|\n]*))?\}")
# Between two sentences, and not within a placeholder.
_SENTENCES: Final = re.compile(r"(?<=[.!?…])[ \t]+(?![^{}]*\})")


def check(text: str, *, field: str) -> None:
    """Raises Invalid, naming the placeholder that is not known or the brace that belongs to none."""
    for name, _ in _PLACE.findall(text):
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise Invalid(f"{{{name}}} is no placeholder. Use one of {known}.", field=field)
    rest = _PLACE.sub("", text)
    if "{" in rest or "}" in rest:
        around = re.search(r".{0,12}[{}].{0,12}", rest)
        told = around.group(0).strip() if around else "{"
        raise Invalid(f"A brace belongs to a placeholder such as {{first_name}}; “{told}” is none.", field=field)


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its values; what has a hole is left out, and no two blank lines follow each other."""
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").split("\n"):
        if not line.strip():
            if lines and lines[-1]:
                lines.append("")
            continue
        whole = [filled for each in _SENTENCES.split(line.strip()) if (filled := _filled(each, values)) is not None]
        if whole:
            lines.append(" ".join(whole))
    return "\n".join(lines).strip()


def _filled(sentence: str, values: Mapping[str, str]) -> str | None:
    """One sentence, or None where something is missing in it."""
    if not all(values.get(name) or default for name, default in _PLACE.findall(sentence)):
        return None
    return _PLACE.sub(lambda place: values.get(place[1]) or place[2], sentence)
