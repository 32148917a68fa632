"""A real browser at a real server: which Chromium, and people who are signed in.

One browser and one server serve all tests of a run; what costs is a page, so a test looks at few. All are marked
`pytest.mark.django_db(transaction=True)`, and behind each only the tables it touched are emptied.
`firm` is a small company of a test's own. `lived_in` has something of everything in it: it is founded once for a
class and stands anew for each of its tests, whatever they did. Found another one like it by `emptying.found()`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from config.home import browser as chromium
from leads import clock
from leads.models import User
from tests.browser.lived_in import LivedIn, settle
from tests.desk import Company, company
from tests.emptying import Emptying

Visit = Callable[..., Page]


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


@pytest.fixture(scope="class")
def lived_in(django_db_setup: None, django_db_blocker: Any, emptying: Emptying) -> Iterator[LivedIn]:
    """Founded once for all tests of a class, and the same again before each."""
    with django_db_blocker.unblock():
        house = emptying.found(lambda: settle(clock.now()))
    yield house
    with django_db_blocker.unblock():
        emptying.raze()


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


@pytest.fixture
def visit(browser: Browser, live_server: LiveServer) -> Iterator[Visit]:
    """Open a page as somebody, in a browser of their own; what a console complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(user: User | None, path: str, *, expect_status: tuple[int, ...] = (), **options: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, viewport=options.pop("viewport", WIDE), **options)
        contexts.append(context)
        sign_in(context, user, live_server.url)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda said: (
                complaints.append(said.text)
                if said.type in ("error", "warning")
                and not any(f"status of {code}" in said.text for code in expect_status)
                else None
            ),
        )
        page.goto(path)
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            # What is under way must end before the database is emptied.
            page.wait_for_load_state("networkidle")
        context.close()
    assert complaints == []


WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}
