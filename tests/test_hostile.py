"""Hostile input at the doors for programs and people: a clear no or stored inert, never a 500, never markup that lives.

What the tracking doors are sent stands in `tests/leads/test_tracking_doors.py`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from leads import clock
from leads.delivering import words
from leads.keys import digest, new_key
from leads.models import ApiKey, Identity, Lead, Notification, Role, User
from leads.sources import create_source
from scoring.assessment import assess
from sla import routing
from sla.models import Handoff, State, Touch
from tests.desk import Company, company, person
from tests.founding import founded
from tests.leads.sending import basic, call
from tests.thorough import THOROUGH

pytestmark = pytest.mark.django_db

VERDICTS = ("accept", "reject", "convert", "return", "touch")
DEEP = 100_000


@pytest.fixture(scope="module")
def standing(django_db_setup: None, django_db_blocker: Any) -> Iterator[Callable[[], tuple[Company, Handoff]]]:
    with founded(django_db_blocker, _offered) as again:
        yield again


@pytest.fixture
def house(standing: Callable[[], tuple[Company, Handoff]]) -> Company:
    return standing()[0]


@pytest.fixture
def handoff(standing: Callable[[], tuple[Company, Handoff]]) -> Handoff:
    return standing()[1]


def _offered() -> tuple[Company, Handoff]:
    """A company, and a lead on offer in it."""
    house, now = company(clock.now() - timedelta(days=1)), clock.now()
    lead = house.lead(now=now)
    Identity.objects.create(kind="email", value=lead.email, lead=lead, bound_at=now)
    made = routing.route(house.episode(lead, now=now).pk, now=now)
    assert made is not None
    return house, made


@pytest.fixture
def program(handoff: Handoff) -> APIClient:
    """A program with the rep's key; an error inside is answered, as it would be in earnest."""
    key = new_key("ak")
    ApiKey.objects.create(user=handoff.user, name="test", prefix=key[:8], key_hash=digest(key))
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    return client


@pytest.fixture
def signed(handoff: Handoff) -> Client:
    """The rep, signed in."""
    client = Client(raise_request_exception=False)
    client.force_login(handoff.user)
    return client


def doors(handoff: Handoff) -> list[str]:
    """Where programs may post."""
    return ["/api/v1/touches/", *(f"/api/v1/handoffs/{handoff.public_id}/{verdict}/" for verdict in VERDICTS)]


UNREADABLE = {
    "nothing but a bracket": b"{",
    "bytes that are no text": b'{"note": "\xff\xfe"}',
    "NUL": b'{"note": "a\\u0000b"}',
    "NUL in a key": b'{"a\\u0000b": 1}',
    "half a character": b'{"note": "\\ud800"}',
    "NaN": b'{"version": NaN}',
    "infinity": b'{"version": -Infinity}',
    "a number beyond all bounds": b'{"version": 1e999}',
    "5,000 digits": b'{"version": ' + b"9" * 5_000 + b"}",
    "4,000 digits": b'{"version": ' + b"9" * 4_000 + b"}",
    "lists without end": b"[" * DEEP,
    "lists deep in each other": b"[" * DEEP + b"]" * DEEP,
    "objects deep in each other": b'{"note":' * 40 + b"1" + b"}" * 40,
}
WRONG = ("null", "[]", "1", '"x"', "true", '[{"version": 1}]', '{"version": {}}', '{"version": "x"}', '{"version": []}')
# For one door each: what does not fit it.
UNFIT: list[tuple[str, dict[str, Any]]] = [
    ("reject", {}),
    ("reject", {"reason": {"a": 1}}),
    ("reject", {"reason": ["student"]}),
    ("reject", {"reason": "'; DROP TABLE leads_lead; --"}),
    ("reject", {"reason": "student", "note": {"a": 1}}),
    ("reject", {"reason": "student", "note": "x" * 100_000}),
    ("return", {"reason": "timing", "named_date": "0001-01-01T00:00:00+14:00"}),
    ("return", {"reason": "timing", "named_date": "9999-12-31T23:59:59-14:00"}),
    ("return", {"reason": "timing", "named_date": "tomorrow"}),
    ("return", {"reason": "timing", "named_date": [1]}),
    ("convert", {"bant": []}),
    ("convert", {"bant": {"need": {"a": 1}}}),
    ("convert", {"bant": {"__class__": "x"}}),
    ("convert", {"bant": {"need": "x" * 100_000}}),
    ("touch", {"means": 5, "outcome": "reached"}),
    ("touch", {"means": {}, "outcome": []}),
    ("touch", {"means": "call", "outcome": "reached", "occurred_at": "9999-12-31T23:59:59-14:00"}),
    ("touch", {"means": "call", "outcome": "reached", "occurred_at": "2999-01-01T00:00:00Z"}),
    ("touch", {"means": "call", "outcome": "reached", "occurred_at": 1e300}),
]


