"""The options of a select: a long list of them, which a template would take longer over than over the page."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString

from sla.choices import Choice

register = template.Library()


@register.simple_tag
def options(choices: Iterable[Choice]) -> SafeString:
    """`<option>`s to choose from, as many as there are."""
    drawn = (
        f'<option value="{escape(each.value)}"{" selected" if each.is_chosen else ""}>{escape(str(each))}</option>'
        for each in choices
    )
    return SafeString("".join(drawn))
