"""The first day in a real browser: from an empty database to a rep who accepts the first lead of a website's form.

BATON_PICTURES names a folder in which every page leaves its picture.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core import mail as sent_mail
from playwright.sync_api import Page, expect

from leads import clock, delivery
from leads.models import Activity, AnonymousActivity, Lead, Organization, Role, Source, User, WebForm
from leads.sources import create_website
from leads.webform import markup
from scoring.assessment import assess
from scoring.models import DefinitionVersion
from sla import routing
from sla.models import Handoff, State
from tests.browser.conftest import PHONE, Visit
from tests.browser.looking import finds_nothing
from tests.desk import person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
PAGES = ("", "organization/", "source/", "import/", "hours/", "people/", "definition/", "promises/", "test/")


def picture(page: Page, name: str) -> None:
    if folder := os.environ.get("BATON_PICTURES"):
        page.wait_for_load_state("load")
        page.screenshot(path=str(Path(folder) / f"start-{name}.png"), full_page=True)


def work() -> None:
    """What worker and clock would do by now."""
    for _ in range(3):
        assess(now=clock.now())
        routing.route_waiting(clock.now)
    delivery.deliver_due(clock.now)


@pytest.fixture
def boss(transactional_db: None, settings: Any, live_server: Any) -> User:
    settings.BASE_URL = live_server.url
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    return person(Role.ADMIN, "Sam Root")


Site = Callable[[str], str]


@pytest.fixture
def site() -> Iterator[Site]:
    """Another website, on an origin of its own: serve this HTML, and hear where."""
    pages: dict[str, str] = {}

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = pages.get(self.path.partition("?")[0])
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", self.server.policy)  # type: ignore[attr-defined]
            self.end_headers()
            self.wfile.write((found or "").encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.policy = "default-src 'self'"  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    origin = f"http://localhost:{server.server_port}"

    def serve(html: str, path: str = "/", *, baton: str = "") -> str:
        pages[path] = f"<!doctype html><html lang=en><title>Pricing at Acme</title><body>{html}</body></html>"
        pages["/favicon.ico"] = ""
        server.policy = f"default-src 'none'; script-src {baton}; connect-src {baton}; form-action {baton} {origin}"  # type: ignore[attr-defined]
        return origin + path

    serve.origin = origin  # type: ignore[attr-defined]
    yield serve  # type: ignore[misc]
    server.shutdown()
    server.server_close()


def eventually(page: Page, true: Callable[[], bool]) -> None:
    """Wait until it is so; the page's own time passes meanwhile."""
    for _ in range(100):
        if true():
            return
        page.wait_for_timeout(100)
    raise AssertionError("It did not come about.")