class TestTheApi:
    def refuse(self, client: APIClient, path: str, body: bytes | str, *, status: set[int]) -> None:
        answer = client.post(path, body, content_type="application/json")
        assert answer.status_code in status, (path, body[:80], answer.content[:300])
        assert answer["Content-Type"] == "application/problem+json"
        problem = answer.json()
        assert problem["status"] == answer.status_code
        assert problem["title"]
        assert problem["detail"]

    @pytest.mark.parametrize("what", sorted(UNREADABLE))
    def test_refuses_what_cannot_be_read(self, program: APIClient, handoff: Handoff, what: str) -> None:
        for path in doors(handoff):
            self.refuse(program, path, UNREADABLE[what], status={400})
        self.unmoved(handoff)

    def test_refuses_bodies_without_end(self, program: APIClient, handoff: Handoff) -> None:
        for path in doors(handoff):
            self.refuse(program, path, b'{"note": "' + b"x" * 1_000_000 + b'"}', status={413})
        self.unmoved(handoff)

    @pytest.mark.parametrize("body", WRONG)
    def test_refuses_what_is_of_another_kind(self, program: APIClient, handoff: Handoff, body: str) -> None:
        for path in doors(handoff):
            self.refuse(program, path, body, status={400})
        self.unmoved(handoff)

    @pytest.mark.parametrize(("verdict", "body"), UNFIT)
    def test_refuses_what_does_not_fit(
        self, program: APIClient, handoff: Handoff, verdict: str, body: dict[str, Any]
    ) -> None:
        path = f"/api/v1/handoffs/{handoff.public_id}/{verdict}/"
        self.refuse(program, path, json.dumps(body), status={400, 409, 422})
        self.unmoved(handoff)

    @pytest.mark.parametrize(
        "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-02T00:00:00Z"]
    )
    def test_takes_no_touch_from_the_ends_of_time(self, program: APIClient, handoff: Handoff, moment: str) -> None:
        body = {"means": "call", "outcome": "reached", "lead_email": handoff.episode.lead.email, "occurred_at": moment}
        answer = program.post("/api/v1/touches/", body, format="json")
        assert answer.status_code < 500, answer.content

    @pytest.mark.parametrize("external_id", ["", ":", "crm:", "crm", "a:" + "b" * 5_000, "crm:\ud83d\ude00"])
    def test_finds_nobody_by_nonsense(self, program: APIClient, handoff: Handoff, external_id: str) -> None:
        body = {"means": "call", "outcome": "reached", "lead_external_id": external_id}
        self.refuse(program, "/api/v1/touches/", json.dumps(body), status={400, 422})

    def test_refuses_other_kinds_of_bodies(self, program: APIClient, handoff: Handoff) -> None:
        for kind in ("application/x-www-form-urlencoded", "text/plain", "application/xml", "nonsense"):
            answer = program.post(doors(handoff)[1], b"note=x", content_type=kind)
            assert answer.status_code == 415, kind
        self.unmoved(handoff)

    @pytest.mark.parametrize("key", ["\x00", "x" * 201, "ÿ" * 100, "a\x00b"])
    def test_survives_keys_of_any_shape(self, program: APIClient, handoff: Handoff, key: str) -> None:
        body = {"reason": "no such reason"}
        answer = program.post(doors(handoff)[2], body, format="json", headers={"Idempotency-Key": key})
        assert 400 <= answer.status_code < 500, answer.content
        assert APIClient().get("/api/v1/leads/", headers={"Authorization": f"Bearer {key}"}).status_code == 401

    def test_keeps_what_is_only_strange(self, program: APIClient, handoff: Handoff) -> None:
        note = "<script>alert(1)</script> ' OR 1=1; -- \u202e \U0001f600 {{ 7*7 }} %s %(x)s"
        answer = program.post(
            doors(handoff)[2], {"reason": "bad_contact", "note": note, "who": ["else"]}, format="json"
        )
        assert answer.status_code == 200, answer.content
        assert answer.json()["note"] == note

    def unmoved(self, handoff: Handoff) -> None:
        handoff.refresh_from_db()
        assert (handoff.state, handoff.version) == (State.OFFERED, 1)
        assert not Touch.objects.exists()


