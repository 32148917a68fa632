"""What is written to reps: a lead's words stand in it as they were typed, and do nothing."""

from __future__ import annotations

import re
from datetime import datetime

import pytest

from leads.delivering import words
from leads.letters import Letter
from leads.models import Lead, Notification
from scoring import episodes
from scoring.models import Tier
from sla.telling import mails
from tests.desk import Company, company

pytestmark = pytest.mark.django_db
HOSTILE = {
    "first_name": "<img src=x onerror=alert(1)>",
    "last_name": "win.example/now\r\nBcc: all@halyard.example",
}


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


def letters(house: Company, now: datetime) -> list[Letter]:
    """A new lead, and news of it, from somebody who means no good."""
    lead = house.lead(now=now, **HOSTILE)
    handoff = house.offer(house.episode(lead, now=now), now=now)
    episode = episodes.lock(handoff.episode_id)
    episodes.raise_tier(episode, Tier.HOT, now=now)
    episodes.raise_hand(episode, activity_id=3, now=now)
    episodes.close(episode, "withdrawn", now=now)
    written = list(Notification.objects.filter(lead=lead).order_by("pk"))
    assert [letter.kind for letter in written] == ["new lead", "tier rose", "hand raised", "withdrawn"]
    return [words.of(each) for each in written]


class TestHostileNames:
    def test_are_no_markup(self, house: Company, now: datetime) -> None:
        for letter in letters(house, now):
            assert "<img" not in letter.html
            assert "&lt;img" in letter.html

    def test_become_no_link_in_any_mail_program(self, house: Company, now: datetime) -> None:
        for letter in letters(house, now):
            for part in (letter.subject, letter.text, letter.html):
                assert "win.example" not in part
                assert "all@halyard.example" not in part
            hrefs = re.findall(r"<a [^>]*href=\"([^\"]*)", letter.html)
            assert len(hrefs) == letter.html.count("<a ") > 0
            assert all(href.startswith("http://127.0.0.1:8000/") for href in hrefs)

    def test_stay_on_one_line(self, house: Company, now: datetime) -> None:
        for letter in letters(house, now):
            assert "\n" not in letter.subject
            assert "\nBcc" not in letter.text


class TestNews:
    def test_is_told_once_per_event(self, house: Company, now: datetime) -> None:
        handoff = house.accepted(now=now)
        for _ in range(2):
            mails.news(handoff, "tier_rose", now=now, once="hot")
        mails.news(handoff, "hand_raised", now=now, once="1")
        mails.news(handoff, "hand_raised", now=now, once="2")
        kinds = Notification.objects.exclude(kind="new lead").values_list("kind", flat=True)
        assert sorted(kinds) == ["hand raised", "hand raised", "tier rose"]

    @pytest.mark.parametrize("what", sorted(mails.NEWS))
    def test_names_the_lead_save_the_erased_and_where_to_read_on(
        self, house: Company, now: datetime, what: str
    ) -> None:
        handoff = house.accepted(now=now)
        mails.news(handoff, what, now=now)
        letter = words.of(Notification.objects.get(kind=what.replace("_", " ")))
        lead = Lead.objects.get(pk=handoff.episode.lead_id)
        assert (lead.last_name in letter.text) == (what != "erased")
        assert mails.lead_url(lead) in letter.text
        assert letter.subject.startswith(mails.NEWS[what][0])
