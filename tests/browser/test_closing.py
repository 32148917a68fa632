"""From who qualifies to who closes, in a real browser: converted by keyboard, accepted, given back, without scripts."""

from __future__ import annotations

from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from leads.models import Lead, Stage
from sla.models import Handoff, Leg, Rep, State
from tests.browser.conftest import PHONE, Visit
from tests.browser.looking import is_clean
from tests.desk import Company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def eva(firm: Company) -> Rep:
    return firm.closer()


def lead_page(handoff: Handoff, part: str = "") -> str:
    return f"/leads/{handoff.episode.lead.public_id}/{part}"


def open_sheet(page: Page, name: str) -> None:
    page.locator(".answers summary", has_text=name).click()


def now_with(handoff: Handoff) -> tuple[Rep, str, str]:
    held = Handoff.objects.open().select_related("user__rep").get(episode=handoff.episode_id)
    return held.user.rep, held.leg, held.state


class TestByKeyboard:
    def test_ben_converts_it_to_eva_who_accepts(self, firm: Company, eva: Rep, visit: Visit, now: datetime) -> None:
        sales = firm.accepted(now=now)
        bens = visit(firm.ben.user, lead_page(sales))
        expect(bens.locator('[data-answer="convert"]')).to_be_visible()
        bens.keyboard.press("c")
        mine = bens.get_by_role("radio", name="I keep it")
        for _ in range(9):
            if mine.evaluate("radio => radio === document.activeElement"):
                break
            bens.keyboard.press("Tab")
        bens.keyboard.press("ArrowDown")
        hers = bens.locator(".choice", has_text="Eva Stone")
        expect(hers).to_contain_text("you keep the credit of the acceptance")
        expect(hers.get_by_role("radio")).to_be_checked()
        bens.keyboard.press("Enter")
        expect(bens.locator("#toasts")).to_contain_text("Converted, Eva Stone is asked to close")
        expect(bens.locator(".promise-state")).to_contain_text("to close")
        assert now_with(sales) == (eva, Leg.CLOSING, State.OFFERED)
        hers_page = visit(eva.user, "/inbox/")
        expect(hers_page.locator(".row")).to_contain_text("to close")
        hers_page.keyboard.press("j")
        hers_page.keyboard.press("a")
        expect(hers_page.locator("#toasts")).to_contain_text("Accepted: ")
        lead = Lead.objects.get(pk=sales.episode.lead_id)
        assert (lead.stage, lead.holder) == (Stage.SQL, eva.user)
        assert not Handoff.objects.open().exists()


class TestWithoutScripts:
    def test_eva_gives_it_back_and_ben_has_it(self, firm: Company, eva: Rep, visit: Visit, now: datetime) -> None:
        sales = firm.accepted(now=now)
        page = visit(firm.ben.user, lead_page(sales, "promise/"), java_script_enabled=False)
        open_sheet(page, "Convert")
        page.get_by_role("radio", name="Eva Stone").check()
        page.locator(".sheet").get_by_role("button", name="Convert").click()
        expect(page.locator("#toasts")).to_contain_text("Eva Stone is asked to close")
        hers = visit(eva.user, lead_page(sales, "promise/"), java_script_enabled=False)
        expect(hers.locator(".promise")).to_contain_text(f"{firm.ben.user} has converted this lead")
        open_sheet(hers, "Reject")
        expect(hers.locator(".reason", has_text="Not ready")).to_contain_text(f"Goes back to {firm.ben.user}")
        hers.get_by_role("radio", name="Not ready to buy yet").check()
        hers.locator(".sheet").get_by_role("button", name="Reject").click()
        expect(hers.locator("#toasts")).to_contain_text("Rejected: ")
        assert now_with(sales) == (firm.ben, Leg.SALES, State.ACCEPTED)
        page.goto(lead_page(sales, "promise/"))
        expect(page.get_by_role("group", name="Your answer")).to_contain_text("Convert")


class TestLooks:
    def test_both_sheets_are_clean_on_a_phone(self, firm: Company, eva: Rep, visit: Visit, now: datetime) -> None:
        accepted, leg = firm.accepted(now=now), firm.to_close(eva, now=now)
        for handoff, who, name in ((accepted, firm.ben, "Convert"), (leg, eva, "Reject")):
            page = visit(who.user, lead_page(handoff, "promise/"), viewport=PHONE)
            open_sheet(page, name)
            is_clean(page, PHONE, within=".answers details[open]")
