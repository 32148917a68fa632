"""The inbox in a real browser: a rep's day by keyboard alone, two on one lead, what arrives, and what comes back."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from leads.models import User
from scoring.models import Tier
from sla import handoffs
from sla.inbox import pages, saving
from sla.models import Handoff, State
from sla.nextsteps import changing
from tests.browser.conftest import WIDE, Visit
from tests.browser.looking import is_clean
from tests.desk import Company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

HOUR = timedelta(hours=1)


def name_of(handoff: Handoff) -> str:
    return handoff.episode.lead.name


def poll(page: Page) -> None:
    with page.expect_response(re.compile("/inbox/arrivals/")):
        page.evaluate("htmx.trigger(document.body, 'resync')")


class TestADayByKeyboardAlone:
    def test_from_the_first_lead_to_the_last(self, firm: Company, visit: Visit, now: datetime) -> None:
        first, second, third, fourth = (
            firm.offered(now=now + timedelta(seconds=each), tier=tier)
            for each, tier in enumerate((Tier.HOT, Tier.HOT, Tier.WARM, Tier.COOL))
        )
        page = visit(firm.ben.user, "/inbox/")
        expect(page).to_have_title("(4) Inbox · Baton")
        expect(page.locator("#pane h1")).to_have_text(name_of(first))
        expect(page.locator("#pane [data-answer=later]")).to_be_visible()

        page.keyboard.press("s")
        expect(page.locator("#pane .sheet:visible")).to_contain_text("Out of sight until")
        page.keyboard.press("Enter")
        expect(page.locator("#toasts")).to_contain_text("its next warning comes then")
        expect(page.locator("#count-snoozed")).to_have_text("1")
        expect(page).to_have_title("(3) Inbox · Baton")
        expect(page.locator("#pane h1")).to_have_text(name_of(second))
        page.keyboard.press("z")
        expect(page.locator("#count-decide")).to_have_text("4")
        expect(page.locator(f"#row-{first.public_id}")).to_be_visible()

        page.keyboard.press("k")
        expect(page.locator("#pane h1")).to_have_text(name_of(first))
        page.keyboard.press("a")
        expect(page.locator("#count-follow")).to_have_text("1")
        page.keyboard.press("x")
        expect(page.locator("#rows .row-pick input:checked")).to_have_count(1)
        poll(page)
        expect(page.locator("#rows .row-pick input:checked")).to_have_count(1)
        page.keyboard.press("x")
        expect(page.locator("#rows .row-pick input:checked")).to_have_count(0)

        expect(page.locator("#pane h1")).to_have_text(name_of(second))
        expect(page.locator("#pane .promise")).to_be_visible()
        page.keyboard.press("r")
        page.keyboard.type("bad con")
        page.keyboard.press("Enter")
        expect(page.locator("#toasts")).to_contain_text("Rejected: ")
        expect(page.locator("#pane h1")).to_have_text(name_of(third))
        page.keyboard.press("j")
        expect(page.locator("#pane h1")).to_have_text(name_of(fourth))
        page.keyboard.press("Enter")
        expect(page.locator("#pane")).to_be_focused()
        page.keyboard.press("Escape")
        assert page.evaluate("document.activeElement.dataset.lead") == str(fourth.episode.lead.public_id)

        page.keyboard.press("?")
        expect(page.locator("#keys")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#keys")).to_be_hidden()

    def test_goes_anywhere_by_the_palette(self, firm: Company, visit: Visit, now: datetime) -> None:
        offered = firm.offered(now=now)
        lead = firm.lead(now=now, first_name="Quentin", last_name="Marsh")
        firm.offer(firm.episode(lead, now=now), now=now)
        saving.save(firm.ben.user, name="Only hot ones", query="tier=hot", now=now)
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#pane .promise")).to_be_visible()
        page.keyboard.press("Control+k")
        expect(page.locator("#palette-input")).to_be_focused()
        expect(page.locator("#palette-do-accept")).to_contain_text("a")
        page.keyboard.type("accept")
        expect(page.locator("#palette [aria-selected=true]")).to_have_id("palette-do-accept")
        assert page.get_attribute("#palette-input", "aria-activedescendant") == "palette-do-accept"
        page.keyboard.press("Enter")
        expect(page.locator("#toasts")).to_contain_text(f"Accepted: {name_of(offered)}")
        page.keyboard.press("Control+k")
        page.keyboard.type("only hot")
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"tier=hot"))
        expect(page.locator("html.js")).to_be_attached()
        page.keyboard.press("Control+k")
        page.keyboard.type("quent")
        expect(page.locator("#palette-leads .palette-option")).to_have_count(1)
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Quentin Marsh")
        expect(page.locator("html.js")).to_be_attached()
        page.keyboard.press("Control+k")
        page.keyboard.type("zzz")
        expect(page.locator("#palette-none")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("#palette")).to_be_hidden()

    def test_has_an_action_for_every_key_of_the_sheet(self, firm: Company, visit: Visit, now: datetime) -> None:
        page = visit(firm.ben.user, "/inbox/")
        missing = page.evaluate(
            """async () => {
              const { actions } = await import("/static/js/keys.js");
              const named = [...document.querySelectorAll("#keys [data-action]")].map((line) => line.dataset.action);
              const known = Object.keys(actions);
              return [named.filter((each) => !actions[each]?.run), known.filter((each) => !named.includes(each))];
            }"""
        )
        assert missing == [[], []]


class TestRows:
    def test_go_on_over_the_seam_of_two_pages(
        self, firm: Company, visit: Visit, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(pages, "SIZE", 3)
        made = [firm.offered(now=now + timedelta(minutes=each)) for each in range(7)]
        page = visit(firm.ben.user, "/inbox/")
        for each in made:
            expect(page.locator("#rows .is-chosen .row-name")).to_have_text(name_of(each))
            if each is not made[-1]:
                expect(page.locator(f"#rows .row:has-text('{name_of(made[made.index(each) + 1])}')")).to_have_count(1)
                page.keyboard.press("j")
        expect(page.locator("#rows .row")).to_have_count(7)
        expect(page.locator("#count-decide")).to_have_text("7")

    def test_never_move_under_the_hand(self, firm: Company, visit: Visit, now: datetime) -> None:
        known = firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#rows .row")).to_have_count(1)
        before = page.locator(f"#row-{known.public_id} .row-link").evaluate("each => each.getBoundingClientRect().top")
        firm.offered(now=now + timedelta(seconds=1), tier=Tier.HOT)
        page.locator(f"#row-{known.public_id} .row-link").focus()
        poll(page)
        expect(page.locator(".pill")).to_contain_text("1 new lead")
        expect(page).to_have_title("(2) Inbox · Baton")
        expect(page.locator("#rows .row")).to_have_count(1)
        assert page.evaluate("document.activeElement.dataset.lead") == str(known.episode.lead.public_id)
        after = page.locator(f"#row-{known.public_id} .row-link").evaluate("each => each.getBoundingClientRect().top")
        assert after == before

    def test_tell_what_somebody_else_did(self, firm: Company, visit: Visit, now: datetime) -> None:
        offered = firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#rows .row")).to_have_count(1)
        handoffs.accept(offered.pk, by=firm.manager, now=now + timedelta(seconds=1))
        poll(page)
        expect(page.locator(f"#row-{offered.public_id}")).to_contain_text(
            re.compile(r"Ben Keller accepted this (just now|\d+ s ago)")
        )

    def test_come_back_by_themselves(self, firm: Company, visit: Visit, now: datetime) -> None:
        asleep = firm.offered(now=now)
        changing.snooze(asleep.pk, until=now + HOUR, by=firm.ben.user, now=now)
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#list .empty")).to_be_visible()
        Handoff.objects.filter(pk=asleep.pk).update(snoozed_until=now)
        Handoff.objects.filter(pk=asleep.pk).update(snoozed_until=now + timedelta(milliseconds=1))
        poll(page)
        expect(page.locator(".pill")).to_contain_text("1 new lead")
        page.keyboard.press(".")
        expect(page.locator(f"#row-{asleep.public_id}")).to_be_visible()

    def test_say_when_the_connection_is_lost(self, firm: Company, visit: Visit, now: datetime) -> None:
        firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#pane .promise")).to_be_visible()
        page.wait_for_load_state("networkidle")
        page.route("**/inbox/arrivals/**", lambda route: route.fulfill(status=502, body=""))
        page.evaluate("dispatchEvent(new Event('offline'))")
        expect(page.locator("#offline")).to_contain_text("No connection")
        page.unroute("**/inbox/arrivals/**")
        page.get_by_role("button", name="Try now").click()
        expect(page.locator("#offline")).to_be_empty()


class TestWithoutScripts:
    def test_snoozes_filters_and_saves(self, firm: Company, visit: Visit, now: datetime) -> None:
        offered = firm.offered(now=now, tier=Tier.COOL)
        firm.offered(now=now, tier=Tier.HOT)
        page = visit(firm.ben.user, "/inbox/", java_script_enabled=False)
        page.locator(".filter summary").click()
        page.get_by_label("Tier").select_option("cool")
        page.locator(".filter-do").get_by_role("button", name="Filter").click()
        expect(page.locator("#rows .row")).to_have_count(1)
        page.locator(".filter summary").click()
        page.get_by_label("Save it as").fill("Cool ones")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator(".saved")).to_contain_text("Cool ones")
        page.goto(f"/leads/{offered.episode.lead.public_id}/promise/")
        page.locator("summary", has_text="Snooze").click()
        page.locator(".sheet").get_by_role("button", name="Snooze").click()
        page.goto("/inbox/?tab=snoozed")
        expect(page.locator("#rows .row")).to_have_count(1)
        page.get_by_role("button", name="Bring back").click()
        assert Handoff.objects.get(pk=offered.pk).snoozed_until is None
        assert Handoff.objects.get(pk=offered.pk).state == State.OFFERED


class TestAnExplanation:
    def test_stays_in_sight_above_the_list(self, firm: Company, visit: Visit, now: datetime) -> None:
        row = firm.offered(now=now)
        User.objects.filter(pk=firm.ben.user_id).update(hints_closed=[])
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#pane h1")).to_have_text(name_of(row))
        page.keyboard.press("k")
        expect(page.locator(".explain")).to_be_in_viewport(ratio=1)
        assert page.evaluate("scrollY") == 0


class TestLooks:
    def test_of_the_palette_please_everybody(self, firm: Company, visit: Visit, now: datetime) -> None:
        firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#pane .promise")).to_be_visible()
        page.keyboard.press("Control+k")
        expect(page.locator("#palette-own .palette-option").first).to_be_visible()
        is_clean(page, WIDE, within="#palette")
