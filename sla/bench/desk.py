"""What reps and managers wait for: inbox, lead page and board over HTTP, beside the same statements alone."""

from __future__ import annotations

import gzip
import http.client
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import import_module
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from leads.models import Activity, Lead, Role, Source, User
from scoring.models import EpisodeMember
from sla.bench import family, floor, people
from sla.bench.copies import trust
from sla.models import Handoff, Rep

REPS: Final = 200
TEAMS: Final = 8
OPEN: Final = 200_000
SPREAD: Final = "36 hours"
TIMES: Final = 60
BACKEND: Final = "django.contrib.auth.backends.ModelBackend"
PART: Final = {"HX-Request": "true"}


@dataclass(frozen=True)
class Page:
    """What is asked, by whom: each time at another address, where there are several."""

    name: str
    who: User
    paths: Sequence[str]
    is_part: bool = False


@dataclass(frozen=True)
class Waited:
    """Seconds to the last byte over HTTP, bytes over the wire, and the statements alone."""

    name: str
    p50: float
    p95: float
    wire: int
    queries: tuple[int, int]
    bare: float

    def __str__(self) -> str:
        """One line of the report."""
        fewest, most = self.queries
        asked = str(most) if fewest == most else f"{fewest} to {most}"
        return (
            f"  {self.name:<28} p50 {self.p50 * 1000:>6.1f} ms   p95 {self.p95 * 1000:>6.1f} ms   "
            f"{self.wire / 1000:>6.1f} kB   {asked:>8} queries, bare {self.bare * 1000:>6.1f} ms"
        )


@dataclass(frozen=True)
class Desk:
    """All of one run."""

    leads: int
    activities: int
    open: int
    pages: list[Waited]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> Iterator[str]:
        """The page."""
        yield (
            f"Pages, with {self.leads:,} leads, {self.activities:,} activities, {self.open:,} open hand-offs of {REPS} "
            f"reps; {TIMES} requests each, one after another"
        )
        yield from (str(each) for each in self.pages)
        yield "  bare: the same statements alone, over one connection, all their rows fetched"


def fill(leads: int, *, now: datetime, say: Callable[[str], None]) -> int:
    """Beside the demo company: so many leads, and the open matters of the demo multiplied among them.

    Returns the number of activities of all.
    """
    models = _models()
    floor.hire(REPS, teams=TEAMS, now=now)
    say(f"Making {leads:,} leads with {people.ACTIVITIES_EACH} activities each ...")
    newest = Lead.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    people.populate(leads, source=Source.objects.get(), now=now)
    wanted = min(OPEN, leads // 5)
    say(f"Offering {wanted:,} of them ...")
    with transaction.atomic():
        trust()
        query = f"SELECT id FROM leads_lead WHERE id > {int(newest)} ORDER BY id LIMIT {wanted}"  # noqa: S608 (numbers)
        seats = family.seat(query, REPS, spread=SPREAD)
        bounds = [seats * number // len(models) for number in range(len(models) + 1)]
        for number, model in enumerate(models):
            family.multiply(model, range(bounds[number], bounds[number + 1]))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return Activity.objects.count()


def _models() -> list[Handoff]:
    """The open matters of the demo with one lead each, in their own team."""
    joined = EpisodeMember.objects.filter(episode=OuterRef("episode"), left_at=None).exclude(
        lead=OuterRef("episode__lead")
    )
    alone = Handoff.objects.open().exclude(lane="signal").exclude(Exists(joined))
    within = alone.filter(user__memberships__team=F("team")).select_related("episode__lead")
    return list(within.order_by("pk"))


def measure(leads: int, activities: int, *, url: str) -> Desk:
    """Ask the web process at this address for each page, many times."""
    waited = [_wait(page, url) for page in _pages()]
    return Desk(leads, activities, Handoff.objects.open().count(), waited)


def _pages() -> Iterator[Page]:
    reps = list(Rep.objects.order_by("-pk").select_related("user")[:4])
    manager = User.objects.filter(groups__name=Role.MANAGER).order_by("pk")[0]
    admin = User.objects.filter(groups__name=Role.ADMIN).order_by("pk")[0]
    rep = reps[0].user
    inbox, board = reverse("inbox"), reverse("board")
    held = Lead.objects.filter(holder=rep).order_by("pk").values_list("public_id", flat=True)[:TIMES]
    yield Page("inbox, to decide", rep, [inbox])
    yield Page("inbox, to follow up", rep, [f"{inbox}?tab=follow"])
    yield Page("inbox, what is new", rep, [f"{reverse('inbox-arrivals')}?tab=decide"], is_part=True)
    for name, part in (("lead", "page"), ("lead-promise", "the promise"), ("lead-why", "why"), ("lead-story", "story")):
        paths = [reverse(name, args=[each]) for each in held]
        yield Page(f"lead, {part}", rep, paths, is_part=name != "lead")
    find = reverse("leads")
    yield Page("find, the newest", admin, [find])
    yield Page("find, by a word", rep, [f"{find}?q=oscar"])
    yield Page("board of two teams", manager, [board])
    yield Page("board of all teams", admin, [board])
    yield Page("board of all teams, again", admin, [reverse("board-fresh")], is_part=True)


def _wait(page: Page, url: str) -> Waited:
    where = urlsplit(url)
    line = http.client.HTTPConnection(where.hostname or "", where.port, timeout=60)
    headers = {"Cookie": f"{settings.SESSION_COOKIE_NAME}={_session(page.who)}", "Accept-Encoding": "gzip"}
    headers |= PART if page.is_part else {}
    took, wire = [], 0
    for number in range(TIMES + 3):
        path = page.paths[number % len(page.paths)]
        began = time.perf_counter()
        line.request("GET", path, headers=headers)
        answer = line.getresponse()
        body = answer.read()
        took.append(time.perf_counter() - began)
        wire = max(wire, len(body))
        if answer.status != 200:
            raise RuntimeError(f"{page.name}: {path} answered {answer.status}.")
        if answer.getheader("Content-Encoding") == "gzip":
            gzip.decompress(body)
    line.close()
    # The first ones find each process of the server with nothing at hand.
    took = sorted(took[3:])
    asked = [_statements(page, path) for path in (page.paths[0], page.paths[-1])]
    counts = sorted(len(each) for each in asked)
    return Waited(
        page.name,
        took[len(took) // 2],
        took[-(-len(took) * 95 // 100) - 1],
        wire,
        (counts[0], counts[-1]),
        _bare(asked[0]),
    )


def _session(user: User) -> str:
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = BACKEND
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def _statements(page: Page, path: str) -> list[str]:
    """What the page asks the database, in this process; the second time, for a first one fills caches."""
    client = Client(headers=PART if page.is_part else {})
    client.force_login(page.who, backend=BACKEND)
    client.get(path, SERVER_NAME="localhost")
    with CaptureQueriesContext(connection) as asked:
        answer = client.get(path, SERVER_NAME="localhost")
    if answer.status_code != 200:
        raise RuntimeError(f"{page.name}: {path} answered {answer.status_code}.")
    return [each["sql"] for each in asked.captured_queries if each["sql"].startswith("SELECT")]


def _bare(statements: Sequence[str]) -> float:
    """The best of five times that these statements take, without a page around them."""
    best = float("inf")
    with connection.cursor() as cursor:
        for _ in range(5):
            began = time.perf_counter()
            for statement in statements:
                cursor.execute(statement)
                cursor.fetchall()
            best = min(best, time.perf_counter() - began)
    return best
