"""From the board to the numbers, and from each number to its leads, in a real browser.

BATON_PICTURES names a folder in which the pages leave their pictures.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from leads.models import Role
from scoring.models import Tier
from sla.attainment import moments
from sla.models import Desk, FloorMoment
from tests.browser.conftest import PHONE, Visit
from tests.desk import Company, person
from tests.numbers import floor, touch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
WEEK = timedelta(days=7)


@pytest.fixture
def firm(now: datetime) -> Company:
    """Weeks of work in two teams, a goal, and how the floor stood a week ago."""
    firm = floor(1, now)
    Desk.objects.update(goal=90)
    thursday = (now - timedelta(days=now.weekday() + 4)).replace(hour=12)
    firm.offered(now=thursday, tier=Tier.HOT)
    for minutes in (200, 260, 320):
        firm.offered(now=now - timedelta(minutes=minutes), tier=Tier.HOT)
    touch(firm.offered(now=now - timedelta(minutes=100), tier=Tier.HOT), now - timedelta(minutes=70))
    FloorMoment.objects.create(
        team=firm.team, at=moments.quarter_of(now - WEEK), counted_at=now - WEEK, late=19, hour=2, met=8, missed=2
    )
    moments.keep(now=now)
    return firm


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("BATON_PICTURES"):
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


class TestAttainment:
    def test_leads_from_the_board_to_a_lead(self, firm: Company, visit: Visit) -> None:
        page = visit(firm.manager, "/board/")
        card = page.locator(".number-kept")
        expect(card).to_contain_text("first touch")
        expect(card).to_contain_text("goal 90 %")
        expect(page.locator(".number-late")).to_contain_text("fewer than a week ago")
        picture(page, "board")
        card.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Attainment")
        picture(page, "attainment")
        page.get_by_role("link", name="The week before").click()  # on a Monday morning nothing of this one was due
        page.locator("#by-rep").locator("..").get_by_role("link", name="Ben Keller").click()
        expect(page.locator("[name=rep]")).to_have_value(str(firm.ben.user.public_id))
        missed = page.locator("tr.is-chosen td[data-label=Missed] a")
        number = int(missed.inner_text())
        missed.click()
        expect(page.locator("tbody tr")).to_have_count(number)
        picture(page, "leads")
        page.locator("tbody th a").first.click()
        page.wait_for_url("**/leads/*/")

    def test_works_without_scripts_on_a_phone_and_in_the_dark(self, firm: Company, visit: Visit) -> None:
        rita = person(Role.REVOPS, "Rita Ops")
        page = visit(rita, "/attainment/", java_script_enabled=False, viewport=PHONE, color_scheme="dark")
        picture(page, "attainment-phone-dark")
        page.locator("[name=tier]").select_option("hot")
        page.get_by_role("button", name="Narrow").click()
        assert "tier=hot" in page.url
        page.get_by_role("link", name="The week before").click()
        assert "tier=hot" in page.url
        assert "week=" in page.url
        with page.expect_download() as file:
            page.get_by_role("link", name="CSV of the weeks").click()
        assert len(Path(file.value.path()).read_text().splitlines()) == 13

    def test_fits_a_phone(self, firm: Company, visit: Visit) -> None:
        for user, path in (
            (firm.manager, "/attainment/"),
            (firm.manager, "/attainment/leads/"),
            (firm.manager, "/board/"),
            (firm.ben.user, "/attainment/"),
        ):
            page = visit(user, path, viewport=PHONE)
            page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(each => each.open = true)")
            assert page.evaluate("document.documentElement.scrollWidth") <= 360, path
            picture(page, f"phone{path.replace('/', '-')}{user.pk}")