def cursor(text: str) -> str:
    return quote(b64encode(text.encode()).decode())


HOSTILE_TEXTS = ["%00", "a%00b", "%FF%FE", "%ED%A0%80", "'%20OR%201=1--", "%25", "_", "x" * 4_000, "%F0%9F%98%80", "[]"]
CURSORS = [
    "garbage",
    "%00",
    *map(cursor, ("p=abc", "p=1'", "p=" + "9" * 40, "p=%00", "o=x", "o=-1", "o=" + "9" * 40, "")),
]
MOMENTS = ["tomorrow", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "2026-02-30", "1e9", "%00"]
LISTS = {
    "leads": ("email", "holder", "account_domain", "stage", "created_after", "created_before"),
    "activities": ("lead", "lead_email", "name", "occurred_after", "occurred_before"),
    "handoffs": ("lead", "lead_email", "rep", "state"),
    "touches": ("lead", "lead_email", "performed_by"),
    "definitions": ("kind", "unheard_of"),
}


class TestQueryStrings:
    @pytest.mark.parametrize("name", sorted(LISTS))
    def test_of_lists_never_break_them(self, program: APIClient, name: str) -> None:
        asked = [f"{field}={text}" for field in LISTS[name] for text in (*HOSTILE_TEXTS, *MOMENTS)]
        asked += [f"cursor={text}" for text in CURSORS]
        asked += [f"page_size={text}" for text in ("-1", "0", "x", "9" * 5_000, "%00", "1e3")]
        broken = {}
        for query in asked:
            answer = program.get(f"/api/v1/{name}/?{query}")
            if answer.status_code not in (200, 400, 404):
                broken[query[:60]] = answer.status_code
        assert broken == {}

    @pytest.mark.parametrize(
        ("path", "fields"),
        [
            ("/", ()),
            ("/inbox/", ("tab", "done", "row")),
            ("/inbox/arrivals/", ("since", "tab", "seen")),
            ("/timers/", ("seen", "handoff")),
            ("/leads/", ("q",)),
            ("/accounts/login/", ("next",)),
        ],
    )
    def test_of_pages_never_break_them(self, signed: Client, path: str, fields: tuple[str, ...]) -> None:
        never_breaks(signed, path, fields)

    def test_of_the_board_never_break_it(self, house: Company) -> None:
        client = Client(raise_request_exception=False)
        client.force_login(house.manager)
        never_breaks(client, "/board/", ("show", "team"))


