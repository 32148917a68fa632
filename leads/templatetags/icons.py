"""The icons of the heroicons package in templates, drawn once per process: most when their template is compiled."""

from __future__ import annotations

from functools import cache, partial
from typing import Any, Final

from django import template
from django.template.base import FilterExpression, Node, Parser, TextNode, Token, Variable, token_kwargs
from django.template.context import Context
from django.utils.safestring import SafeString
from heroicons.templatetags import heroicons

register = template.Library()

STYLES: Final = {
    "micro": heroicons.heroicon_micro,
    "mini": heroicons.heroicon_mini,
    "outline": heroicons.heroicon_outline,
    "solid": heroicons.heroicon_solid,
}


@cache
def drawn(style: str, name: str, attributes: tuple[tuple[str, str], ...]) -> SafeString:
    """This icon as inline SVG, with these attributes. Raises heroicons.IconDoesNotExist."""
    package: Any = STYLES[style]
    return SafeString(package(name, **dict(attributes)))


class Icon(Node):
    """An icon whose name or attributes are known only when the page is rendered."""

    def __init__(self, style: str, name: FilterExpression, attributes: dict[str, FilterExpression]) -> None:
        self.style, self.name, self.attributes = style, name, attributes

    def render(self, context: Context) -> SafeString:
        asked = tuple((key, str(value.resolve(context))) for key, value in self.attributes.items())
        return drawn(self.style, str(self.name.resolve(context)), asked)


def _compiled(style: str, parser: Parser, token: Token) -> Node:
    """`{% heroicon_micro "check" aria_hidden="true" %}`: its text at once, where nothing in it is a variable."""
    name, *rest = token.split_contents()[1:]
    icon = Icon(style, parser.compile_filter(name), token_kwargs(rest, parser))
    parts = [icon.name, *icon.attributes.values()]
    return icon if any(_varies(part) for part in parts) else TextNode(icon.render(Context()))


def _varies(part: FilterExpression) -> bool:
    return bool(part.filters) or isinstance(part.var, Variable)


for _style in STYLES:
    register.tag(f"heroicon_{_style}", partial(_compiled, _style))
