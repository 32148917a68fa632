"""Pages with nothing on them, as long as they stand open: asking again makes no console complain."""

from __future__ import annotations

from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.desk import Company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def ask_again(page: Page) -> None:
    """As the timers of the page do."""
    with page.expect_response(lambda answer: "fresh" in answer.url or "arrivals" in answer.url):
        page.evaluate("htmx.trigger(document.body, 'resync')")
    page.wait_for_load_state("networkidle")


class TestNothingThere:
    """The fixture fails each of them on a word in the console."""

    def test_is_asked_for_again_in_silence(self, firm: Company, visit: Visit) -> None:
        page = visit(firm.ben.user, "/inbox/")
        for tab in ("decide", "follow", "snoozed", "done"):
            page.goto(f"/inbox/?tab={tab}")
            expect(page.locator(".empty")).to_be_visible()
            ask_again(page)
        ask_again(visit(firm.manager, "/board/"))

    def test_is_left_by_the_last_one_in_silence(self, firm: Company, visit: Visit, now: datetime) -> None:
        offer = firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#pane h1")).to_have_text(offer.episode.lead.name)
        page.keyboard.press("a")
        expect(page.locator("#count-decide")).to_have_text("0")
        ask_again(page)
