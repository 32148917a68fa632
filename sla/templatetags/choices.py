"""The options of a select: a long list of them, which a template would take longer over than over the page."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from sla.choices import Choice

register = template.Library()
CHOSEN = SafeString(" selected")


@register.simple_tag
def options(choices: Iterable[Choice]) -> SafeString:
    """`<option>`s to choose from, as many as there are."""
    drawn = ((each.value, CHOSEN if each.is_chosen else "", str(each)) for each in choices)
    return format_html_join("", '<option value="{}"{}>{}</option>', drawn)