def never_breaks(client: Client, path: str, fields: tuple[str, ...]) -> None:
    """Each field with each text, as a page or as a part of one by turns; as both with BATON_THOROUGH."""
    broken = {}
    ways = ({}, {"HX-Request": "true", "HX-Current-URL": "http://testserver/inbox/?tab=%00&tab=x"})
    texts = (*HOSTILE_TEXTS, *MOMENTS, "a:1", ":", "9:9")
    queries = ["", *(f"{field}={text}" for field in fields for text in texts)]
    for number, query in enumerate(queries):
        for headers in ways if THOROUGH or not query else (ways[number % 2],):
            answer = client.get(f"{path}?{query}", headers=headers)
            if answer.status_code >= 500:
                broken[query[:60]] = answer.status_code
    assert broken == {}


class TestForms:
    NOTES = ("a\0b", "\0", "x" * 1_000_000, "<script>alert(1)</script>")
    FORMS: dict[str, list[dict[str, str]]] = {
        "accept": [{"version": text} for text in ("x", "-1", "9" * 5_000, "\0", "٣", "1.0", "2")],
        "reject": [
            {},
            {"reason": "\0"},
            {"reason": "x" * 100_000},
            *({"reason": "bad_contact", "version": "7", "note": note} for note in NOTES),
            {"reason": "bad_contact", "note": NOTES[2]},
        ],
        "convert": [{"need": "\0"}, {"need": "x" * 100_000}, {"note": "a\0b"}],
        "return": [
            {"reason": "timing", "named_date": text}
            for text in (
                "",
                "\0",
                "tomorrow",
                "0001-01-01T00:00",
                "9999-12-31T23:59",
                "9999-12-31T23:59-14:00",
                "1" * 9_999,
            )
        ],
        "undo": [{}, {"version": "\0"}],
        "reopen": [{"why": "\0"}, {"why": "x" * 100_000}, {}],
    }

    @pytest.mark.parametrize("part", [False, True])
    @pytest.mark.parametrize("verdict", sorted(FORMS))
    def test_with_nonsense_move_nothing(self, signed: Client, handoff: Handoff, verdict: str, part: bool) -> None:
        path = reverse(f"handoff-{verdict}", args=[handoff.public_id])
        headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/inbox/"} if part else {}
        for fields in self.FORMS[verdict]:
            answer = signed.post(path, fields, headers=headers)
            assert answer.status_code in (404, 409, 422), (fields.keys(), answer.status_code, answer.content[:300])
        handoff.refresh_from_db()
        assert (handoff.state, handoff.version) == (State.OFFERED, 1)

    def test_of_touches_with_nonsense_record_nothing(self, signed: Client, handoff: Handoff) -> None:
        path = reverse("lead-touch", args=[handoff.episode.lead.public_id])
        good = {"means": "call", "outcome": "reached"}
        for fields in (
            {"means": "\0", "outcome": "reached"},
            {"means": "call"},
            {},
            good | {"note": "x" * 1_000_000},
            good | {"occurred_at": "9999-12-31T23:59"},
            good | {"occurred_at": "\0"},
        ):
            answer = signed.post(path, fields)
            assert answer.status_code in (409, 422), (fields.keys(), answer.status_code, answer.content[:300])
        assert not Touch.objects.exists()

    def test_of_a_manager_reopen_nothing_for_nonsense(self, signed: Client, house: Company, handoff: Handoff) -> None:
        path = reverse("handoff-reject", args=[handoff.public_id])
        signed.post(path, {"reason": "bad_contact", "note": "a\0b"})
        handoff.refresh_from_db()
        assert (handoff.state, handoff.note) == (State.REJECTED, "ab")
        signed.force_login(house.manager)
        path = reverse("handoff-reopen", args=[handoff.public_id])
        for why in ("", " ", "\0", "x" * 100_000, "x" * 1_000_000):
            answer = signed.post(path, {"why": why})
            assert answer.status_code in (409, 422), (why[:10], answer.status_code)

    def test_from_the_beginning_of_time_never_break(self, signed: Client, handoff: Handoff) -> None:
        path = reverse("lead-touch", args=[handoff.episode.lead.public_id])
        for moment in ("0001-01-01T00:00", "0001-01-01T00:00+14:00", "1900-01-01T00:00"):
            answer = signed.post(path, {"means": "call", "outcome": "reached", "occurred_at": moment})
            assert answer.status_code < 500, (moment, answer.content[:300])

    def test_too_large_are_refused(self, signed: Client, handoff: Handoff) -> None:
        path = reverse("handoff-reject", args=[handoff.public_id])
        assert signed.post(path, {"reason": "bad_contact", "note": "x" * 5_000_000}).status_code < 500
        many = "&".join(f"f{number}=1" for number in range(2_000))
        assert signed.post(path, many, content_type="application/x-www-form-urlencoded").status_code == 400
        handoff.refresh_from_db()
        assert handoff.state == State.OFFERED

    def test_of_preferences_lead_nowhere_else(self, signed: Client) -> None:
        for fields in (
            {"theme": "\0"},
            {"theme": "x" * 10_000},
            {"next": "//evil.example"},
            {"next": "javascript:alert(1)"},
        ):
            answer = signed.post(reverse("preferences"), fields)
            assert answer.status_code < 500, (fields.keys(), answer.content[:300])
            assert "evil" not in answer.headers.get("Location", "")
            assert "javascript" not in answer.headers.get("Location", "")

    def test_of_the_log_in_let_nobody_in(self, handoff: Handoff) -> None:
        client = Client(raise_request_exception=False)
        email = handoff.user.email
        for login, password in (
            ("\0", "\0"),
            (email, "a\0b"),
            ("x" * 100_000, "y" * 100_000),
            (f"{email}' OR '1'='1", "x"),
            (email + "\0", "x"),
            ("", ""),
            ("<script>alert(1)</script>@x.example", "x"),
        ):
            answer = client.post("/accounts/login/?next=//evil.example", {"login": login, "password": password})
            assert answer.status_code in (200, 400, 429), (login[:40], answer.status_code)
            assert b"<script>alert" not in answer.content
            assert "_auth_user_id" not in client.session

    def test_of_another_site_are_refused(self, handoff: Handoff) -> None:
        client = Client(raise_request_exception=False, enforce_csrf_checks=True)
        client.force_login(handoff.user)
        for token in ("", "x", "\0", "x" * 32, "é" * 64):
            path = reverse("handoff-accept", args=[handoff.public_id])
            assert client.post(path, {"csrfmiddlewaretoken": token}).status_code == 403


