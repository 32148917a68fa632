"""Every page as axe sees it, in both lights, also where it is narrow."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe

from leads.models import User
from tests.browser.conftest import PHONE, WIDE, Visit
from tests.browser.lived_in import LivedIn

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]

Seen = Callable[[LivedIn], tuple[User | None, str]]

# Who looks at what; the name of a page is followed by "phone" where that is what they hold.
PAGES: dict[str, Seen] = {
    "login": lambda house: (None, "/accounts/login/"),
    "inbox": lambda house: (house.rep, "/inbox/"),
    "inbox follow": lambda house: (house.rep, "/inbox/?tab=follow"),
    "inbox done": lambda house: (house.rep, "/inbox/?tab=done"),
    "lead": lambda house: (house.rep, f"/leads/{house.lead.public_id}/"),
    "lead phone": lambda house: (house.rep, f"/leads/{house.lead.public_id}/"),
    "leads": lambda house: (house.rep, "/leads/"),
    "board": lambda house: (house.manager, "/board/"),
    "board phone": lambda house: (house.manager, "/board/"),
    "simulator": lambda house: (house.manager, f"/simulator/?lead={house.lead.public_id}"),
    "simulator phone": lambda house: (house.manager, f"/simulator/?q={house.lead.last_name}&go=yes"),
    "fairness": lambda house: (house.rep, "/fairness/"),
    "fairness phone": lambda house: (house.rep, "/fairness/"),
    "team": lambda house: (house.manager, "/team/"),
    "team phone": lambda house: (house.manager, "/team/"),
    "away": lambda house: (house.manager, f"/away/{house.rep.public_id}/"),
    "leaving": lambda house: (house.revops, f"/team/{house.rep.public_id}/leaving/"),
    "status": lambda house: (house.manager, "/status/"),
    "mail": lambda house: (house.rep, "/preferences/mail/"),
    "last minute": lambda house: (house.manager, "/board/last-minute/"),
    "shadows": lambda house: (house.revops, "/shadow/"),
    "shadows phone": lambda house: (house.revops, "/shadow/"),
    "shadow": lambda house: (house.revops, f"/shadow/{house.shadow.public_id}/"),
    "shadow phone": lambda house: (house.revops, f"/shadow/{house.shadow.public_id}/"),
    "going live phone": lambda house: (house.revops, f"/shadow/{house.shadow.public_id}/live/"),
    "answering phone": lambda house: (None, house.answering),
}


class TestAxe:
    @pytest.mark.parametrize("name", PAGES)
    def test_finds_nothing(self, lived_in: LivedIn, visit: Visit, name: str) -> None:
        user, path = PAGES[name](lived_in)
        viewport = PHONE if name.endswith("phone") else WIDE
        page = visit(user, path, viewport=viewport, color_scheme="light", reduced_motion="reduce")
        page.wait_for_load_state("networkidle")
        for details in page.locator("details").all():
            details.evaluate("element => element.open = !element.matches('.menu')")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        # What is dark differs by its colours alone.
        page.emulate_media(color_scheme="dark")
        found = Axe().run(page, options={"runOnly": ["color-contrast"]})
        assert found.violations_count == 0, found.generate_report()
