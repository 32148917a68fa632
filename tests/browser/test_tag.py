"""The page tag on pages of somebody's site: what it sends arrives once, however little the browser takes at a time."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page

from leads.models import AnonymousActivity, WebForm
from leads.sources import create_website
from tests.browser.conftest import Visit

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

PATIENCE = 20.0  # seconds of the wall


@pytest.fixture
def form(transactional_db: None) -> WebForm:
    return create_website("Website", origins=["https://www.acme.example"])[2]


@pytest.fixture
def page(visit: Visit, form: WebForm) -> Page:
    """A browser that finds pages with the tag under /site/; what `before` says in its address runs ahead of the tag."""
    tab = visit(None, f"/f/{form.public_id}/thanks/")
    tag = f'<script src="/tag/{form.source.public_id}.js"></script>'
    html = "<script>(0, eval)(new URLSearchParams(location.search).get('before') || '')</script>" + tag
    tab.route("**/site/**", lambda route: route.fulfill(content_type="text/html", body=html))
    return tab


def arrived(names: list[str]) -> bool:
    """Whether just these came in, each once; waits for them."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and AnonymousActivity.objects.count() < len(names):
        time.sleep(0.05)
    return sorted(AnonymousActivity.objects.values_list("type__name", flat=True)) == sorted(names)


class TestWhatTheBrowserDoesNotTake:
    def test_is_sent_a_second_later(self, page: Page) -> None:
        page.goto(
            "/site/?before=const real = navigator.sendBeacon.bind(navigator); window.tries = [];"
            "navigator.sendBeacon = (to, body) => tries.push(Date.now()) > 1 %26%26 real(to, body)"
        )
        page.wait_for_function("tries.length > 1")
        assert arrived(["Visited a Page"])
        assert page.evaluate("[tries.length, tries[1] - tries[0] > 900]") == [2, True]

    def test_is_sent_bit_by_bit(self, page: Page) -> None:
        page.goto("/site/")
        page.evaluate("for (let n = 0; n < 9; n++) baton.track('Read ' + n, {text: 'x'.repeat(20000)})")
        assert arrived(["Visited a Page", *(f"Read {n}" for n in range(9))])

    def test_holds_up_nothing_where_no_browser_would_take_it(self, page: Page) -> None:
        page.goto("/site/")
        page.evaluate("baton.track('Read a Book', {text: 'ö'.repeat(40000)}); baton.track('Read a Page')")
        assert arrived(["Visited a Page", "Read a Page"])


class TestANo:
    def test_holds_on_the_next_pages_until_a_yes(self, page: Page) -> None:
        page.goto("/site/?before=window.baton = [['consent', false]]")
        page.goto("/site/?before=window.baton = [['track', 'Read a Page']]")
        page.wait_for_timeout(500)  # it sends what it has after 300 milliseconds
        assert page.evaluate("localStorage.baton_id ?? 0") == 0
        page.goto("/site/")
        page.evaluate("baton.consent()")
        page.goto("/site/?before=window.baton = [['track', 'Read It Again']]")
        assert arrived(["Visited a Page", "Visited a Page", "Read It Again"])
