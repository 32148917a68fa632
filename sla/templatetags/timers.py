"""The chip of a timer. It stands in every row of every list, so it is put together here and not by a template."""

from __future__ import annotations

from uuid import UUID

from django import template
from django.utils.html import format_html
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
    marks = format_html(' data-timer="{}"', of) if of else SafeString()
    if of and is_fresh:
        marks += format_html(" hx-swap-oob=\"outerHTML:[data-timer='{}']\"", of)
    if timer.ticks:
        marks += format_html(' data-left="{}" data-soon="{}"', timer.left, timer.soon)
        if timer.runs is not None:
            marks += format_html(' data-runs="{}"', timer.runs)
    said = format_html('<span class="said"> {}</span>', timer.what) if timer.what else ""
    return format_html(
        '<span class="timer" data-state="{}"{} title="{}">{}<span class="timer-text">{}</span>{}</span>',
        timer.state,
        marks,
        timer.title,
        drawn("micro", timer.icon, HIDDEN),
        timer.text,
        said,
    )
