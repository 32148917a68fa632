"""Taking a touch back in a real browser: by `z`, by a click, without scripts; and what `z` means when much was done."""

from __future__ import annotations

from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from sla.models import Handoff, State, Touch
from tests.browser.conftest import PHONE, Visit
from tests.browser.looking import is_clean
from tests.desk import Company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def name_of(handoff: Handoff) -> str:
    return handoff.episode.lead.name


def state_of(handoff: Handoff) -> str:
    return Handoff.objects.get(pk=handoff.pk).state


def chip(page: Page, label: str) -> None:
    page.locator(".log-chips").get_by_role("button", name=label).click()


class TestFromTheInbox:
    def test_by_z_brings_the_row_back_where_it_was(self, firm: Company, visit: Visit, now: datetime) -> None:
        first, second = firm.offered(now=now), firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#pane h1")).to_have_text(name_of(first))
        chip(page, "Connected")
        toasts = page.locator("#toasts .toast")
        expect(toasts).to_have_count(1)
        expect(toasts).to_contain_text(f"Reached: {name_of(first)}")
        expect(page.locator("#count-follow")).to_have_text("1")
        expect(page.locator(f"#row-{first.public_id}")).to_have_count(0)
        page.keyboard.press("z")
        expect(toasts).to_have_count(1)
        expect(toasts).to_contain_text(f"Undone: {name_of(first)}")
        expect(page.locator("#count-follow")).to_have_text("0")
        expect(page.locator(f"#row-{first.public_id}")).to_be_visible()
        expect(page.locator(f"#row-{second.public_id}")).to_be_visible()
        expect(page.locator("#pane h1")).to_have_text(name_of(second))
        page.keyboard.press("k")
        expect(page.locator("#pane h1")).to_have_text(name_of(first))
        expect(page.locator("#pane .promise")).to_have_attribute("data-state", "offered")
        assert (state_of(first), Touch.objects.count()) == (State.OFFERED, 0)

    def test_leaves_the_verdict_of_another_lead_alone(self, firm: Company, visit: Visit, now: datetime) -> None:
        first, second = firm.offered(now=now), firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#pane h1")).to_have_text(name_of(first))
        page.keyboard.press("a")
        expect(page.locator("#toasts")).to_contain_text(f"Accepted: {name_of(first)}")
        expect(page.locator("#pane h1")).to_have_text(name_of(second))
        chip(page, "No answer")
        expect(page.locator("#toasts")).to_contain_text(f"No answer: {name_of(second)}")
        page.keyboard.press("z")
        expect(page.locator("#toasts")).to_contain_text(f"Undone: {name_of(second)}")
        page.keyboard.press("z")
        expect(page.locator("#toasts")).to_contain_text(f"Undone: {name_of(second)}")
        assert (state_of(first), state_of(second)) == (State.ACCEPTED, State.OFFERED)

    def test_copies_no_style_that_something_in_the_browser_gave_the_page(
        self, firm: Company, visit: Visit, now: datetime
    ) -> None:
        offered = firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/")
        expect(page.locator("#pane h1")).to_have_text(name_of(offered))
        page.evaluate("for (const each of document.querySelectorAll('#list input')) each.style.caretColor = 'red'")
        page.keyboard.press("a")
        expect(page.locator("#toasts")).to_contain_text("Accepted: ")
        page.keyboard.press("z")
        expect(page.locator("#toasts")).to_contain_text("Undone: ")
        # Where it were copied, the policy would refuse it and the console complain, which fails the test.
        expect(page.locator(f"#row-{offered.public_id}")).to_be_visible()
        expect(page.locator("#list input[style]")).to_have_count(0)


class TestZ:
    def test_means_the_newest_thing_only(self, firm: Company, visit: Visit, now: datetime) -> None:
        accepted = firm.accepted(now=now)
        page = visit(firm.ben.user, f"/leads/{accepted.episode.lead.public_id}/")
        chip(page, "No answer")
        undo = page.locator("#toasts [data-undo]")
        expect(undo.locator("kbd")).to_be_visible()
        expect(page.locator(".lead-story")).to_contain_text("Call by Ben Keller")  # all of it was drawn anew
        page.locator(".checklist summary").click()
        page.locator(".checklist").get_by_role("button", name="Keep").click()
        expect(page.locator("#toasts .toast").first).to_contain_text("Kept for the conversion.")
        expect(undo.locator("kbd")).to_be_hidden()
        page.locator("h1").first.click()
        page.keyboard.press("z")
        page.wait_for_load_state("networkidle")
        assert Touch.objects.count() == 1
        undo.get_by_role("button").click()
        expect(page.locator("#toasts")).to_contain_text("Undone: ")
        expect(undo).to_have_count(0)
        assert not Touch.objects.exists()

    def test_takes_the_toast_of_an_undone_verdict_with_it(self, firm: Company, visit: Visit, now: datetime) -> None:
        offered = firm.offered(now=now)
        page = visit(firm.ben.user, f"/leads/{offered.episode.lead.public_id}/")
        page.locator('.promise [data-answer="accept"]').first.wait_for()
        page.keyboard.press("a")
        expect(page.locator("#toasts")).to_contain_text("Accepted: ")
        page.keyboard.press("z")
        expect(page.locator("#toasts")).to_contain_text("Undone: ")
        expect(page.locator("#toasts .toast")).to_have_count(1)
        expect(page.locator(".promise")).to_have_attribute("data-state", "offered")

    def test_is_clean_for_axe_and_fits(self, firm: Company, visit: Visit, now: datetime) -> None:
        accepted = firm.accepted(now=now)
        page = visit(firm.ben.user, f"/leads/{accepted.episode.lead.public_id}/")
        chip(page, "No answer")
        expect(page.locator(".lead-story")).to_contain_text("Call by Ben Keller")
        is_clean(page, PHONE)


class TestABookedMeeting:
    def test_is_taken_back_with_its_next_step(self, firm: Company, visit: Visit, now: datetime) -> None:
        accepted = firm.accepted(now=now)
        page = visit(firm.ben.user, f"/leads/{accepted.episode.lead.public_id}/")
        page.locator(".log-booked input[name=meeting_at]").fill(f"{now.year + 1}-01-04T10:00")
        page.locator(".log-booked").get_by_role("button", name="Booked").click()
        expect(page.locator("#toasts")).to_contain_text(f"Meeting booked: {name_of(accepted)}. Next step: the meeting")
        page.locator("h1").first.click()
        page.keyboard.press("z")
        expect(page.locator("#toasts")).to_contain_text("Undone: ")
        assert Handoff.objects.get(pk=accepted.pk).next_step == "First touch"


class TestWithoutScripts:
    def test_is_a_button_on_the_next_page(self, firm: Company, visit: Visit, now: datetime) -> None:
        offered = firm.offered(now=now)
        page = visit(firm.ben.user, f"/leads/{offered.episode.lead.public_id}/next/", java_script_enabled=False)
        page.get_by_role("button", name="Connected").click()
        expect(page.locator("#toasts")).to_contain_text(f"Reached: {name_of(offered)}")
        page.get_by_role("button", name="Undo").click()
        expect(page.locator("#toasts")).to_contain_text(f"Undone: {name_of(offered)}")
        expect(page.locator(".promise")).to_have_attribute("data-state", "offered")
        page.locator(".answers summary", has_text="Touch").click()
        page.locator('[data-answer="touch"] textarea').fill("She was driving")
        page.get_by_role("button", name="Record").click()
        page.get_by_role("button", name="Undo").click()
        expect(page.locator("#toasts")).to_contain_text(f"Undone: {name_of(offered)}")
        assert not Touch.objects.exists()
