"""Erasing: nothing personal stays, what is counted does, and the person does not come back by a late event."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from leads import erasing, merging, outbox
from leads.locks import LeadGone
from leads.models import (
    Activity,
    ActivityType,
    AnonymousActivity,
    AttributeChange,
    AwaitingAssessment,
    ErasedIdentity,
    ExternalId,
    Identity,
    Lead,
    Notification,
    Outcome,
    RefusedItem,
    Source,
    Stage,
    User,
)
from scoring.models import ClosedAs, Episode
from sla.models import State
from tests import desk

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
SECRETS = ("quillfeather", "Zebulon", "+49 555 0199", "anon-7f3")


@pytest.fixture
def source() -> Source:
    return Source.objects.create(name="Site", kind="server", write_key_hash="h")


@pytest.fixture
def person(now: datetime, source: Source) -> Lead:
    lead = Lead.objects.create(
        stage=Stage.NURTURE,
        stage_at=now - DAY,
        created_at=now - DAY,
        email="z@quillfeather.example",
        first_name="Zebulon",
        phone="+49 555 0199",
        traits={"nick": "Zebulon"},
        rest_until=now + DAY,
    )
    keys = (("email", "z@quillfeather.example"), ("user_id", "quillfeather-1"), ("anonymous_id", "anon-7f3"))
    for kind, value in keys:
        Identity.objects.create(kind=kind, value=value, lead=lead, bound_at=now)
    ExternalId.objects.create(system="crm", value="quillfeather-crm", lead=lead)
    AttributeChange.objects.create(lead=lead, attribute="first_name", value="Zebulon", known_at=now)
    kind = ActivityType.objects.create(name="Visited", first_seen_at=now)
    done: dict[str, Any] = {"type": kind, "occurred_at": now, "received_at": now, "source": source}
    done |= {"properties": {"name": "Zebulon"}, "context": {"page": {"url": "/?e=quillfeather"}}}
    Activity.objects.create(lead=lead, known_at=now, message_id="m", **done)
    AnonymousActivity.objects.create(anonymous_id="anon-7f3", message_id="n", **done)
    Outcome.objects.create(lead=lead, kind="won", at=now, recorded_at=now, via="api", amount=5, currency="USD")
    return lead


def refuse(source: Source, now: datetime, body: bytes) -> RefusedItem:
    return RefusedItem.objects.create(source=source, received_at=now, code="bad", sentence="Bad.", body=body)


def everything() -> str:
    """The text of every row of every table of ours."""
    found = []
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if model._meta.app_label in ("leads", "scoring", "sla"):
                cursor.execute(f'SELECT t::text FROM "{model._meta.db_table}" t')
                found += [row[0] for row in cursor.fetchall()]
    return "\n".join(found)


class TestErasing:
    def test_leaves_nothing_personal_in_any_table(self, person: Lead, now: datetime) -> None:
        rep = User.objects.create_user("rep@halyard.example", full_name="Rep")
        outbox.enqueue(
            "k:1",
            kind="new lead",
            recipient=rep,
            subject="Zebulon",
            text="Zebulon",
            html="Zebulon",
            lead=person,
            now=now,
        )
        assert all(secret in everything() for secret in SECRETS)

        erasing.erase(person.pk, now=now, by=rep)

        left = everything()
        assert [secret for secret in SECRETS if secret in left] == []

    def test_keeps_counts_and_times(self, person: Lead, now: datetime) -> None:
        erasing.erase(person.pk, now=now, by=None)
        activity = Activity.objects.get(lead=person)
        assert (activity.occurred_at, activity.properties, activity.context) == (now, {}, {})
        change = AttributeChange.objects.get(lead=person)
        assert (change.attribute, change.known_at, change.value) == ("first_name", now, None)
        assert Outcome.objects.get(lead=person).amount == 5
        lead = Lead.objects.get(pk=person.pk)
        assert (lead.erased_at, lead.stage, lead.name, lead.traits) == (now, Stage.NURTURE, f"Visitor {lead.pk}", {})
        assert lead.rest_until is None
        assert not AwaitingAssessment.objects.filter(lead=lead).exists()

    def test_remembers_its_keys_by_a_salted_hash(self, person: Lead, now: datetime) -> None:
        assert not erasing.is_erased("email", "z@quillfeather.example")
        erasing.erase(person.pk, now=now, by=None)
        assert ErasedIdentity.objects.count() == 3
        assert erasing.is_erased("email", "z@quillfeather.example")
        asked = [("user_id", "quillfeather-1"), ("email", "quillfeather-1"), ("anonymous_id", "else")]
        assert erasing.erased_among(asked) == {("user_id", "quillfeather-1")}
        assert erasing.erased_among([]) == set()

    def test_is_refused_a_second_time_and_for_the_unknown(self, person: Lead, now: datetime) -> None:
        erasing.erase(person.pk, now=now, by=None)
        for lead_id in (person.pk, 987654321):
            with pytest.raises(LeadGone):
                erasing.erase(lead_id, now=now, by=None)

    @pytest.mark.parametrize("named", ["winner", "tombstone"])
    def test_takes_the_tombstones_with_it(self, named: str, person: Lead, now: datetime) -> None:
        other = Lead.objects.create(stage_at=now, created_at=now - 9 * DAY, first_name="Zeb", last_name="Quill")
        Identity.objects.create(kind="user_id", value="other", lead=other, bound_at=now)
        AttributeChange.objects.create(lead=other, attribute="last_name", value="Quill", known_at=now)
        winner = merging.merge(person.pk, other.pk, now=now)
        assert winner.pk == other.pk
        erasing.erase(other.pk if named == "winner" else person.pk, now=now, by=None)
        left = everything()
        assert [secret for secret in (*SECRETS, "Quill") if secret in left] == []
        assert set(Lead.objects.values_list("erased_at", flat=True)) == {now}


class TestMessages:
    @pytest.mark.parametrize(
        ("state", "becomes"),
        [("queued", "cancelled"), ("sending", "unknown"), ("sent", "sent"), ("dead", "dead")],
    )
    def test_lose_their_words_and_what_has_not_left_is_cancelled(
        self, state: str, becomes: str, person: Lead, now: datetime
    ) -> None:
        rep = User.objects.create_user("rep@halyard.example", full_name="Rep")
        outbox.enqueue("k:1", kind="new lead", recipient=rep, subject="S", text="T", html="H", lead=person, now=now)
        settled = now if state in ("sent", "dead") else None
        Notification.objects.update(state=state, settled_at=settled)
        erasing.erase(person.pk, now=now, by=None)
        message = Notification.objects.get()
        assert (message.state, message.subject, message.text, message.html, message.to_address) == (
            becomes,
            "",
            "",
            "",
            "",
        )

    def test_that_are_yet_to_be_written_lose_what_they_would_say(self, person: Lead, now: datetime) -> None:
        rep = User.objects.create_user("rep@halyard.example", full_name="Rep")
        says = {"lead_name": person.name}
        outbox.enqueue("k:1", kind="breach", recipient=rep, subject="S", template="t", data=says, lead=person, now=now)
        erasing.erase(person.pk, now=now, by=None)
        message = Notification.objects.get()
        assert (message.state, message.template, message.data) == ("cancelled", "", {})


class TestRefusedItems:
    @pytest.mark.parametrize(
        "body",
        [
            b'{"email": "z@quillfeather.example"}',
            b'{"email": "Z@QuillFeather.example"}',
            b"4;quillfeather-1;x",
            b'\xff\x00{"anonymousId":"anon-7f3"',
            b"quillfeather-crm",
        ],
    )
    def test_that_name_the_person_lose_their_body(
        self, body: bytes, person: Lead, source: Source, now: datetime
    ) -> None:
        item = refuse(source, now, body)
        erasing.erase(person.pk, now=now, by=None)
        item.refresh_from_db()
        assert (bytes(item.body), item.code) == (b"", "bad")

    @pytest.mark.parametrize(
        "body", [b'{"email": "az@quillfeather.example.org"}', b"quillfeather-12", b"anonX7f3", b"\xff\x00\\"]
    )
    def test_of_others_stay(self, body: bytes, person: Lead, source: Source, now: datetime) -> None:
        item = refuse(source, now, body)
        erasing.erase(person.pk, now=now, by=None)
        item.refresh_from_db()
        assert bytes(item.body) == body

    @pytest.mark.parametrize("value", ["jörg.müller", 'a"b\\c', "(.*)", "日本😀"])
    def test_are_found_in_any_spelling(self, value: str, person: Lead, source: Source, now: datetime) -> None:
        import json

        Identity.objects.create(kind="user_id", value=value, lead=person, bound_at=now)
        plain = refuse(source, now, f"x;{value};y".encode())
        in_json = refuse(source, now, json.dumps({"userId": value}).encode())
        other = refuse(source, now, b"something else")
        erasing.erase(person.pk, now=now, by=None)
        for item in (plain, in_json, other):
            item.refresh_from_db()
        assert [bytes(item.body) for item in (plain, in_json, other)] == [b"", b"", b"something else"]


class TestEpisodes:
    def test_of_the_erased_close_and_the_rep_reads_no_name(self, now: datetime) -> None:
        office = desk.company(now)
        handoff = office.accepted(now=now)
        lead = handoff.episode.lead
        erasing.erase(lead.pk, now=now + timedelta(minutes=1), by=None)
        assert Episode.objects.get(pk=handoff.episode_id).closed_as == ClosedAs.ERASED
        handoff.refresh_from_db()
        assert handoff.state == State.WITHDRAWN
        assert Lead.objects.get(pk=lead.pk).holder is None
        left = everything()
        assert lead.last_name not in left
        assert lead.email not in left