class TestTheFirstDay:
    def test_leads_from_nothing_to_a_rep_who_accepts(self, boss: User, visit: Visit, site: Site) -> None:
        page = visit(boss, "/", expect_status=(422,))
        expect(page).to_have_url(re.compile("/start/$"))
        picture(page, "overview")
        page.locator(".start-body").get_by_role("link", name="Your organization").press("Enter")
        expect(page).to_have_url(re.compile("/start/organization/$"))
        page.get_by_label("Name", exact=True).fill("Acme")
        page.get_by_label("Currency").fill("euros")
        page.get_by_label("Currency").fill("EUR")
        page.locator("[name=time_zone]").select_option("Europe/Berlin")
        picture(page, "organization")
        page.get_by_role("button", name="Keep it").click()

        expect(page).to_have_url(re.compile("/start/source/$"))
        page.get_by_label("Name", exact=True).fill("Website")
        page.get_by_label("Sites").fill(site.origin)  # type: ignore[attr-defined]
        page.get_by_role("button", name="Make it").click()
        key = page.locator("code.start-code").inner_text()
        assert key.startswith("wk_")
        picture(page, "source-key")
        expect(page.get_by_text("Waiting for the first event")).to_be_visible()
        form, source = WebForm.objects.get(), Source.objects.get()
        baton = boss_url = page.url.partition("/start/")[0]
        website = visit(None, site(markup.tag_html(source) + markup.form_html(form), baton=baton))
        expect(page.get_by_text("It arrives")).to_be_visible(timeout=15_000)
        expect(page.get_by_text("Visited a Page").first).to_be_visible()
        picture(page, "source-arrives")
        page.goto("/start/source/")
        assert key not in page.content()

        page.goto("/start/import/")
        page.get_by_role("link", name="Choose a file").click()
        rows = "Email,Full name,Job title,Plan\nmia@globex.example,Mia Berg,VP Sales,Pro\nnobody,No One,,\n"
        page.get_by_label("CSV file").set_input_files(
            {"name": "leads.csv", "mimeType": "text/csv", "buffer": rows.encode()}
        )
        page.get_by_role("button", name="Look at it").click()
        expect(page.get_by_label("Job title is read as")).to_have_value("title")
        expect(page.get_by_text("Nothing is written yet")).to_be_visible()
        picture(page, "import-mapping")
        assert not Lead.objects.exists()
        page.get_by_role("button", name="Take in 2 rows").click()
        expect(page.get_by_text("Line 3:")).to_be_visible()
        picture(page, "import-report")
        assert Lead.objects.get().title == "VP Sales"

        page.goto("/start/hours/")
        page.get_by_label("Hours", exact=True).fill("9 to 5")
        page.get_by_role("button", name="Keep these hours").click()
        expect(page.get_by_role("alert")).to_contain_text("not a span of time")
        for day in ("Saturday", "Sunday"):
            page.get_by_label(day).check()
        page.get_by_label("Hours", exact=True).fill("00:00-24:00")
        page.locator("[name=region]").select_option("DE-BE")
        page.get_by_role("button", name="Look at the year first").click()
        expect(page.get_by_role("heading", name="The next twelve months")).to_be_visible()
        page.locator("[name=region]").select_option("")
        picture(page, "hours")
        page.get_by_role("button", name="Keep these hours").click()

        expect(page).to_have_url(re.compile("/start/people/$"))
        page.get_by_label("Name", exact=True).fill("Ana Ortiz")
        page.get_by_label("E-mail", exact=True).fill("ana@acme.example")
        page.locator("[name=role]").select_option("rep")
        page.get_by_role("button", name="Invite").click()
        expect(page.get_by_text("ana@acme.example").first).to_be_visible()
        picture(page, "people")
        work()
        link = re.search(r"http\S+/join/\S+", str(sent_mail.outbox[-1].body))
        assert link is not None
        rep = visit(None, link[0])
        picture(rep, "join")
        rep.get_by_label("Password", exact=True).fill("a-long-enough-word")
        rep.get_by_label("Once more", exact=True).fill("a-long-enough-word")
        rep.get_by_role("button", name="Join").click()
        expect(rep).to_have_url(re.compile("/inbox/$"))
        rep.goto("/preferences/mail/")

        page.goto("/start/definition/")
        picture(page, "definition")
        page.get_by_role("button", name=re.compile("Use it.*B2B SaaS")).click()
        expect(page).to_have_url(re.compile("/start/promises/$"))
        assert DefinitionVersion.objects.get().state == "published"
        picture(page, "promises")
        page.get_by_role("button", name="Promise it").click()

        expect(page).to_have_url(re.compile("/start/test/$"))
        page.get_by_role("button", name="Send it").click()
        expect(page.locator("#way")).to_contain_text("It waits to be scored")
        work()
        expect(page.locator("#way")).to_contain_text("Ana Ortiz, Sales", timeout=15_000)
        expect(page.locator("#way")).to_contain_text("The way is open")
        picture(page, "trial")
        assert Handoff.objects.get().episode.lead.is_test

        website.get_by_label("Work e-mail").fill("iris@globex.example")
        website.get_by_label("First name").fill("Iris")
        website.get_by_label("Last name").fill("Vale")
        website.get_by_label("You may write").check()
        website.get_by_role("button", name="Send").click()
        expect(website).to_have_url(re.compile(f"{boss_url}/f/.*/thanks/"))
        picture(website, "thanks")
        iris = Lead.objects.get(email="iris@globex.example")
        assert iris.email_permission == "granted"
        assert Activity.objects.filter(lead=iris, type__name="Visited a Page").exists()
        assert not AnonymousActivity.objects.exists()
        work()
        rep.goto("/inbox/?tab=follow")
        expect(rep.get_by_text("Iris Vale").first).to_be_visible()
        handoff = Handoff.objects.get(episode__lead=iris)
        assert handoff.state == State.ACCEPTED  # it asked for us: the fast lane accepts by itself
        page.goto("/start/")
        expect(page.locator(".start-rail .start-done")).to_have_count(8)
        picture(page, "all-done")


