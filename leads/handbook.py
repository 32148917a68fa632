"""The handbook that comes with Baton: the pages of docs/, to be read in the product."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from markdown_it import MarkdownIt
from markdown_it.token import Token

# As one who is new reads on.
ORDER: Final = (
    "first-day", "desk", "closing", "intake", "import", "telling", "shadow", "permissions", "api", "operations",
    "architecture",
)  # fmt: skip


class Page(NamedTuple):
    """One page: what its address and its link say, and what stands on it, as HTML."""

    name: str
    title: str
    html: SafeString


@cache
def pages() -> dict[str, Page]:
    """All pages by name, in the order of reading."""
    return {name: _page(name) for name in ORDER}


def _page(name: str) -> Page:
    text = (Path(settings.BASE_DIR) / "docs" / f"{name}.md").read_text()
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.add_render_rule("fence", _fence)
    reader.add_render_rule("table_open", _table_open)
    reader.add_render_rule("table_close", _table_close)
    tokens = reader.parse(text)
    for heading, inline in zip(tokens, tokens[1:], strict=False):
        if heading.type == "heading_open":
            heading.attrSet("id", slugify(inline.content))
    for link in (child for token in tokens for child in token.children or [] if child.type == "link_open"):
        link.attrSet("href", _inside(str(link.attrGet("href"))))
    html = reader.renderer.render(tokens, reader.options, {})
    return Page(name, tokens[1].content, mark_safe(html))  # noqa: S308  (our own text, in which HTML is no HTML)


def _inside(target: str) -> str:
    """Files of the handbook link to each other; here they are pages."""
    name, _, place = target.partition("#")
    if not name.endswith(".md"):
        return target
    return reverse("doc", args=[name.removesuffix(".md")]) + (f"#{place}" if place else "")


# What is wider than a phone scrolls by itself, also by keyboard.
def _fence(renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return format_html('<pre tabindex="0"><code>{}</code></pre>\n', tokens[at].content)


def _table_open(renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return '<div class="table-scroll" tabindex="0"><table>\n'


def _table_close(renderer: Any, tokens: Sequence[Token], at: int, options: Any, env: Any) -> str:
    return "</table></div>\n"