MARKUP = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 31|add:4906252 }}{% now %}",
    "javascript:alert(1)",
]


@pytest.fixture
def marked(client: Client, house: Company) -> Lead:
    """A lead whose every word is markup, from the door to the desk."""
    key = create_source("Backend", kind="server")[1]
    traits = {
        "firstName": MARKUP[0],
        "lastName": f"{MARKUP[1]} {MARKUP[2]}",
        "email": "eve@brightforge.example",
        "title": f"Director {MARKUP[0]}",
        "country": MARKUP[1],
        "phone": MARKUP[0],
        "website": MARKUP[3],
        "company": {"name": f"{MARKUP[1]} {MARKUP[0]}", "industry": MARKUP[0]},
        MARKUP[0]: MARKUP[1],
    }
    context = {"campaign": {"source": MARKUP[0], "name": MARKUP[1]}, "page": {"url": MARKUP[3], "referrer": MARKUP[0]}}
    calls = [call("identify", userId="eve", traits=traits, context=context)]
    for name in ("Started Free Trial", MARKUP[0], MARKUP[1]):
        calls.append(call("track", userId="eve", event=name, properties={MARKUP[1]: MARKUP[0]}, context=context))
    answer = client.post("/v1/batch", {"batch": calls}, content_type="application/json", **basic(key))  # type: ignore[arg-type]
    assert answer.json()["accepted"] == 4
    assess(now=clock.now())
    routing.route_waiting(clock.now)
    lead = Lead.objects.get(email="eve@brightforge.example")
    assert MARKUP[0] in lead.first_name
    assert lead.holder is not None
    return lead


