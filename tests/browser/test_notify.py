"""A word from the desktop for who asked for it: that there are new leads and how many, never who."""

from __future__ import annotations

import json
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from leads.models import Lead
from tests.browser.conftest import Visit
from tests.browser.test_inbox import poll
from tests.desk import Company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

# The one thing a browser without a desktop can't do: show it. Permission is the browser's own.
DESKTOP = """
    window.told = [];
    const Real = window.Notification;
    window.Notification = class {
        constructor(title, options) { window.told.push({title, ...options}); }
        static get permission() { return Real.permission; }
        static requestPermission() { return Real.requestPermission(); }
    };
"""
LOOK_AWAY = "Object.defineProperty(document, 'hidden', {get: () => true, configurable: true})"
NASTY = '<img src=x onerror="canary()">'


def arrive(firm: Company, now: datetime) -> None:
    lead = firm.offered(now=now).episode.lead
    Lead.objects.filter(pk=lead.pk).update(first_name=NASTY, last_name=NASTY, title=NASTY)


def told(page: Page) -> list[dict[str, str]]:
    poll(page)
    page.wait_for_function("() => !document.querySelector('.htmx-request, .htmx-settling, .htmx-swapping')")
    found: list[dict[str, str]] = page.evaluate("window.told")
    return found


class TestAWordFromTheDesktop:
    def test_comes_once_for_those_who_asked_while_they_look_away(
        self, firm: Company, visit: Visit, now: datetime
    ) -> None:
        firm.offered(now=now)
        page = visit(firm.ben.user, "/inbox/", permissions=["notifications"])
        page.add_init_script(DESKTOP)
        page.reload()
        expect(page).to_have_title("(1) Inbox · Baton")

        arrive(firm, now)
        assert told(page) == []  # nobody has asked for it
        page.locator(".menu summary").click()
        button = page.get_by_role("button", name="Desktop notifications")
        expect(button).to_have_attribute("aria-pressed", "false")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        arrive(firm, now)
        assert told(page) == []  # they see the page
        page.evaluate(LOOK_AWAY)
        arrive(firm, now)
        (word,) = told(page)
        assert word == {"title": "Baton", "body": "3 new leads in your inbox", "tag": "baton-inbox"}
        assert "<" not in json.dumps(word)
        expect(page).to_have_title("(4) Inbox · Baton")
        assert len(told(page)) == 1  # nothing new

    def test_stays_away_where_it_was_turned_off_again(self, firm: Company, visit: Visit, now: datetime) -> None:
        page = visit(firm.ben.user, "/inbox/", permissions=["notifications"])
        page.add_init_script(DESKTOP)
        page.reload()
        page.locator(".menu summary").click()
        for wanted in ("true", "false"):
            page.get_by_role("button", name="Desktop notifications").click()
            expect(page.get_by_role("button", name="Desktop notifications")).to_have_attribute("aria-pressed", wanted)
        page.evaluate(LOOK_AWAY)
        arrive(firm, now)
        assert told(page) == []
