"""A tab that is handed on brings nothing along, and what it complains of is heard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from tests.browser.conftest import PHONE, WIDE, sign_in
from tests.browser.tabs import Tab, Tabs
from tests.desk import Company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def tabs(browser: Browser, live_server: LiveServer) -> Tabs:
    return Tabs(browser, live_server.url)


class TestTabs:
    def test_are_as_good_as_new(self, firm: Company, tabs: Tabs, live_server: LiveServer) -> None:
        asked = {"viewport": PHONE, "color_scheme": "dark", "own": False}
        first = tabs.take(**asked)
        sign_in(first.context, firm.ben.user, live_server.url)
        first.page.goto("/inbox/")
        first.page.evaluate("localStorage.kept = 'x'; sessionStorage.kept = 'x'")
        first.page.route("**/accounts/login/**", lambda route: route.abort())
        beside = first.context.new_page()
        self.hand_on(tabs, first, asked)
        assert beside.is_closed()
        second = tabs.take(viewport=WIDE, own=False)
        assert second is first
        second.page.goto("/inbox/")
        expect(second.page).to_have_url(f"{live_server.url}/accounts/login/?next=/inbox/")
        assert second.page.evaluate("[localStorage.kept ?? 0, sessionStorage.kept ?? 0, innerWidth]") == [0, 0, 1440]
        assert second.page.evaluate("matchMedia('(prefers-color-scheme: light)').matches")
        assert second.complaints == []
        self.hand_on(tabs, second, {"own": False})
        tabs.close()

    def test_are_for_who_asks_for_the_same(self, tabs: Tabs, transactional_db: None) -> None:
        plain = tabs.take(viewport=WIDE, own=False)
        self.hand_on(tabs, plain, {"own": False})
        without = tabs.take(viewport=WIDE, own=False, java_script_enabled=False)
        own = tabs.take(viewport=WIDE, own=True)
        assert len({id(each) for each in (plain, without, own)}) == 3
        self.hand_on(tabs, without, {"own": False, "java_script_enabled": False})
        self.hand_on(tabs, own, {"own": True})
        assert [tab for _, tab in tabs.free] == [plain, without]
        tabs.close()

    def test_tell_what_they_complain_of(self, tabs: Tabs, transactional_db: None) -> None:
        tab = tabs.take(viewport=WIDE, own=False)
        tab.page.goto("/accounts/login/")
        tab.page.evaluate("console.error('wrong'); alert('asked')")
        tab.page.evaluate("() => { setTimeout(() => { throw new Error('thrown') }) }")
        tab.leave()
        assert tab.complaints == ["wrong", "a dialog: asked", "thrown"]
        tab.context.close()

    def hand_on(self, tabs: Tabs, tab: Tab, options: dict[str, object]) -> None:
        tab.leave()
        tabs.give_back(tab, **options)  # type: ignore[arg-type]
