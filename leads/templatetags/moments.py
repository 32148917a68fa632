"""`date` as Django has it, in the clock and the order of dates of whoever looks; built into every template."""

from __future__ import annotations

from datetime import date as Date
from typing import Any

from django import template
from django.template import defaultfilters

from leads import styles

register = template.Library()


@register.filter(expects_localtime=True, is_safe=False)
def date(value: Date | None, pattern: str | None = None) -> Any:
    """A moment or a day by a pattern."""
    return defaultfilters.date(value, styles.viewers(pattern) if pattern else pattern)
