"""Marketing contests, the manager overturns, and the lead is on offer again: with scripts and without."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from leads.models import Role, User
from sla import handoffs
from sla.models import Contest, Handoff
from tests.browser.conftest import Visit
from tests.desk import Company, person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

HOUR = timedelta(hours=1)
WORDS = "They wrote from that very address on Tuesday, and asked for a quote."


@pytest.fixture
def handoff(firm: Company, now: datetime) -> Handoff:
    """Rejected by Ben an hour ago."""
    made = firm.offered(now=now - 2 * HOUR)
    note = "Mail bounced, no other way to reach them."
    return handoffs.reject(made.pk, reason="bad_contact", note=note, by=firm.ben.user, now=now - HOUR)


@pytest.fixture
def theo(firm: Company) -> User:
    return person(Role.MARKETING, "Theo Marsh")


def contested(page: Page, handoff: Handoff) -> None:
    """From the list to the form, and back at the lead."""
    page.get_by_role("link", name=f"Contest the rejection of {handoff.episode.lead.name}").click()
    page.get_by_label(re.compile("Why the rejection was wrong")).fill(WORDS)
    page.get_by_role("button", name="Contest", exact=True).click()
    expect(page.get_by_text("The manager decides, and you are told.")).to_be_visible()


class TestContesting:
    def test_from_the_story_and_deciding_over_the_board(
        self, firm: Company, handoff: Handoff, theo: User, visit: Visit
    ) -> None:
        lead = handoff.episode.lead
        page = visit(theo, f"/leads/{lead.public_id}/")
        page.get_by_text("Contest this rejection").click()
        page.get_by_label(re.compile("Why the rejection was wrong")).fill(WORDS)
        page.get_by_role("button", name="Contest", exact=True).click()
        expect(page.get_by_text("Theo Marsh contested Ben Keller’s rejection")).to_be_visible()
        expect(page.get_by_text("Contest this rejection")).to_have_count(0)
        board = visit(firm.manager, "/board/")
        expect(board.get_by_text(WORDS)).to_be_visible()
        board.get_by_role("link", name=f"Overturn the rejection of {lead.name}").click()
        sheet = board.locator("#act-sheet")
        expect(sheet.get_by_text("the lead is offered at once")).to_be_visible()
        sheet.get_by_label(re.compile("If overturned")).select_option(label="back to Ben Keller, 0 of 20")
        sheet.get_by_label(re.compile("^Why")).fill("They did write; look at Tuesday.")
        sheet.get_by_role("button", name="Overturn").click()
        expect(sheet.get_by_role("status")).to_contain_text("Offered to Ben Keller.")
        board.get_by_role("button", name="Close").click()
        expect(board.locator("#contested")).to_have_count(0)
        rep = visit(firm.ben.user, "/inbox/")
        expect(rep.get_by_text(lead.name).first).to_be_visible()
        hop = Handoff.objects.get(episode=handoff.episode_id, hop=2)
        assert (hop.user, hop.state) == (firm.ben.user, "offered")

    def test_and_deciding_without_scripts(self, firm: Company, handoff: Handoff, theo: User, visit: Visit) -> None:
        contested(visit(theo, "/rejections/", java_script_enabled=False), handoff)
        board = visit(firm.manager, "/board/", java_script_enabled=False)
        board.get_by_role("link", name=re.compile("Overturn the rejection")).click()
        board.get_by_label(re.compile("^Why")).fill("They did write.")
        board.get_by_role("button", name="Overturn").click()
        expect(board.get_by_text("Offered to Ada Brook.")).to_be_visible()
        assert Contest.objects.get().hop is not None
