"""The next move in a real browser: a letter opened or copied, a call logged in one key; by keyboard, phone and dark."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import unquote

import pytest
from playwright.sync_api import Page, expect

from leads.models import Lead
from sla.models import Handoff, State, Touch
from tests.browser.conftest import PHONE, Visit
from tests.browser.looking import is_clean
from tests.desk import Company, act, judge

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
NASTY = '<img src=x onerror="document.title=1">'


@pytest.fixture
def handoff(firm: Company, now: datetime) -> Handoff:
    """A lead with a number, a company, a past and a name that is none, offered to Ben."""
    lead = firm.lead(now=now, phone="+1 555 010 2345", title=NASTY, first_name="Iris")
    firm.colleague(lead, now=now, first_name=NASTY)
    for hours in (30, 20, 2):
        act(lead, "Visited Pricing Page", at=now - timedelta(hours=hours))
    judge(now=now)
    return firm.offer(lead.episodes.get(), now=now)


def open_lead(visit: Visit, firm: Company, handoff: Handoff, **options: object) -> Page:
    page = visit(firm.ben.user, f"/leads/{handoff.episode.lead.public_id}/", **options)
    expect(page.get_by_role("heading", name="Next move")).to_be_visible()
    # A mail program and a phone are not there; where the page would lead is kept instead.
    page.evaluate(
        """document.addEventListener("click", (event) => {
            const link = event.target.closest("a[href^='mailto:'], a[href^='tel:']");
            if (link) { event.preventDefault(); document.body.dataset.led = link.href; }
        })"""
    )
    return page


class TestLetter:
    def test_is_opened_as_it_was_typed_last_and_marked_sent(
        self, firm: Company, visit: Visit, handoff: Handoff
    ) -> None:
        page = open_lead(visit, firm, handoff)
        expect(page.get_by_label("Text", exact=True)).to_have_value(re.compile("looked at our pricing page"))
        page.get_by_label("Text", exact=True).fill("Hi Iris & co,\n100 % yours?")
        page.locator("h1").click()
        page.keyboard.press("m")
        led = page.evaluate("document.body.dataset.led")
        assert unquote(led).endswith("&body=Hi Iris & co,\r\n100 % yours?")
        assert "%26%20co" in led
        page.get_by_label("Text", exact=True).fill("x" * 3000)
        expect(page.get_by_role("link", name="Open in my mail program")).to_be_hidden()
        expect(page.get_by_text("too long for a mail program")).to_be_visible()
        page.locator("h1").click()
        page.keyboard.press("i")
        expect(page.locator("#toasts")).to_contain_text("Sent: ")
        touch = Touch.objects.get()
        assert (touch.means, touch.outcome) == ("email", "sent")
        assert Handoff.objects.get(pk=handoff.pk).state == State.ACCEPTED
        expect(page.locator(".move")).to_contain_text("it counts as your touch number 2")

    def test_is_another_one_when_it_is_chosen_and_can_be_copied(
        self, firm: Company, visit: Visit, handoff: Handoff
    ) -> None:
        page = open_lead(visit, firm, handoff, permissions=["clipboard-read", "clipboard-write"])
        page.get_by_label("First words").select_option(label="After a missed call")
        expect(page.get_by_label("Subject")).to_have_value("Sorry I missed you")
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()").startswith("Hi Iris,")


class TestCall:
    def test_is_logged_by_one_digit_once_the_number_was_clicked(
        self, firm: Company, visit: Visit, handoff: Handoff
    ) -> None:
        page = open_lead(visit, firm, handoff)
        page.keyboard.press("3")
        page.get_by_role("link", name="+1 555 010 2345").click()
        assert page.evaluate("document.body.dataset.led") == "tel:+15550102345"
        expect(page.get_by_text("How did the call go?")).to_be_visible()
        assert not Touch.objects.exists()
        page.keyboard.press("3")
        expect(page.locator("#toasts")).to_contain_text("Left a message: ")
        expect(page.locator(".lead-story")).to_contain_text("Call by Ben Keller")
        assert Touch.objects.get().outcome == "left_message"

    def test_can_be_logged_without_scripts(self, firm: Company, visit: Visit, handoff: Handoff) -> None:
        lead = handoff.episode.lead
        page = visit(firm.ben.user, f"/leads/{lead.public_id}/", java_script_enabled=False)
        page.get_by_role("link", name="The next move").click()
        expect(page.get_by_label("Text", exact=True)).to_have_value(re.compile("^Hi Iris,"))
        page.get_by_role("button", name="No answer").click()
        expect(page.locator(".promise")).to_contain_text("Call: no answer")


class TestTimeline:
    def test_is_narrowed_by_a_chip(self, firm: Company, visit: Visit, handoff: Handoff) -> None:
        page = open_lead(visit, firm, handoff)
        expect(page.locator("#entries")).to_contain_text("Offered to Ben Keller")
        page.get_by_role("link", name="What they did").click()
        expect(page.locator("#entries")).not_to_contain_text("Offered to Ben Keller")
        expect(page.locator("#entries")).to_contain_text("Visited Pricing Page")
        expect(page.get_by_role("link", name="What they did")).to_have_attribute("aria-current", "true")


class TestLook:
    def test_is_clean_for_axe_and_fits(self, firm: Company, visit: Visit, handoff: Handoff) -> None:
        lead = handoff.episode.lead
        Lead.objects.filter(pk=lead.pk).update(last_name=NASTY)
        page = open_lead(visit, firm, handoff)
        expect(page.locator(".why")).to_be_visible()
        expect(page.locator("#entries")).to_be_visible()
        page.locator(".unmet summary").click()
        is_clean(page, PHONE)
        assert page.title() != "1"
