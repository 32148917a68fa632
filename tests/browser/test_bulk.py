"""Many at once in a real browser: they go on by themselves, and stop where one says so."""

from __future__ import annotations

from datetime import datetime

import pytest
from playwright.sync_api import Page, Route, expect

from sla import handoffs
from sla.models import Handoff
from sla.views import bulk
from tests.browser.conftest import Visit
from tests.browser.looking import finds_nothing
from tests.desk import Company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def rows(firm: Company, now: datetime, monkeypatch: pytest.MonkeyPatch) -> list[Handoff]:
    monkeypatch.setattr(bulk, "STEP", 2)
    return [firm.offered(now=now) for _ in range(6)]


def accept_all(page: Page, rows: list[Handoff]) -> None:
    for row in rows:
        page.locator(f"#row-{row.public_id} .row-pick").click()
    page.locator("#bulk").get_by_role("button", name="Accept").click()


def accepted() -> int:
    return Handoff.objects.filter(state="accepted").count()


class TestManyAtOnce:
    def test_go_on_by_themselves_and_are_undone_together(
        self, firm: Company, rows: list[Handoff], visit: Visit, now: datetime
    ) -> None:
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator(f"#row-{rows[3].public_id}")).to_be_visible()
        handoffs.reject(rows[3].pk, reason="student", by=firm.manager, now=now)
        accept_all(page, rows)
        expect(page.locator("h1")).to_have_text("Accepted: 5 of 6")
        expect(page.get_by_role("list", name="Not done", exact=True).get_by_role("listitem")).to_have_count(1)
        expect(page.get_by_role("list", name="Done", exact=True).get_by_role("listitem")).to_have_count(5)
        expect(page.get_by_role("button", name="Stop")).to_have_count(0)
        finds_nothing(page)
        page.get_by_role("button", name="Undo what is listed here").click()
        expect(page.locator("h1")).to_have_text("Undone: 5 of 5")
        assert accepted() == 0

    def test_stop_after_the_step_under_way_and_go_on_by_hand(
        self, firm: Company, rows: list[Handoff], visit: Visit
    ) -> None:
        held: list[Route] = []
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator(f"#row-{rows[0].public_id}")).to_be_visible()

        def hold(route: Route) -> None:
            if route.request.headers.get("hx-request") and not held:
                held.append(route)
            else:
                route.continue_()

        page.route("**/handoffs/bulk/", hold)
        with page.expect_request(lambda asked: asked.url.endswith("/bulk/") and "hx-request" in asked.headers):
            accept_all(page, rows)
        expect(page.get_by_role("progressbar", name="Accepted")).to_have_attribute("value", "2")
        finds_nothing(page)
        page.get_by_role("button", name="Stop").click()
        held[0].continue_()
        expect(page.locator("h1")).to_have_text("Accepted: 4 of 6")
        go_on = page.get_by_role("button", name="Go on with the other 2")
        expect(go_on).to_be_focused()
        assert accepted() == 4
        go_on.click()
        expect(page.locator("h1")).to_have_text("Accepted: 6 of 6")
        assert accepted() == 6
