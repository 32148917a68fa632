"""Addresses and icons of lists, beside what Django and the package themselves say."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.template import Context, Template
from django.urls import NoReverseMatch, reverse, set_script_prefix
from heroicons import IconDoesNotExist
from heroicons.templatetags.heroicons import heroicon_micro, heroicon_outline

from leads import addresses
from leads.templatetags.icons import Icon


class TestAnAddress:
    @pytest.mark.parametrize("name", ["lead", "lead-promise", "board-due"])
    def test_is_what_reverse_says(self, name: str) -> None:
        public_id = uuid4()
        assert addresses.of(name, public_id) == reverse(name, args=[public_id])

    def test_follows_the_prefix_the_installation_lives_under(self) -> None:
        public_id = uuid4()
        here = addresses.of("lead", public_id)
        set_script_prefix("/baton/")
        try:
            assert addresses.of("lead", public_id) == f"/baton{here}" == reverse("lead", args=[public_id])
        finally:
            set_script_prefix("/")

    def test_of_an_unknown_route_is_refused(self) -> None:
        with pytest.raises(NoReverseMatch):
            addresses.of("no-such-page", uuid4())


class TestAnIcon:
    def test_is_the_one_of_the_package(self) -> None:
        page = Template('{% load heroicons %}{% heroicon_micro "check" aria_hidden="true" %}').render(Context())
        assert page == heroicon_micro("check", aria_hidden="true")

    def test_is_text_once_compiled_unless_its_name_varies(self) -> None:
        page = Template('{% load heroicons %}{% heroicon_outline "check" class="big" %}{% heroicon_micro name %}')
        assert len(page.nodelist.get_nodes_by_type(Icon)) == 1
        assert page.render(Context({"name": "bolt"})) == heroicon_outline("check", **{"class": "big"}) + heroicon_micro(
            "bolt"
        )

    def test_that_varies_can_bring_no_markup(self) -> None:
        page = Template('{% load heroicons %}{% heroicon_micro "check" aria_label=name %}')
        assert "<script" not in page.render(Context({"name": '"><script>alert(1)</script>'}))

    def test_that_is_missing_is_said_when_the_template_is_compiled(self) -> None:
        with pytest.raises(IconDoesNotExist, match="no-such"):
            Template('{% load heroicons %}{% heroicon_micro "no-such" %}')
