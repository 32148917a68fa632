"""Absences out of calendars elsewhere: read from a real server, kept in step, the last good state kept."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client

from leads.errors import Invalid
from leads.models import Role
from sla.models import Absence, AbsenceChange, CalendarFeed
from sla.people import absences, beginning, feeds, fetching, ical, keeping
from sla.people.ical import Busy
from tests.desk import Company, company, person
from tests.sla import calendar_files as files

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}:00+00:00")


SINCE, UNTIL = at("03-08T00:00"), at("06-08T00:00")


def read(raw: bytes, takes: str = "busy", person: str = "", zone: str = "UTC") -> list[tuple[datetime, datetime]]:
    busy, _ = ical.read(raw, since=SINCE, until=UNTIL, zone=zone, person=person, takes=takes)
    return [(each.start, each.end) for each in busy]


class TestRead:
    def test_days_are_those_of_the_calendars_zone_and_overlaps_are_one(self) -> None:
        assert read(files.GOOGLE, person="ben@halyard.example") == [
            (at("03-11T13:00"), at("03-11T15:00")),
            (at("03-16T04:00"), at("03-21T04:00")),
        ]

    def test_out_of_office_is_what_blocks_whole_days_or_says_so(self) -> None:
        assert read(files.GOOGLE, "out") == [
            (at("03-11T13:30"), at("03-11T15:00")),
            (at("03-16T04:00"), at("03-21T04:00")),
        ]
        assert len(read(files.OUTLOOK, "out")) == 3

    def test_zones_of_windows_and_daylight_saving(self) -> None:
        assert read(files.OUTLOOK) == [
            (at("03-26T13:00"), at("03-26T14:00")),
            (at("03-27T08:00"), at("03-27T11:00")),
            (at("03-29T07:00"), at("03-29T10:00")),
            (at("03-30T07:00"), at("03-30T10:00")),
        ]

    def test_moved_occurrences_durations_and_times_without_a_zone(self) -> None:
        assert read(files.APPLE, zone="Europe/Berlin") == [
            (at("03-09T09:00"), at("03-09T10:30")),
            (at("03-12T07:00"), at("03-12T08:00")),
            (at("03-17T15:00"), at("03-17T16:00")),
            (at("03-23T09:00"), at("03-23T10:30")),
        ]

    def test_hours_without_events_are_busy_or_out_by_their_word(self) -> None:
        out = (at("03-13T00:00"), at("03-14T00:00"))
        assert read(files.FREE_AND_BUSY, "out") == [out]
        assert read(files.FREE_AND_BUSY) == [
            (at("03-11T13:00"), at("03-11T15:00")),
            out,
            (at("03-16T09:00"), at("03-16T10:00")),
        ]

    def test_too_many_hours_are_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ical, "MOST_EVENTS", 3)
        with pytest.raises(ical.Unreadable, match="more than 3 entries"):
            read(files.FREE_AND_BUSY)

    def test_passes_over_what_repeats_without_measure(self) -> None:
        busy, passed = ical.read(files.BOMBS, since=SINCE, until=UNTIL, zone="UTC")
        assert ([each.title for each in busy], passed) == (["Real"], 4)

    def test_too_many_are_refused(self) -> None:
        many = [
            files.event("DTSTART:20260309T090000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY", uid=str(n)) for n in range(80)
        ]
        with pytest.raises(ical.Unreadable, match="more than 5,000 events"):
            read(files.calendar(*many))

    @pytest.mark.parametrize("raw", [b"", b"<html>log in</html>", b"\x00\xff\xfe", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n"])
    def test_what_is_no_calendar_says_so(self, raw: bytes) -> None:
        with pytest.raises(ical.Unreadable):
            read(raw)


class Server:
    """A server of calendars, told what to answer."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, bytes, dict[str, str]]] = []
        self.asked: list[dict[str, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append({name.lower(): value for name, value in self.headers.items()})
                status, body, headers = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}/private-x/basic.ics"

    def says(self, *answers: tuple[int, bytes, dict[str, str]]) -> None:
        self.answers = list(answers)


@pytest.fixture
def server(settings: Any) -> Iterator[Server]:
    settings.WEBHOOKS_MAY_REACH = (ipaddress.ip_network("127.0.0.0/8"),)
    made = Server()
    yield made
    made.http.shutdown()
    made.http.server_close()
    made.thread.join()


@pytest.fixture
def now() -> datetime:
    return at("03-10T12:00")


@pytest.fixture
def house(now: datetime, db: None) -> Company:
    return company(now)


@pytest.fixture
def feed(house: Company, server: Server, now: datetime) -> CalendarFeed:
    return feeds.give(house.ben.pk, address=server.url, takes="busy", keeps_titles=False, now=now, by=house.ben.user)


def told(house: Company) -> list[tuple[datetime, datetime]]:
    return list(Absence.objects.filter(rep=house.ben).order_by("starts_at").values_list("starts_at", "ends_at"))


def busy(*spans: tuple[datetime, datetime]) -> list[Busy]:
    return [Busy(start, end, "Secret") for start, end in spans]


@pytest.mark.django_db
class TestReadDue:
    def test_brings_absences_without_their_titles(
        self, house: Company, feed: CalendarFeed, server: Server, now: datetime
    ) -> None:
        server.says((200, files.GOOGLE, {"ETag": '"1"'}))
        assert fetching.read_due(lambda: now) == 1
        assert told(house)[1] == (at("03-13T09:00"), at("03-13T10:00"))
        assert set(Absence.objects.values_list("why", flat=True)) == {"Busy, by their calendar"}
        feed.refresh_from_db()
        assert (feed.read_at, feed.etag, feed.next_at, feed.stretches) == (now, '"1"', now + feeds.EVERY, 3)
        assert fetching.read_due(lambda: now) == 0

    def test_asks_whether_it_changed_and_for_the_whole_twice_a_day(
        self, house: Company, feed: CalendarFeed, server: Server, now: datetime
    ) -> None:
        server.says(
            (200, files.GOOGLE, {"ETag": '"1"', "Last-Modified": "Tue, 10 Mar 2026 11:00:00 GMT"}), (304, b"", {})
        )
        fetching.read_due(lambda: now)
        before = told(house)
        fetching.read_due(lambda: now + HOUR)
        assert server.asked[1]["if-none-match"] == '"1"'
        assert server.asked[1]["if-modified-since"] == "Tue, 10 Mar 2026 11:00:00 GMT"
        assert told(house) == before
        server.says((200, files.GOOGLE, {}))
        fetching.read_due(lambda: now + 13 * HOUR)
        assert "if-none-match" not in server.asked[2]

    @pytest.mark.parametrize(
        ("answer", "why"),
        [
            ((404, b"", {}), "404: the address is no longer good"),
            ((500, b"", {}), "answers 500"),
            ((200, b"<html>Log in</html>", {}), "no calendar"),
            ((200, b"x" * (fetching.MOST_BYTES + 1), {}), "larger than 5 MB"),
            ((302, b"", {"Location": "/again"}), "without end"),
            ((302, b"", {"Location": "http://10.0.0.1/x.ics"}), "private network"),
        ],
    )
    def test_keeps_the_last_good_state_where_it_fails(
        self,
        house: Company,
        feed: CalendarFeed,
        server: Server,
        now: datetime,
        answer: tuple[int, bytes, dict[str, str]],
        why: str,
    ) -> None:
        server.says((200, files.GOOGLE, {}))
        fetching.read_due(lambda: now)
        before = told(house)
        server.says(answer)
        for later in (HOUR, 2 * HOUR):
            fetching.read_due(lambda later=later: now + later)
        feed.refresh_from_db()
        assert (feed.failing_since, feed.failures, feed.read_at) == (now + HOUR, 2, now)
        assert why in feed.failed_why
        assert feed.next_at == now + 2 * HOUR + 2 * feeds.EVERY
        assert told(house) == before
        server.says((200, files.GOOGLE, {}))
        fetching.read_due(lambda: now + 3 * HOUR)
        feed.refresh_from_db()
        assert (feed.failing_since, feed.failures, feed.failed_why) == (None, 0, "")

    def test_ends_a_reading_that_takes_too_long(
        self, house: Company, feed: CalendarFeed, server: Server, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(fetching, "READS_FOR", 0.01)
        server.says((200, files.GOOGLE, {}))
        fetching.read_due(lambda: now)
        feed.refresh_from_db()
        assert "takes too long" in feed.failed_why


@pytest.mark.django_db
class TestSync:
    def test_again_changes_nothing(self, house: Company, feed: CalendarFeed, now: datetime) -> None:
        spans = busy((now + DAY, now + 2 * DAY), (now - HOUR, now + HOUR))
        assert feeds.sync(feed.pk, spans, now=now) == 2
        rows = set(Absence.objects.values_list("pk", flat=True))
        assert feeds.sync(feed.pk, spans, now=now + MINUTE) == 0
        assert set(Absence.objects.values_list("pk", flat=True)) == rows

    def test_removed_ones_go_and_begun_ones_end(self, house: Company, feed: CalendarFeed, now: datetime) -> None:
        feeds.sync(feed.pk, busy((now - HOUR, now + HOUR), (now + DAY, now + 2 * DAY)), now=now)
        begun = Absence.objects.get(starts_at=now - HOUR)
        beginning.begin(begun.pk, now=now)
        assert feeds.sync(feed.pk, [], now=now + MINUTE) == 2
        assert told(house) == [(now - HOUR, now + MINUTE)]
        what = AbsenceChange.objects.filter(absence=begun.public_id).values_list("what", flat=True)
        assert list(what) == ["added", "begun", "changed"]

    def test_a_begun_one_goes_on_over_what_was_ahead(self, house: Company, feed: CalendarFeed, now: datetime) -> None:
        feeds.sync(feed.pk, busy((now - HOUR, now + HOUR), (now + 2 * HOUR, now + 3 * HOUR)), now=now)
        feeds.sync(feed.pk, busy((now - 2 * HOUR, now + 4 * HOUR)), now=now)
        assert (now - HOUR, now + 4 * HOUR) in told(house)
        assert max(end for _, end in told(house)) == now + 4 * HOUR

    def test_what_was_told_by_hand_has_precedence(self, house: Company, feed: CalendarFeed, now: datetime) -> None:
        absences.add(house.ben.pk, starts_at=now + DAY, ends_at=now + 2 * DAY, now=now, by=None)
        feeds.sync(feed.pk, busy((now + 0.5 * DAY, now + 3 * DAY)), now=now)
        assert told(house) == [
            (now + 0.5 * DAY, now + DAY),
            (now + DAY, now + 2 * DAY),
            (now + 2 * DAY, now + 3 * DAY),
        ]

    def test_what_is_ahead_gives_way_to_what_is_told_by_hand(
        self, house: Company, feed: CalendarFeed, now: datetime
    ) -> None:
        feeds.sync(feed.pk, busy((now + DAY, now + DAY + HOUR)), now=now)
        absences.add(house.ben.pk, starts_at=now + DAY, ends_at=now + 2 * DAY, now=now, by=None)
        assert told(house) == [(now + DAY, now + 2 * DAY)]
        feed.refresh_from_db()
        assert feed.next_at == now

    def test_is_changed_in_the_calendar_only(self, house: Company, feed: CalendarFeed, now: datetime) -> None:
        feeds.sync(feed.pk, busy((now + DAY, now + 2 * DAY)), now=now)
        with pytest.raises(absences.IsHistory, match="Change it there"):
            absences.cancel(Absence.objects.get().pk, now=now, by=None)

    def test_forgetting_takes_what_was_ahead(self, house: Company, feed: CalendarFeed, now: datetime) -> None:
        feeds.sync(feed.pk, busy((now - HOUR, now + HOUR), (now + DAY, now + 2 * DAY)), now=now)
        with pytest.raises(keeping.NotYourRep):
            feeds.forget(house.ben.pk, now=now, by=house.ada.user)
        feeds.forget(house.ben.pk, now=now, by=house.ben.user)
        assert told(house) == [(now - HOUR, now)]
        with pytest.raises(feeds.NoFeed):
            feeds.forget(house.ben.pk, now=now, by=house.ben.user)

    def test_titles_are_kept_where_asked(self, house: Company, feed: CalendarFeed, now: datetime) -> None:
        CalendarFeed.objects.update(keeps_titles=True)
        feeds.sync(feed.pk, busy((now + DAY, now + 2 * DAY)), now=now)
        assert Absence.objects.get().why == "Secret"


@pytest.mark.django_db
class TestPage:
    def test_a_rep_gives_their_own_and_stops_it(self, house: Company, server: Server) -> None:
        client = Client()
        client.force_login(house.ben.user)
        page = f"/away/{house.ben.user.public_id}/calendar/"
        assert client.post(page, {"address": server.url, "takes": "busy"}).url == "/away/"
        assert "private-x" not in client.get("/away/").content.decode()
        assert client.post(page, {"address": "", "takes": "out"}).status_code == 302
        feed = CalendarFeed.objects.get(rep=house.ben)
        assert (feed.address, feed.takes) == (server.url, "out")
        assert client.post(f"{page}forget/").status_code == 302
        assert not CalendarFeed.objects.exists()

    @pytest.mark.parametrize(
        "address", ["", "ftp://x.example/a.ics", "http://10.0.0.7/a.ics", "https://[::1]/a.ics", "webcal://127.0.0.1/x"]
    )
    def test_refuses_what_leads_inside(self, house: Company, settings: Any, address: str) -> None:
        settings.WEBHOOKS_MAY_REACH = ()
        client = Client()
        client.force_login(house.ben.user)
        response = client.post(f"/away/{house.ben.user.public_id}/calendar/", {"address": address, "takes": "busy"})
        assert response.status_code == 422
        assert not CalendarFeed.objects.exists()

    def test_names_the_calendar(self, settings: Any) -> None:
        settings.WEBHOOKS_MAY_REACH = ()
        with pytest.raises(Invalid, match="The calendar's address 127.0.0.1 leads into a private network"):
            fetching.check("https://127.0.0.1/x.ics")

    def test_nobody_else_finds_it(self, house: Company) -> None:
        for stranger in (house.ada.user, person(Role.MANAGER, "Olga Other")):
            client = Client()
            client.force_login(stranger)
            page = f"/away/{house.ben.user.public_id}/calendar/"
            assert client.post(page, {"address": "https://x.example/"}).status_code == 404
            assert client.post(f"{page}forget/").status_code == 404
