"""Every page as axe sees it: wide, and narrow where reps hold a phone, each in both lights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from leads.models import User
from sla.models import Handoff
from tests.browser.conftest import PHONE, WIDE, sign_in
from tests.browser.lived_in import LivedIn
from tests.browser.looking import finds_nothing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

Seen = Callable[[LivedIn], tuple[User | None, str]]


def _open() -> str:
    """A hand-off as the board ticks it."""
    found = Handoff.objects.open().order_by("pk")[0]
    return f"{found.public_id}:{found.version}"


AT_A_DESK: dict[str, Seen] = {
    "login": lambda house: (None, "/accounts/login/"),
    "inbox": lambda house: (house.rep, "/inbox/"),
    "inbox follow": lambda house: (house.rep, "/inbox/?tab=follow"),
    "inbox done": lambda house: (house.rep, "/inbox/?tab=done"),
    "leads": lambda house: (house.rep, "/leads/"),
    "simulator": lambda house: (house.manager, f"/simulator/?lead={house.lead.public_id}"),
    "away": lambda house: (house.manager, f"/away/{house.rep.public_id}/"),
    "leaving": lambda house: (house.revops, f"/team/{house.rep.public_id}/leaving/"),
    "status": lambda house: (house.manager, "/status/"),
    "mail": lambda house: (house.rep, "/preferences/mail/"),
    "last minute": lambda house: (house.manager, "/board/last-minute/"),
}
ON_BOTH: dict[str, Seen] = {
    "lead": lambda house: (house.rep, f"/leads/{house.lead.public_id}/"),
    "board": lambda house: (house.manager, "/board/"),
    "standing": lambda house: (house.manager, "/board/standing/"),
    "view as": lambda house: (house.manager, f"/board/as/{house.rep.public_id}/"),
    "acting": lambda house: (house.manager, f"/board/act/?{urlencode({'h': [_open()]}, doseq=True)}"),
    "attainment": lambda house: (house.manager, "/attainment/"),
    "attainment leads": lambda house: (house.manager, "/attainment/leads/?target=qualify"),
    "fairness": lambda house: (house.rep, "/fairness/"),
    "team": lambda house: (house.manager, "/team/"),
    "shadows": lambda house: (house.revops, "/shadow/"),
    "shadow": lambda house: (house.revops, f"/shadow/{house.shadow.public_id}/"),
}
ON_A_PHONE: dict[str, Seen] = {
    "simulator, asked": lambda house: (house.manager, f"/simulator/?q={house.lead.last_name}&go=yes"),
    "going live": lambda house: (house.revops, f"/shadow/{house.shadow.public_id}/live/"),
    "answering": lambda house: (None, house.answering),
}
PAGES = AT_A_DESK | ON_BOTH | ON_A_PHONE


@pytest.fixture(scope="class")
def tab(browser: Browser, live_server: LiveServer) -> Iterator[Page]:
    """One for all of them, with styles and scripts at hand; where nothing moves."""
    context = browser.new_context(base_url=live_server.url, color_scheme="light", reduced_motion="reduce")
    yield context.new_page()
    context.close()


class TestAxe:
    @pytest.mark.parametrize("name", PAGES)
    def test_finds_nothing(self, lived_in: LivedIn, live_server: LiveServer, tab: Page, name: str) -> None:
        user, path = PAGES[name](lived_in)
        sign_in(tab.context, user, live_server.url)
        sizes = [size for size, pages in ((WIDE, AT_A_DESK | ON_BOTH), (PHONE, ON_BOTH | ON_A_PHONE)) if name in pages]
        tab.set_viewport_size(sizes[0])
        tab.goto(path)
        tab.wait_for_load_state("networkidle")
        for details in tab.locator("details").all():
            details.evaluate("element => element.open = !element.matches('.menu')")
        for size in sizes:
            tab.set_viewport_size(size)
            tab.emulate_media(color_scheme="light")
            finds_nothing(tab)
            # What is dark differs by its colours alone.
            tab.emulate_media(color_scheme="dark")
            finds_nothing(tab, runOnly=["color-contrast"])
        # Nothing of it may ask for more while the database is emptied.
        tab.goto("about:blank")
