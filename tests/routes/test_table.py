"""Every route, every method, every role, every relation: the answer is the one in the table."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from leads import clock
from tests.leads.sending import basic, call
from tests.routes import printing, world
from tests.routes.answers import ANONYMOUS, Row
from tests.routes.asking import Asker
from tests.routes.table import TABLE
from tests.routes.walking import filled, routes

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(900)]

ROWS = list(chain.from_iterable(TABLE.values()))
NOT_OURS = ("/admin/", "/accounts/")  # what Django's and allauth's views take; what they do stands in the table
WELCOMES = ("/join/<token>/",)  # a stranger with a good link is signed in
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# All that a cell stands for is asked at once; where one status stands for several relations, the farthest is asked.
EVERY_CELL = os.environ.get("BATON_THOROUGH") == "1"
HALVES = {"pages": [row for row in ROWS if not row.is_api], "programs": [row for row in ROWS if row.is_api]}


@pytest.fixture(scope="module")
def asker(django_db_setup: None, django_db_blocker: Any) -> Iterator[Asker]:
    """One of everything for all of these tests, at one moment that does not pass; no request leaves a trace in it."""
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch, transaction.atomic():
        now = clock.now()
        made = world.build(now)
        patch.setattr(clock, "now", lambda: now)
        yield Asker(made)
        transaction.set_rollback(True)


class TestTheTable:
    def test_has_a_row_for_every_route_and_no_other(self) -> None:
        known, real = {row.path for row in ROWS}, {route.path for route in routes()}
        new, gone = sorted(real - known), sorted(known - real)
        assert not new, f"Nobody has said who may open {', '.join(new)}: add rows to tests/routes/table.py."
        assert not gone, f"There is no such route any more: {', '.join(gone)}. Take its rows out of the table."

    def test_says_each_thing_once(self) -> None:
        keys = [(row.method, row.path) for row in ROWS]
        assert len(keys) == len(set(keys)), sorted({key for key in keys if keys.count(key) > 1})

    @pytest.mark.parametrize("half", sorted(HALVES))
    def test_is_what_is_answered(self, half: str, asker: Asker) -> None:
        wrong = [told for row in HALVES[half] for told in _wrong(row, asker)]
        assert not wrong, "\n".join(wrong)

    def test_holds_for_a_leg_that_closes(self, asker: Asker) -> None:
        """What is said of a lead on offer holds for one that somebody has converted, and whom another is to close."""
        rows = [row for row in ROWS if row.thing == "offered" and "/handoffs/" in row.path]
        assert len(rows) > 7
        wrong = []
        for row in rows:
            no = {"reason": "not_ready"} if row.path.endswith("/reject/") else row.body
            wrong += _wrong(replace(row, thing="closing", body=no), asker)
        assert not wrong, "\n".join(wrong)

    def test_is_printed_for_people(self) -> None:
        if os.environ.get("BATON_PRINT") == "1":
            printing.PATH.write_text(printing.printed())
        told = "docs/permissions.md is not what the table says: BATON_PRINT=1 prints it anew."
        assert printing.PATH.read_text() == printing.printed(), told


class TestDoors:
    def test_know_no_other_methods(self, asker: Asker) -> None:
        """Asked by an admin, who may most; a method that does something needs a row."""
        said = {(row.method, row.path) for row in ROWS}
        wrong = []
        for row in {row.path: row for row in ROWS}.values():
            relation = next(iter(asker.world.things[row.thing]))
            for method in METHODS:
                if (method, row.path) not in said and not row.path.startswith(NOT_OURS):
                    got = asker.ask(row, "admin", relation, method=method).status_code
                    if got != 405:
                        wrong.append(f"{method} {row.path} answers {got}, and has no row: add one, or refuse it (405).")
        assert not wrong, "\n".join(wrong)

    @pytest.mark.parametrize("kind", ["revoked", "of somebody gone", "write", "browser"])
    def test_of_the_api_know_no_other_keys(self, kind: str, asker: Asker) -> None:
        for row in HALVES["programs"]:
            thing = next(iter(asker.world.things[row.thing].values()))
            path = filled(row.path, thing.kwargs)
            answer = asker.send(row.method, path, ANONYMOUS, key=asker.world.keys[kind])
            assert answer.status_code == 401, f"{row.method} {row.path}"

    def test_of_pages_know_no_keys(self, asker: Asker) -> None:
        for row in HALVES["pages"]:
            if row.method == "GET" and row.answers.of(ANONYMOUS) == 302:
                thing = next(iter(asker.world.things[row.thing].values()))
                path = filled(row.path, thing.kwargs)
                assert asker.send("GET", path, ANONYMOUS, key=asker.world.keys["admin"]).status_code == 302, row.path

    def test_for_events_know_write_keys_only(self, asker: Asker) -> None:
        event = call("track", userId="eve", event="Visited Pricing Page")
        for kind, status in {"write": 200, "browser": 200, "admin": 401, "revoked": 401}.items():
            sent = {"content_type": "application/json", **basic(asker.world.keys[kind])}
            assert Client().post("/v1/track", event, **sent).status_code == status, kind  # type: ignore[arg-type]


def _wrong(row: Row, asker: Asker) -> list[str]:
    """Which answers of one row are not the table's."""
    told = []
    for viewer, relation, expected in row.cells(asker.world.things[row.thing], every=EVERY_CELL):
        answer = asker.ask(row, viewer, relation)
        whose = f" ({relation})" if relation != world.ANY else ""
        if answer.status_code != expected:
            body = answer.content[:200].decode(errors="replace") if answer.status_code >= 400 else ""
            said = f"{row.method} {row.path} for {viewer}{whose}: {answer.status_code}, the table says {expected}."
            told.append(f"{said} {body}".strip())
        elif (
            viewer == ANONYMOUS and expected == 302 and "/login/" not in answer["Location"] and row.path not in WELCOMES
        ):
            told.append(f"{row.method} {row.path} leads a stranger to {answer['Location']}, not to the log-in.")
    return told
