"""`url` as Django has it; of a page whose address has no part that varies it is looked up once per process.

A page names some fifty such addresses around what it shows. Built into every template.
"""

from __future__ import annotations

from django import template
from django.template.base import Node, Parser, Token, Variable
from django.template.context import Context
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as compiled
from django.urls import get_script_prefix, get_urlconf

register = template.Library()


class Fixed(Node):
    """An address that is the same each time: below one prefix, on one table of routes."""

    def __init__(self, node: URLNode) -> None:
        self.node = node
        self.known: dict[tuple[str, str | None], str] = {}

    def render(self, context: Context) -> str:
        """The address. Raises NoReverseMatch."""
        where = get_script_prefix(), get_urlconf()
        if where not in self.known:
            self.known[where] = self.node.render(context)
        return self.known[where]


@register.tag
def url(parser: Parser, token: Token) -> Node:
    """`{% url 'inbox' %}`, and whatever else Django lets it be."""
    node: URLNode = compiled(parser, token)
    varies = node.args or node.kwargs or node.asvar or isinstance(node.view_name.var, Variable)
    return node if varies else Fixed(node)
