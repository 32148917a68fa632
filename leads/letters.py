"""Letters: mails as text and HTML, in which whatever comes from outside is inert. No model, no clock."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, NamedTuple

import css_inline
from django.template.loader import render_to_string

_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=True)

# What mail programs and chats turn into links: a dot (also a wide one), an at sign or a colon between two characters.
# A word joiner on both sides looks the same and is no address any more. An at sign alone may call a whole channel.
_LINKING = re.compile(r"(?<=\S)([.@:。．｡])(?=\S)")
_CALLING = re.compile(r"@(?!\N{WORD JOINER})")
_JOINER = "\N{WORD JOINER}"


class Letter(NamedTuple):
    """A message before it goes into the outbox."""

    subject: str
    text: str
    html: str


def compose(template: str, context: dict[str, Any]) -> Letter:
    """The letter of this template: `<template>.txt`, whose first line is the subject, and `<template>.html`."""
    subject, _, text = render_to_string(f"{template}.txt", context).strip().partition("\n")
    html = _INLINER.inline(render_to_string(f"{template}.html", context | {"subject": subject}))
    return Letter(" ".join(subject.split()), text.strip() + "\n", html)


def inert(text: str, limit: int = 80) -> str:
    """Somebody's words as one plain line that no mail program reads as a link, a command or another line."""
    # Controls, what turns the direction of writing, and what can't be seen are all of category C; line ends are Z.
    visible = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in text)
    line = " ".join(visible.split())
    line = line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
    return _CALLING.sub(f"@{_JOINER}", _LINKING.sub(rf"{_JOINER}\1{_JOINER}", line))
