"""Every page there is, found by the table of routes, as a browser and as axe see it, with hostile words in every field.

One house, one browser; each page is opened once: nothing runs, nothing leaves the host, no policy is broken, and axe
finds nothing in light, in dark, and on a phone, where nothing sticks out.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Request, Response
from pytest_django.live_server_helper import LiveServer

from leads import clock
from leads.delivering import words
from leads.models import Notification
from sla.attainment import moments
from sla.clockwork import fire_due
from sla.models import Handoff
from sla.nextsteps import changing
from tests.browser.conftest import PHONE, WIDE
from tests.browser.looking import axe
from tests.browser.tabs import Tab
from tests.emptying import Emptying
from tests.routes import hostile, world
from tests.routes.answers import ANONYMOUS, VIEWERS
from tests.routes.table import TABLE
from tests.routes.walking import filled

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser, pytest.mark.timeout(900)]

# A page is looked at by whoever sees most of it; by everybody who may, where all is asked for.
EVERYBODY = os.environ.get("BATON_THOROUGH") == "1"
NO_PAGES = ("/api/", "/v1/", "/healthz", "/timers/", "/inbox/arrivals/", "/f/<public_id>/opened/", "/tag/")
SIGHT = ("rep", "manager", "admin", "revops", "marketing", ANONYMOUS)
# What a page looks like beside how it is answered: tabs, searches, what is asked in the address.
MORE = {
    "/inbox/": ("", "?tab=follow", "?tab=done", "?tab=snoozed", "?tab=decide&tier=hot"),
    "/simulator/": ("", "?go=yes&episode.tier=hot", "?lead={lead}", "?q=Vale&go=yes"),
    "/leads/": ("", "?q=svg"),
    "/attainment/leads/": ("", "?target=qualify"),
    "/board/act/": ("", "?h={ticked}"),
}
# Colours are the same at a desk and on a phone, and take axe most of its time; what is dark differs by colours alone.
COLOURS = {"runOnly": ["color-contrast"]}
ALL_BUT_COLOURS = {"rules": {"color-contrast": {"enabled": False}}}
ALIVE = """() => [...document.querySelectorAll('*')].flatMap(element =>
    (element.localName === 'script' && !element.src && !/json/.test(element.type) ? ['<script>'] : []).concat(
    [...Element.prototype.getAttributeNames.call(element)].map(name => ({name, value: element.getAttribute(name)}))
        .filter(({name, value}) => /^on/i.test(name) || (/^(href|src|action|formaction)$/.test(name)
            && /^[\\s\\u0000-\\u0020]*(javascript|data|vbscript):/i.test(value) && element.localName !== 'img'))
        .map(({name, value}) => `<${element.localName} ${name}=${value}>`)))"""
# What sticks out on the right: the innermost of it, as far as it is seen.
TOO_WIDE = """width => {
    const sticksOut = element => element.getBoundingClientRect().right > width + 1;
    const seen = {contentVisibilityAuto: true, visibilityProperty: true};
    return document.documentElement.scrollWidth <= width ? [] : [...document.querySelectorAll('body *')]
        .filter(each => sticksOut(each) && each.checkVisibility(seen) && ![...each.children].some(sticksOut))
        .slice(0, 4).map(each => each.outerHTML.slice(0, 120));
}"""
WATCH = """
    window.heard = [];
    window.canary = () => window.heard.push('a canary ran');
    document.addEventListener('securitypolicyviolation', event =>
        window.heard.push(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""


def seen(*, files: bool = False) -> list[tuple[str, str, str]]:
    """Each page of the table with who looks at it, and at whose: path with query, viewer, kind of thing.

    A file that is downloaded is no page; `files` asks for these as well.
    """
    found = []
    for row in (row for rows in TABLE.values() for row in rows):
        if row.method != "GET" or row.path.startswith(NO_PAGES) or (row.path.endswith(".csv") and not files):
            continue
        opened = [viewer for viewer in SIGHT if _opened(row.answers.of(viewer))]
        for viewer in opened if EVERYBODY else opened[:1]:
            found += [(row.path + more, viewer, row.thing) for more in MORE.get(row.path, ("",))]
    assert {viewer for _, viewer, _ in found} <= set(VIEWERS)
    return found


def _opened(answer: Any) -> bool:
    return answer == 200 or (isinstance(answer, tuple) and 200 in answer)


@pytest.fixture(scope="module")
def house(django_db_setup: None, django_db_blocker: Any, emptying: Emptying) -> Iterator[world.World]:
    """One of everything, all of it hostile."""
    with django_db_blocker.unblock():
        made = emptying.found(_founded)
    yield made
    with django_db_blocker.unblock():
        emptying.raze()


def _founded() -> world.World:
    made = world.build(clock.now())
    moments.keep(now=made.now - timedelta(weeks=1))
    asleep = made.firm.offered(now=made.now)
    changing.snooze(asleep.pk, until=made.now + timedelta(hours=5), by=asleep.user, now=made.now)
    hostile.poison()
    return made


def _asked(house: world.World) -> dict[str, str]:
    """What stands in the addresses of MORE: a lead, and a hand-off as the board ticks it."""
    ticked = Handoff.objects.open().filter(team=house.firm.team).earliest("pk")
    return {"lead": str(ticked.episode.lead.public_id), "ticked": f"{ticked.public_id}:{ticked.version}"}


class Visitor(Tab):
    """One person's browser, which keeps what it hears."""

    def __init__(self, browser: Browser, live_server: LiveServer, session: str) -> None:
        super().__init__(browser, live_server.url, {"has_touch": True, "reduced_motion": "reduce"})
        self.url, self.is_admin = live_server.url, False
        if session:
            self.context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        self.context.add_init_script(WATCH)
        self.page.on("request", self._asked_for)
        self.page.on("response", self._answered)

    def _said(self, said: ConsoleMessage) -> None:
        """An answer that was refused is heard of as an answer; what the admin warns of is not ours."""
        counts = said.type == "error" or (said.type == "warning" and not self.is_admin)
        if counts and "status of" not in said.text:
            self.complaints.append(said.text)

    def _asked_for(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "about:", "blob:")):
            self.complaints.append(f"a request left the host: {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and not response.url.endswith("/favicon.ico"):  # what no page of ours asks for
            self.complaints.append(f"{response.status} {response.url}")

    def look(self, path: str) -> list[str]:
        """Open it, wide and light, dark, narrow; everything that is wrong with it."""
        self.complaints.clear()
        page, is_admin = self.page, path.startswith("/admin/")
        self.is_admin = is_admin
        page.set_viewport_size(WIDE)
        page.emulate_media(color_scheme="light")
        answer = page.goto(path)
        self.quiet()
        wrong = self.heard()
        if answer is None or not answer.text().lstrip().lower().startswith("<!doctype"):
            return wrong  # a part, which stands in a page that is looked at
        policy = (answer.headers if answer else {}).get("content-security-policy", "")
        if "unsafe-inline" in policy and not is_admin:
            wrong.append(f"its policy is {policy}")
        page.evaluate("document.querySelectorAll('details:not(.menu)').forEach(each => each.open = true)")
        wrong += self.axe("light", serious=is_admin)
        if is_admin:
            return wrong
        page.emulate_media(color_scheme="dark")
        wrong += self.axe("dark", **COLOURS)
        page.set_viewport_size(PHONE)
        wrong += self.axe("narrow", **ALL_BUT_COLOURS)
        return wrong + [f"wider than a phone: {each}" for each in page.evaluate(TOO_WIDE, PHONE["width"])]

    def heard(self) -> list[str]:
        """What ran, broke a policy, failed or went elsewhere, and what could."""
        return [*self.complaints, *self.page.evaluate("window.heard"), *self.page.evaluate(ALIVE)]

    def axe(self, which: str, *, serious: bool = False, **options: Any) -> list[str]:
        told = axe(self.page, **options).response
        looked = {rule["id"] for kind in ("passes", "violations", "incomplete") for rule in told[kind]}
        missed = [] if "rules" in options or "color-contrast" in looked else [f"{which}: axe saw no colours"]
        return missed + [
            f"{which}: {each['id']} ({each['impact']}): {node['html'][:200]}"
            for each in told["violations"]
            if not serious or each["impact"] in ("serious", "critical")
            for node in each["nodes"][:3]
        ]


@pytest.fixture
def visitors(house: world.World, browser: Browser, live_server: LiveServer) -> Iterator[dict[str, Visitor]]:
    made = {ANONYMOUS: Visitor(browser, live_server, "")}
    for role, user in house.people.items():
        client = Client()
        client.force_login(user)
        made[role] = Visitor(browser, live_server, client.cookies["sessionid"].value)
    yield made
    for visitor in made.values():
        visitor.context.close()


class TestEveryPage:
    def test_is_safe_and_readable(self, house: world.World, visitors: dict[str, Visitor]) -> None:
        wrong, asked = [], _asked(house)
        for path, viewer, thing in seen():
            things = house.things[thing]
            own = things.get(world.OWN) if viewer == "rep" else things.get(world.TEAM)
            route, _, query = path.partition("?")
            address = filled(route, (own or next(iter(things.values()))).kwargs)
            address += f"?{query.format(**asked)}" if query else ""
            wrong += [f"{path} for {viewer}: {each}" for each in visitors[viewer].look(address)]
        assert not wrong, "\n".join(wrong)

    def test_is_a_mail_as_well(self, house: world.World, visitors: dict[str, Visitor]) -> None:
        """Mails have no policy to protect them; nothing in them may run, in any reader."""
        visitor, later = visitors[ANONYMOUS], house.now + timedelta(days=2)
        while fire_due(lambda: later):
            pass
        queued = Notification.objects.exclude(state="dead")
        letters = [words.of(each) for each in {each.kind: each for each in queued.filter(endpoint=None)}.values()]
        assert {each.kind for each in queued} >= {"new lead", "breach", "joined"}, {each.kind for each in queued}
        wrong = []
        for letter in letters:
            assert "\n" not in letter.subject
            assert "\r" not in letter.subject
            visitor.page.goto("about:blank")
            visitor.page.set_content(letter.html or letter.text)
            wrong += [f"{letter.subject}: {each}" for each in visitor.heard()]
        assert not wrong, "\n".join(wrong)

    def test_is_a_file_as_well(self, house: world.World) -> None:
        """What sheets open: no cell is a formula."""
        client, found = Client(), 0
        client.force_login(house.people["admin"])
        for path, _, thing in seen(files=True):
            things = house.things[thing]
            answer = client.get(filled(path.partition("?")[0], next(iter(things.values())).kwargs) + "?format=csv")
            if answer.headers.get("Content-Type", "").startswith("text/csv"):
                found += 1
                cells = [cell for row in csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))) for cell in row]
                assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))], path
        assert found, "which pages are downloaded as tables?"
