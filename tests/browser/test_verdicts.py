"""Nothing is lost and nothing is done twice, in a real browser: double clicks, two tabs, old pages, no scripts."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from leads.models import Lead
from sla import handoffs
from sla.models import Handoff, State, Touch
from tests.browser.conftest import PHONE, WIDE, Visit
from tests.browser.looking import is_clean
from tests.desk import Company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def state_of(handoff: Handoff) -> str:
    return Handoff.objects.get(pk=handoff.pk).state


def promise_of(handoff: Handoff) -> str:
    return f"/leads/{handoff.episode.lead.public_id}/promise/"


def open_sheet(page: Page, name: str) -> None:
    page.locator(".answers summary", has_text=name).click()


class TestTwice:
    def test_by_a_double_click_is_once(self, firm: Company, visit: Visit, now: datetime) -> None:
        accepted = firm.accepted(now=now)
        page = visit(firm.ben.user, promise_of(accepted), java_script_enabled=False)
        open_sheet(page, "Touch")
        page.get_by_role("button", name="Record").dblclick()
        expect(page.locator(".touches li")).to_have_count(1)
        assert Touch.objects.count() == 1

    def test_in_two_tabs_tells_the_second_what_happened(self, firm: Company, visit: Visit, now: datetime) -> None:
        offered = firm.offered(now=now)
        one = visit(firm.ben.user, promise_of(offered), expect_status=(409,))
        two = one.context.new_page()
        two.goto(promise_of(offered))
        one.get_by_role("button", name="Accept").click()
        expect(one.locator("#toasts")).to_contain_text("Accepted: ")
        open_sheet(two, "Reject")
        two.get_by_label("Bad contact data").check()
        two.locator('[data-answer="reject"] textarea').fill("The number is dead")
        two.locator(".sheet").get_by_role("button", name="Reject").click()
        expect(two.locator("#toasts")).to_contain_text(f"{firm.ben.user} accepted this")
        # Where it stands another answer may be given; the note is still there.
        expect(two.locator('[data-answer="reject"] textarea')).to_have_value("The number is dead")
        assert state_of(offered) == State.ACCEPTED

    @pytest.mark.parametrize("scripts", [True, False])
    def test_by_the_back_button_tells_what_happened(
        self, firm: Company, visit: Visit, now: datetime, scripts: bool
    ) -> None:
        offered = firm.offered(now=now)
        page = visit(firm.ben.user, promise_of(offered), java_script_enabled=scripts, expect_status=(409,))
        page.goto(promise_of(offered))
        if scripts:
            page.evaluate("document.querySelector('.answer-now').submit()")
        else:
            page.get_by_role("button", name="Accept").click()
        expect(page.locator(".promise")).to_have_attribute("data-state", "accepted")
        page.go_back()
        if page.locator(".promise").get_attribute("data-state") == State.OFFERED:
            page.get_by_role("button", name="Accept").click()
        expect(page.locator(".promise")).to_have_attribute("data-state", "accepted")
        assert offered.changes.count() == 2


class TestWithoutScripts:
    def test_asks_for_evidence_and_keeps_what_was_typed(self, firm: Company, visit: Visit, now: datetime) -> None:
        offered = firm.offered(now=now)
        page = visit(firm.ben.user, promise_of(offered), java_script_enabled=False, expect_status=(422,))
        open_sheet(page, "Reject")
        expect(page.locator(".reason", has_text="Wrong territory")).to_contain_text("nothing is spent")
        page.get_by_label("Duplicate", exact=False).first.check()
        page.locator('[data-answer="reject"] textarea').fill("Same person")
        page.locator(".sheet").get_by_role("button", name="Reject").click()
        expect(page.locator("#toasts")).to_contain_text("Link to the other record")
        expect(page.locator('[data-answer="reject"] textarea')).to_have_value("Same person")
        page.get_by_label("Link to the other record").fill("https://crm.example/7")
        page.locator(".sheet").get_by_role("button", name="Reject").click()
        expect(page.locator(".promise-state")).to_contain_text("https://crm.example/7")
        assert state_of(offered) == State.REJECTED

    def test_returns_converts_hands_over_and_reopens(self, firm: Company, visit: Visit, now: datetime) -> None:
        returned, converted, moved = (firm.accepted(now=now) for _ in range(3))
        page = visit(firm.ben.user, promise_of(returned), java_script_enabled=False)
        open_sheet(page, "Return")
        page.get_by_role("radio", name="Timing: asked").check()
        page.get_by_role("textbox", name="The date they named").fill(
            (now + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M")
        )
        page.locator(".sheet").get_by_role("button", name="Return").click()
        expect(page.locator("#toasts")).to_contain_text("Returned: ")
        assert Lead.objects.get(pk=returned.episode.lead_id).callback_at is not None
        page.goto(promise_of(converted))
        open_sheet(page, "Convert")
        page.locator(".sheet").get_by_role("button", name="Convert").click()
        expect(page.locator("#toasts")).to_contain_text("Converted: ")
        page.goto(promise_of(moved))
        open_sheet(page, "Hand over")
        page.locator("select[name=to]").select_option(str(firm.ada.user.public_id))
        page.locator(".sheet:visible").get_by_label("Why").fill("Her region")
        page.locator(".sheet").get_by_role("button", name="Hand over").click()
        expect(page.locator("#toasts")).to_contain_text("Handed over: ")
        assert [state_of(each) for each in (returned, converted, moved)] == ["returned", "converted", "moved"]
        boss = visit(firm.manager, promise_of(returned), java_script_enabled=False)
        open_sheet(boss, "Reopen")
        boss.get_by_label("Why").fill("They called back")
        boss.locator(".sheet").get_by_role("button", name="Reopen").click()
        assert Handoff.objects.open().filter(episode=returned.episode).get().state == State.ACCEPTED


class TestASessionThatEnded:
    def test_gives_back_what_was_typed(self, firm: Company, visit: Visit, now: datetime) -> None:
        offered = firm.offered(now=now)
        firm.ben.user.set_password("a long one, 7 times")
        firm.ben.user.save()
        page = visit(firm.ben.user, promise_of(offered))
        open_sheet(page, "Reject")
        page.get_by_label("Bad contact data").check()
        page.locator('[data-answer="reject"] textarea').fill("The number is dead")
        page.context.clear_cookies(name="sessionid")
        page.evaluate("htmx.trigger(document.body, 'resync')")
        expect(page.locator("#toasts")).to_contain_text("You have been signed out")
        page.locator(".sheet").get_by_role("button", name="Reject").click()
        page.fill("input[name=login]", firm.ben.user.email)
        page.fill("input[name=password]", "a long one, 7 times")
        page.press("input[name=password]", "Enter")
        expect(page.locator('[data-answer="reject"] textarea')).to_have_value("The number is dead")
        expect(page.locator("#toasts")).to_contain_text("You had been signed out")
        assert state_of(offered) == State.OFFERED


class TestLooks:
    def test_each_sheet_is_clean(self, firm: Company, visit: Visit, now: datetime) -> None:
        offered, accepted = firm.offered(now=now), firm.accepted(now=now)
        handoffs.accept(firm.offered(now=now).pk, by=firm.ben.user, now=now)
        for handoff, sheets in (
            (offered, ("Touch", "Reject", "Hand over")),
            (accepted, ("Convert", "Touch", "Return", "Hand over")),
        ):
            page = visit(firm.ben.user, promise_of(handoff))
            for name in sheets:
                open_sheet(page, name)
                if name in ("Reject", "Return"):
                    page.get_by_label("Duplicate", exact=False).first.check()
                is_clean(page, WIDE, PHONE, within=".answers details[open]")
