"""`url` in templates: a fixed address is looked up once, and is still the right one below another prefix."""

from __future__ import annotations

import pytest
from django.template import Context, Template
from django.urls import NoReverseMatch, set_script_prefix

FIXED = Template("{% url 'inbox' %} {% url 'board' as there %}{{ there }}")


def test_follows_the_prefix_below_which_the_product_runs() -> None:
    assert FIXED.render(Context()) == "/inbox/ /board/"
    try:
        set_script_prefix("/baton/")
        assert FIXED.render(Context()) == "/baton/inbox/ /baton/board/"
    finally:
        set_script_prefix("/")
    assert FIXED.render(Context()) == "/inbox/ /board/"


def test_asks_each_time_where_something_varies() -> None:
    page = Template("{% url name %}")
    assert [page.render(Context({"name": name})) for name in ("inbox", "board")] == ["/inbox/", "/board/"]


def test_refuses_what_is_no_route() -> None:
    with pytest.raises(NoReverseMatch):
        Template("{% url 'nowhere' %}").render(Context())
