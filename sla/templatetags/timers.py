"""The chip of a timer. It stands in every row of every list, so it is put together here and not by a template."""

from __future__ import annotations

from uuid import UUID

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString

from leads.templatetags.icons import drawn
from sla.timers import Timer

register = template.Library()
HIDDEN = (("aria_hidden", "true"),)


@register.simple_tag
def chip(timer: Timer, of: UUID | str = "", is_fresh: bool = False) -> SafeString:
    """A timer with its icon and word, and what a browser needs to go on counting.

    `of` is the hand-off whose timer the page asks for again; one that `is_fresh` takes the place of the shown one.
    """
    marks = []
    if of:
        marks.append(f' data-timer="{escape(of)}"')
        if is_fresh:
            marks.append(f" hx-swap-oob=\"outerHTML:[data-timer='{escape(of)}']\"")
    if timer.ticks:
        marks.append(f' data-left="{timer.left:d}" data-soon="{timer.soon:d}"')
        if timer.runs is not None:
            marks.append(f' data-runs="{timer.runs:d}"')
    said = f'<span class="said"> {escape(timer.what)}</span>' if timer.what else ""
    return SafeString(
        f'<span class="timer" data-state="{timer.state}"{"".join(marks)} title="{escape(timer.title)}">'
        f'{drawn("micro", timer.icon, HIDDEN)}<span class="timer-text">{escape(timer.text)}</span>{said}</span>'
    )