class TestEveryPage:
    def test_axe_finds_nothing(self, boss: User, visit: Visit) -> None:
        """Where nothing is there yet, and where it is hardest to read; the rest of it is in test_every_page."""
        made = create_website("Website", origins=["https://www.acme.example"])
        page = visit(boss, "/start/", reduced_motion="reduce", color_scheme="dark", viewport=PHONE)
        shown = [f"/start/{path}" for path in PAGES]
        for path in (*shown, "/import/", f"/f/{made[2].public_id}/", f"/f/{made[2].public_id}/thanks/"):
            page.goto(path)
            finds_nothing(page)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            picture(page, f"{path.strip('/').replace('/', '-')[:20]}-dark")

    def test_works_without_a_script(self, boss: User, visit: Visit) -> None:
        page = visit(boss, "/start/organization/", java_script_enabled=False)
        page.get_by_label("Name", exact=True).fill("Acme")
        page.get_by_role("button", name="Keep it").click()
        expect(page).to_have_url(re.compile("/start/source/$"))
        page.get_by_role("button", name="Leave it out").click()
        expect(page).to_have_url(re.compile("/start/import/$"))
        page.goto("/start/")
        page.get_by_role("button", name="Close the guide").click()
        page.goto("/")
        expect(page).not_to_have_url(re.compile("/start/"))
        assert Organization.objects.get().name == "Acme"


class TestTag:
    """On a page of another origin, whose own policy allows nothing but Baton."""

    @pytest.fixture
    def source(self, boss: User) -> Source:
        return create_website("Website", origins=[])[0]

    def events(self) -> list[str]:
        return list(AnonymousActivity.objects.order_by("pk").values_list("type__name", flat=True))

    def test_records_pages_and_what_it_is_told_and_sets_no_cookie(
        self, source: Source, visit: Visit, site: Site, live_server: Any
    ) -> None:
        tag = markup.tag_html(source).replace("<script", '<script data-page="Pricing"')
        page = visit(None, site(tag, "/pricing", baton=live_server.url) + "?utm_source=ads&utm_campaign=May")
        page.evaluate("baton.track('Started Free Trial', {plan: 'pro'})")
        eventually(page, lambda: len(self.events()) == 2)
        assert self.events() == ["Visited Pricing Page", "Started Free Trial"]
        visited, started = AnonymousActivity.objects.order_by("pk")
        assert visited.properties["title"] == "Pricing at Acme"
        assert visited.properties["path"] == "/pricing"
        assert visited.context["campaign"] == {"source": "ads", "name": "May"}
        assert started.properties == {"plan": "pro"}
        assert visited.anonymous_id == started.anonymous_id == page.evaluate("localStorage.baton_id")
        assert page.context.cookies() == []
        page.evaluate("baton.identify({email: 'iris@globex.example'})")
        eventually(page, Lead.objects.exists)
        assert Activity.objects.count() == 2

    def test_keeps_and_sends_nothing_before_consent_where_the_source_asks_for_it(
        self, source: Source, visit: Visit, site: Site, live_server: Any
    ) -> None:
        Source.objects.update(asks_consent=True)
        page = visit(None, site(markup.tag_html(source), baton=live_server.url))
        eventually(page, lambda: bool(page.evaluate("Boolean(window.baton)")))
        page.wait_for_timeout(700)
        assert page.evaluate("localStorage.length") == 0
        assert self.events() == []
        page.evaluate("baton.consent()")
        eventually(page, lambda: self.events() == ["Visited a Page"])
        page.evaluate("baton.consent(false)")
        assert page.evaluate("localStorage.length") == 0

    def test_honors_global_privacy_control(self, source: Source, visit: Visit, site: Site, live_server: Any) -> None:
        page = visit(None, "/accounts/login/", own=True)
        page.context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
        page.goto(site(markup.tag_html(source), baton=live_server.url))
        eventually(page, lambda: bool(page.evaluate("Boolean(window.baton)")))
        page.evaluate("baton.track('Seen')")
        page.wait_for_timeout(700)
        assert page.evaluate("localStorage.length") == 0
        assert self.events() == []

    def test_gives_forms_their_mark_of_time(self, source: Source, visit: Visit, site: Site, live_server: Any) -> None:
        form = source.forms.get()
        WebForm.objects.update(min_seconds=1)
        Source.objects.update(origins=[site.origin])  # type: ignore[attr-defined]
        page = visit(None, site(markup.form_html(form) + markup.tag_html(source), baton=live_server.url))
        page.locator("[name=_token]").wait_for(state="attached")
        page.get_by_label("Work e-mail").fill("iris@globex.example")
        page.wait_for_timeout(2_100)
        page.get_by_role("button", name="Send").click()
        page.wait_for_url("**/thanks/")
        assert Lead.objects.get().email == "iris@globex.example"
