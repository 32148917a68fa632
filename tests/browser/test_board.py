"""A manager's day on the board, in a real browser: narrow, reassign, extend, nudge, release by order, look over a
shoulder; and the same forms without scripts. BATON_PICTURES names a folder for pictures.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from leads import clock
from scoring.models import Qualification
from sla import handoffs
from sla.models import Handoff, ManagerAct, ReleaseOrder
from sla.releasing import run_all
from tests.browser.conftest import PHONE, Visit
from tests.desk import Company, act, away

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
MINUTE = timedelta(minutes=1)


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("BATON_PICTURES"):
        page.wait_for_load_state("networkidle")
        page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def stands(firm: Company, now: datetime) -> Qualification:
    lead = firm.lead(now=now)
    act(lead, "Visited Pricing Page", at=now - timedelta(days=2))
    said = "Visited Pricing Page (+30): 50 points."
    return Qualification.objects.create(
        **{"lead": lead, "version": firm.version, "definition": firm.definition, "at": now, "kind": "standing"},
        **{"tier": "warm", "fit": 20_000, "engagement": 30_000, "total": 50_000, "sentence": said, "reasons": []},
        **{"deciding": {}, "received_at": now, "waiting": True},
    )


class TestManagersDay:
    def test_acts_from_the_board(self, firm: Company, visit: Visit, now: datetime) -> None:
        late = firm.offered(now=now - 45 * MINUTE, tier="hot")
        one, two = firm.offered(now=now, tier="hot"), firm.offered(now=now, rep=firm.ada)
        firm.episode(firm.lead(now=now), now=now)
        page = visit(firm.manager, "/board/")
        expect(page.locator("#narrow")).to_contain_text("Hot (2)")
        picture(page, "board")

        page.get_by_label("Tier").select_option("hot")
        page.get_by_role("button", name="Narrow").click()
        expect(page.locator(".board-row")).to_have_count(2)
        page.get_by_role("link", name="Late now").click()
        expect(page.locator(".board-row")).to_have_count(1)
        page.goto("/board/?tier=hot")

        page.get_by_label(f"Tick {late.episode.lead.name}").check()
        page.get_by_label(f"Tick {one.episode.lead.name}").check()
        expect(page.locator(".chosen-count")).to_have_text("2 ticked")
        page.get_by_role("button", name="Act on the ticked ones").click()
        sheet = page.locator("#act")
        sheet.locator("#act-to").select_option(label="Ada Brook, 1 of 20")
        handoffs.accept(one.pk, by=firm.ben.user, now=clock.now())
        sheet.get_by_label("Why").fill("Ben is in court until noon")
        picture(page, "board-act")
        sheet.get_by_role("button", name="Do it with all 2").click()
        expect(sheet.locator(".act-results")).to_contain_text("1 of 2 done")
        expect(sheet).to_contain_text("Offered to Ada Brook")
        expect(sheet).to_contain_text("Ben Keller accepted this")
        picture(page, "board-acted")
        sheet.get_by_role("button", name="Close").click()
        expect(page.locator(".board-row", has_text=late.episode.lead.name)).to_contain_text("hop 2")

        page.goto(f"/board/?rep={firm.ada.user.public_id}")
        row = page.locator(".board-row", has_text=two.episode.lead.name)
        row.get_by_role("link", name="Act").click()
        sheet.get_by_label("Extend").check()
        sheet.get_by_label("Hours of working time").fill("2")
        sheet.get_by_label("Why").fill("Their holiday")
        sheet.get_by_role("button", name="Do it").click()
        expect(sheet.locator(".act-results")).to_contain_text("is due")
        sheet.get_by_role("button", name="Close").click()
        row.get_by_role("link", name="Act").click()
        sheet.get_by_label("Nudge").click()
        expect(sheet.get_by_label("Nudge")).to_be_checked()
        sheet.get_by_role("button", name="Do it").click()
        expect(sheet).to_contain_text("is told that you wait")
        sheet.get_by_role("button", name="Close").click()
        assert ManagerAct.objects.filter(what="nudged").count() == 1

        page.goto("/board/")
        page.get_by_role("link", name="View as Ben Keller").click()
        expect(page.locator(".view-as")).to_contain_text("You see the inbox of Ben Keller")
        picture(page, "board-view-as")

    def test_keeps_a_late_answer_out_of_the_next_sheet(self, firm: Company, visit: Visit, now: datetime) -> None:
        one, two = firm.offered(now=now), firm.offered(now=now)
        page, held = visit(firm.manager, "/board/"), []
        sheet = page.locator("#act")
        page.route(
            "**/board/act/", lambda route: held.append(route) if route.request.method == "POST" else route.continue_()
        )
        page.locator(".board-row", has_text=one.episode.lead.name).get_by_role("link", name="Act").click()
        sheet.get_by_label("Nudge").check()
        with page.expect_request(lambda request: request.method == "POST"):
            sheet.get_by_role("button", name="Do it").click()
        sheet.get_by_role("button", name="Close").click()
        page.locator(".board-row", has_text=two.episode.lead.name).get_by_role("link", name="Act").click()
        expect(sheet.get_by_role("heading", name=two.episode.lead.name)).to_be_visible()
        with page.expect_response("**/board/act/"):
            held[0].continue_()
        expect(page.locator(".htmx-request")).to_have_count(0)
        expect(sheet.get_by_role("button", name="Do it")).to_be_visible()

    def test_releases_so_many_a_day_after_a_look_at_the_load(self, firm: Company, visit: Visit, now: datetime) -> None:
        for _ in range(5):
            stands(firm, now)
        page = visit(firm.manager, "/board/standing/")
        page.get_by_label("Per rep and working day").fill("1")
        page.get_by_label("Points, at least").fill("40")
        page.get_by_label("Why").fill("After the fair")
        expect(page.locator("#preview")).to_contain_text("Done after3 working days")
        picture(page, "board-standing")
        page.get_by_role("button", name="Give the order").click()
        expect(page.locator(".release-orders")).to_contain_text("Running")
        run_all(clock.now)
        picture(page, "board-orders")
        page.get_by_role("button", name="Stop").click()
        expect(page.locator(".release-orders")).to_contain_text("Stopped by Maya Lund")
        page.get_by_role("button", name="Resume").click()
        expect(page.locator(".release-orders")).to_contain_text("Running")
        assert ReleaseOrder.objects.get().state == "running"

    def test_needs_no_scripts(self, firm: Company, visit: Visit, now: datetime) -> None:
        away(firm.ada, now=now - MINUTE)
        offered = firm.offered(now=now)
        stands(firm, now)
        page = visit(firm.manager, "/board/", java_script_enabled=False, viewport=PHONE)
        picture(page, "board-phone")
        page.get_by_label(f"Tick {offered.episode.lead.name}").check()
        page.get_by_role("button", name="Act on the ticked ones").click()
        page.get_by_label("Why").fill("Balance")
        picture(page, "board-act-phone")
        page.get_by_role("button", name="Do it").click()
        expect(page.locator(".act-results")).to_contain_text("The rules find the next rep")
        assert Handoff.objects.get(pk=offered.pk).state == "moved"
        page.goto("/board/standing/")
        page.get_by_label("Why").fill("All of it")
        page.get_by_role("button", name="Give the order").click()
        assert ReleaseOrder.objects.count() == 1
        picture(page, "board-standing-phone")
