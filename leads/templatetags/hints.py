"""The line that explains a page, at its top."""

from __future__ import annotations

from typing import Any

from django import template

from leads import hints

register = template.Library()


@register.inclusion_tag("hint.html", takes_context=True)
def explain(context: template.Context) -> dict[str, Any]:
    """What you see here; nothing for who is not shown explanations."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    if request is None or match is None or not request.user.is_authenticated:
        return {}
    return {"hint": hints.of(match.url_name or "", request.user), "route": match.url_name, "request": request}
