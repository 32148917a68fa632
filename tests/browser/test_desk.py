"""The desk in a real browser: keys, verdicts with undo, countdowns, themes, a phone, no scripts, and axe."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from scoring.models import Tier
from sla import handoffs
from sla.models import Handoff, State
from tests.browser.conftest import PHONE, Visit
from tests.desk import Company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def state_of(handoff: Handoff) -> str:
    return Handoff.objects.get(pk=handoff.pk).state


def name_of(handoff: Handoff) -> str:
    return handoff.episode.lead.name


def chosen(page: Page) -> str:
    return page.locator("#rows .is-chosen .row-name").inner_text()


class TestKeyboard:
    def test_walks_accepts_and_undoes(self, firm: Company, visit: Visit, now: datetime) -> None:
        first, second, third = (firm.offered(now=now, tier=tier) for tier in (Tier.HOT, Tier.WARM, Tier.COOL))
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#pane h1")).to_have_text(name_of(first))
        page.keyboard.press("j")
        expect(page.locator("#pane h1")).to_have_text(name_of(second))
        page.keyboard.press("a")
        expect(page.locator(f"#row-{second.public_id}")).to_have_count(0)
        expect(page.locator("#count-decide")).to_have_text("2")
        expect(page.locator("#count-follow")).to_have_text("1")
        assert state_of(second) == State.ACCEPTED
        # The next row has the focus, and its lead stands beside it.
        expect(page.locator("#pane h1")).to_have_text(name_of(third))
        assert page.evaluate("document.activeElement.dataset.lead") == str(third.episode.lead.public_id)
        page.keyboard.press("z")
        expect(page.locator(f"#row-{second.public_id}")).to_be_visible()
        expect(page.locator("#count-decide")).to_have_text("3")
        assert state_of(second) == State.OFFERED
        page.keyboard.press("k")
        page.keyboard.press("k")
        expect(page.locator("#pane h1")).to_have_text(name_of(first))

    def test_rejects_with_a_reason_found_by_typing(self, firm: Company, visit: Visit, now: datetime) -> None:
        offered = firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#pane .promise")).to_be_visible()
        page.keyboard.press("r")
        page.keyboard.type("bad con")
        expect(page.locator("#pane .reason:visible")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.locator("#toasts")).to_contain_text("Rejected: ")
        expect(page.locator("#list .empty")).to_be_visible()
        offered.refresh_from_db()
        assert (offered.state, offered.reason.code if offered.reason else "") == (State.REJECTED, "bad_contact")

    def test_records_a_touch(self, firm: Company, visit: Visit, now: datetime) -> None:
        accepted = firm.accepted(now=now)
        page = visit(firm.ben.user, f"/leads/{accepted.episode.lead.public_id}/")
        expect(page.locator(".promise")).to_be_visible()
        page.keyboard.press("t")
        page.get_by_role("button", name="Record").click()
        expect(page.locator("#toasts")).to_contain_text("Reached: ")
        expect(page.locator(".touches li")).to_have_count(1)
        expect(page.locator(".lead-story")).to_contain_text("Call by Ben Keller")

    def test_rests_while_one_types_and_when_it_is_switched_off(
        self, firm: Company, visit: Visit, now: datetime
    ) -> None:
        offered = firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#pane .promise")).to_be_visible()
        page.keyboard.press("/")
        page.keyboard.type("a jar")
        assert page.input_value("#search") == "a jar"
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("Escape")
        page.locator(".menu summary").click()
        page.get_by_role("button", name="Off").click()
        expect(page.locator("html")).to_have_attribute("data-keys", "off")
        page.keyboard.press("a")
        page.wait_for_timeout(300)
        assert state_of(offered) == State.OFFERED

    def test_shows_new_leads_when_asked_and_not_before(self, firm: Company, visit: Visit, now: datetime) -> None:
        known = firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#rows .row")).to_have_count(1)
        hotter = firm.offered(now=now + timedelta(seconds=1), tier=Tier.HOT)
        page.evaluate("htmx.trigger(document.body, 'resync')")
        expect(page.locator(".pill")).to_contain_text("1 new lead")
        expect(page.locator("#rows .row")).to_have_count(1)
        page.keyboard.press(".")
        expect(page.locator("#rows .row").first).to_have_attribute("id", f"row-{hotter.public_id}")
        assert chosen(page) == name_of(known)


class TestCountdown:
    def test_ticks_and_turns(self, firm: Company, visit: Visit, now: datetime) -> None:
        started = now - timedelta(minutes=29, seconds=50)
        firm.offered(now=started, tier=Tier.HOT)
        page = visit(firm.ben.user, "/inbox/")
        timer = page.locator("#rows .timer")
        expect(timer).to_have_attribute("data-state", "soon")
        text = timer.locator(".timer-text")
        first = text.inner_text()
        assert re.fullmatch(r"0:\d\d", first), first
        expect(text).not_to_have_text(first)
        expect(timer).to_have_attribute("data-state", "late", timeout=15_000)
        expect(text).to_have_text(re.compile(r"\+\d+ s late"))


class TestStalePage:
    def test_says_who_was_quicker(self, firm: Company, visit: Visit, now: datetime) -> None:
        offered = firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/", expect_status=(409,))
        expect(page.locator("#pane .promise")).to_be_visible()
        handoffs.reject(offered.pk, reason="bad_contact", by=firm.manager, now=now + timedelta(seconds=1))
        page.keyboard.press("a")
        expect(page.locator(f"#row-{offered.public_id}")).to_contain_text("Ben Keller rejected this")
        expect(page.locator("#toasts")).to_contain_text("Ben Keller rejected this")

    def test_lets_one_of_two_win(self, firm: Company, visit: Visit, now: datetime) -> None:
        offered = firm.offered(now=now)
        path = f"/leads/{offered.episode.lead.public_id}/"
        mine = visit(firm.ben.user, path)
        theirs = visit(firm.manager, path, expect_status=(409,))
        for page in (mine, theirs):
            expect(page.get_by_role("button", name="Accept")).to_be_visible()
        mine.keyboard.press("a")
        expect(mine.locator("#toasts")).to_contain_text("Accepted: ")
        theirs.keyboard.press("r")
        theirs.keyboard.type("bad con")
        theirs.keyboard.press("Enter")
        expect(theirs.locator("#toasts")).to_contain_text("Ben Keller accepted this")
        expect(theirs.locator(".promise")).to_have_attribute("data-state", "accepted")
        assert state_of(offered) == State.ACCEPTED


class TestWithoutScripts:
    def test_decides_by_forms(self, firm: Company, visit: Visit, now: datetime) -> None:
        offered = firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/", java_script_enabled=False)
        page.locator(".row-link").click()
        page.get_by_role("link", name="The promise, and your answer").click()
        page.locator("summary", has_text="Reject").click()
        page.get_by_label("Bad contact data").check()
        page.locator(".sheet").get_by_role("button", name="Reject").click()
        expect(page.locator("#toasts")).to_contain_text("Rejected: ")
        assert state_of(offered) == State.REJECTED
        page.locator("#toasts").get_by_role("button", name="Undo").click()
        expect(page.locator(".promise")).to_have_attribute("data-state", "offered")
        assert state_of(offered) == State.OFFERED


class TestLooks:
    def test_follow_the_choice_of_theme(self, firm: Company, visit: Visit, now: datetime) -> None:
        ground = "getComputedStyle(document.body).backgroundColor"
        assert visit(firm.ben.user, "/inbox/", color_scheme="light").evaluate(ground) == "rgb(246, 246, 244)"
        assert visit(firm.ben.user, "/inbox/", color_scheme="dark").evaluate(ground) == "rgb(19, 20, 23)"
        firm.ben.user.theme = "light"
        firm.ben.user.save()
        assert visit(firm.ben.user, "/inbox/", color_scheme="dark").evaluate(ground) == "rgb(246, 246, 244)"

    def test_fit_a_phone(self, firm: Company, visit: Visit, now: datetime) -> None:
        """Long names of one piece as well; all other pages are looked at by test_every_page."""
        offered = firm.offered(now=now)
        long = {"first_name": "Wolfeschlegelsteinhausenbergerdorff" * 2, "title": "Vice " * 20}
        firm.offer(firm.episode(firm.lead(now=now, **long), now=now), now=now)
        page = visit(firm.ben.user, "/inbox/", viewport=PHONE, has_touch=True)
        expect(page.locator("#rows .row")).to_have_count(2)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.locator(f"#row-{offered.public_id} .row-link").tap()
        accept = page.get_by_role("button", name="Accept")
        expect(accept).to_be_in_viewport()
        assert (accept.bounding_box() or {})["height"] >= 44

    def test_keep_hostile_words_inert(self, firm: Company, visit: Visit, now: datetime) -> None:
        lead = firm.lead(
            now=now, first_name="<img src=x onerror=alert(1)>", last_name="</script><script>alert(1)</script>"
        )
        firm.offer(firm.episode(lead, now=now), now=now)
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#pane h1")).to_have_text(lead.name)
        expect(page.locator("#pane .why-rep, #pane .story").first).to_be_visible()
