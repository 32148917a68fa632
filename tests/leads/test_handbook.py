"""The handbook as it is read in the product."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.test import Client

from leads import handbook
from leads.models import Role
from tests import desk

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(client: Client) -> Client:
    client.force_login(desk.person(Role.REP, "Robin Read"))
    return client


def test_is_made_of_all_files_of_docs() -> None:
    assert set(handbook.pages()) == {each.stem for each in (settings.BASE_DIR / "docs").glob("*.md")}


@pytest.mark.parametrize("name", handbook.ORDER)
def test_each_page_is_one_to_read(reader: Client, name: str) -> None:
    page = reader.get(f"/docs/{name}/").content.decode()
    assert f"<title>{handbook.pages()[name].title}" in page
    assert page.count("<h1") == 1
    text = re.sub(r"(?s)<(pre|code)\b.*?</\1>", "", page)
    assert not re.search(r"\*\*|^\|.*\|$|^#+ |\]\(", text, re.MULTILINE)
    assert text.count('aria-current="page"') == 1


def test_links_lead_to_pages_and_places_that_are_there(reader: Client) -> None:
    links = [link for page in handbook.pages().values() for link in re.findall(r'href="(/[^"]*)"', page.html)]
    assert len(links) >= 5
    for link in links:
        path, _, place = link.partition("#")
        answer = reader.get(path)
        assert answer.status_code == 200, link
        assert not place or f'id="{place}"' in answer.content.decode(), link


def test_what_looks_like_markup_is_text(reader: Client) -> None:
    page = reader.get("/docs/intake/").content.decode()
    assert "&lt;" in page[page.index("<article") :]
    assert "<script" not in page[page.index("<article") : page.index("</article>")]


def test_no_other_page_is_there(reader: Client) -> None:
    assert reader.get("/docs/nothing/").status_code == 404
    assert reader.get("/docs/..%2fREADME/").status_code == 404
