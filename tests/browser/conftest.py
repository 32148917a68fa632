"""A real browser at a real server: which Chromium, and people who are signed in.

One browser and one server serve all tests of a run, and tabs are handed on; what costs is a page, so a test looks at
few. All are marked `pytest.mark.django_db(transaction=True)`, and behind each only the tables it touched are emptied.
`firm` is a small company of a test's own. What only is looked at is founded once, by `emptying.found()`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from config.home import browser as chromium
from leads import clock
from leads.models import User
from tests.browser.tabs import Tab, Tabs
from tests.desk import Company, company

Visit = Callable[..., Page]
OPENED = pytest.StashKey[list[Tab]]()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The Chromium of this machine, with the flags it needs as root."""
    found = chromium.find()
    if found is None:
        pytest.skip("There is no Chromium on this machine.")
    flags = [flag for flag in chromium.FLAGS if flag != "--headless"]
    return browser_type_launch_args | {"executable_path": found, "args": flags}


@pytest.fixture(scope="session", autouse=True)
def _orm_beside_the_browser() -> Iterator[None]:
    """Playwright's loop runs in the thread in which a test asks the database, also when it is emptied afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture
def now(transactional_db: None) -> datetime:
    """Pages ask the database for the time."""
    return clock.now()


@pytest.fixture
def firm(now: datetime) -> Company:
    return company(now)


def sign_in(context: BrowserContext, user: User | None, url: str) -> None:
    """From here on this browser is this person's, or nobody's."""
    context.clear_cookies()
    if user is not None:
        client = Client()
        client.force_login(user)
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])


@pytest.fixture(scope="session")
def tabs(browser: Browser, live_server: LiveServer) -> Iterator[Tabs]:
    """Handed on from test to test."""
    kept = Tabs(browser, live_server.url)
    yield kept
    kept.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Behind what failed stands what its tabs showed."""
    report = yield
    if report.when == "call" and report.failed:
        report.sections += [(f"Tab at {tab.page.url}", tab.shown()) for tab in item.stash.get(OPENED, [])]
    return report


@pytest.fixture
def visit(request: pytest.FixtureRequest, tabs: Tabs, live_server: LiveServer) -> Iterator[Visit]:
    """Open a page as somebody, in a tab of their own; what a console complains of fails the test.

    A tab that cannot be made as good as new (init scripts, permissions, pages of elsewhere) is nobody else's: `own`.
    """
    opened: list[tuple[Tab, dict[str, Any]]] = []

    def open_page(user: User | None, path: str, *, expect_status: tuple[int, ...] = (), **options: Any) -> Page:
        options = {"viewport": WIDE, "own": "permissions" in options or not path.startswith("/"), **options}
        tab = tabs.take(**options)
        opened.append((tab, options))
        request.node.stash.setdefault(OPENED, []).append(tab)
        tab.expected = expect_status
        sign_in(tab.context, user, live_server.url)
        tab.page.goto(path)
        return tab.page

    yield open_page
    for tab, _ in opened:
        tab.leave()
    complaints = [each for tab, _ in opened for each in tab.complaints]
    for tab, options in opened:
        tabs.give_back(tab, **options)
    assert complaints == []


WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}