def assert_inert(page: str, where: str) -> None:
    for living in ("<script>alert", "<img src=x", 'href="javascript:', "href='javascript:", "4906283"):
        assert living not in page, f"{living} lives on {where}"


class TestMarkup:
    def signed_in(self, user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    def test_stays_inert_on_the_pages_of_the_rep(self, marked: Lead) -> None:
        assert marked.holder is not None
        handoff = Handoff.objects.get(episode__lead=marked)
        client = self.signed_in(marked.holder)
        note = {"means": "call", "outcome": "no_answer", "note": MARKUP[0] + MARKUP[1]}
        assert_inert(
            client.post(reverse("lead-touch", args=[marked.public_id]), note, follow=True).content.decode(), "touch"
        )
        parts = ("lead", "lead-promise", "lead-story", "lead-why")
        paths = [reverse(name, args=[marked.public_id]) for name in parts]
        paths += ["/inbox/?tab=follow", "/inbox/", f"/leads/?q={quote(MARKUP[0])}", f"/inbox/?done={handoff.public_id}"]
        seen = ""
        for path in paths:
            for headers in ({}, {"HX-Request": "true", "HX-Current-URL": "http://testserver/inbox/"}):
                answer = client.get(path, headers=headers)
                assert answer.status_code == 200, path
                assert_inert(answer.content.decode(), path)
                seen += answer.content.decode()
        assert "&lt;script&gt;alert(1)" in seen

    def test_stays_inert_on_the_board(self, marked: Lead, house: Company) -> None:
        page = self.signed_in(house.manager).get("/board/").content.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert_inert(page, "the board")

    def test_stays_inert_in_mails(self, marked: Lead) -> None:
        mails = list(Notification.objects.filter(lead=marked))
        assert mails
        for mail in mails:
            letter = words.of(mail)
            assert_inert(letter.html, "a mail")
            assert "\n" not in letter.subject
            assert "javascript:" not in letter.html

    def test_stays_inert_on_every_list_of_the_admin(self, marked: Lead) -> None:
        boss = person(Role.ADMIN, "Sam Okafor")
        User.objects.filter(pk=boss.pk).update(is_staff=True, is_superuser=True)
        client = self.signed_in(User.objects.get(pk=boss.pk))
        assert admin.site._registry
        for model in admin.site._registry:
            listing = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            answer = client.get(listing)
            assert answer.status_code in (200, 302, 403), listing
            assert_inert(answer.content.decode(), listing)
            first = model._default_manager.first()
            if first is not None:
                form = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[first.pk])
                answer = client.get(form)
                assert answer.status_code in (200, 302, 403), form
                assert_inert(answer.content.decode(), form)

    def test_in_search_and_filters_of_the_admin_breaks_nothing(self, marked: Lead) -> None:
        boss = person(Role.ADMIN, "Sam Okafor")
        User.objects.filter(pk=boss.pk).update(is_staff=True, is_superuser=True)
        client = Client(raise_request_exception=False)
        client.force_login(User.objects.get(pk=boss.pk))
        broken = {}
        # What a search finds differs from list to list; how the rest is read does not, and is asked by turns.
        searches, rest = ["q=%00", f"q={quote(MARKUP[0])}"], ["p=x", "o=x.y.%00", "id__exact=%00", "nonsense=1", "e=1"]
        for turn, model in enumerate(admin.site._registry):
            listing = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            for query in searches + (rest if THOROUGH else [rest[turn % 5], rest[(turn + 2) % 5]]):
                answer = client.get(f"{listing}?{query}")
                if answer.status_code >= 500:
                    broken[f"{listing}?{query}"] = answer.status_code
                assert_inert(answer.content.decode(), listing)
        assert broken == {}


def test_every_unknown_address_is_a_plain_404(signed: Client) -> None:
    for path in ("/%00", "/leads/%00/", "/leads/../../etc/passwd", "/handoffs/1/accept/", "/<script>alert(1)</script>"):
        answer = signed.get(path)
        assert answer.status_code == 404, path
        assert b"<script>alert" not in answer.content
