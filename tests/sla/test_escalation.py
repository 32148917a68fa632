"""Escalation: each step fires once, when it is due, and the lead moves on after the last."""

from __future__ import annotations

import email
from datetime import datetime, timedelta
from email import policy as email_policy
from email.message import EmailMessage
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from django.urls import resolve

from leads.delivering import words
from leads.delivery import compose
from leads.letters import Letter
from leads.models import Lead, Notification, TeamMembership
from sla import clocks, clockwork, publishing
from sla.clocks import escalation
from sla.clocks.soundness import LadderRefused
from sla.models import Clock, ClockStep, Handoff, HandoffChange, LadderStep, PolicyVersion, State, Target
from sla.telling import mails
from tests.desk import Company, assign_clock, clock_of, company, person

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
HOSTILE = 'Ann <b>"bold"</b> http://evil.example/x?a=1 ann@evil.example'


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def handoff(house: Company, now: datetime) -> Handoff:
    """A warm lead on offer: accept within two hours, moved on an hour later; first touch within four."""
    return house.offered(now=now)


@pytest.fixture
def accept(handoff: Handoff) -> Clock:
    return clock_of(handoff, Target.ACCEPT)


def warned(house: Company, share: int, *, now: datetime) -> Clock:
    """The accept clock of an offer under a policy that also warns the rep at this share."""
    version = publishing.draft_policy(house.policy.policy)
    LadderStep.objects.create(version=version, target=Target.ACCEPT, share=share, action="tell_rep")
    publishing.publish_policy(version, now=now, by=None)
    return clock_of(house.offered(now=now), Target.ACCEPT)


class TestFire:
    def test_does_nothing_before_it_is_due(self, accept: Clock) -> None:
        assert not escalation.fire(accept.pk, now=accept.due_at - MINUTE)
        assert not accept.fired.exists()

    def test_marks_the_breach_and_tells_the_manager_once(self, accept: Clock, house: Company) -> None:
        at = accept.due_at + MINUTE
        assert escalation.fire(accept.pk, now=at)
        assert not escalation.fire(accept.pk, now=at)

        accept.refresh_from_db()
        assert accept.breached_at == accept.due_at
        assert accept.verdict == ""  # counting goes on
        assert accept.next_step_at == accept.due_at + 60 * MINUTE  # the hop, at 150 % of two hours
        rung = accept.fired.get(step__isnull=False)
        assert sorted(step.key for step in accept.fired.all()) == ["breach", f"step:{rung.step_id}"]
        key = f"clock:{accept.pk}:step:{rung.step_id}:{house.manager.pk}"
        assert rung.detail["told"] == [key]
        told = Notification.objects.get(effect_key=key)
        assert (told.recipient, told.kind, told.lead) == (house.manager, "breach", accept.episode.lead)

    def test_warns_the_rep_before_the_due_time(self, house: Company, now: datetime) -> None:
        accept = warned(house, 75, now=now)
        step = LadderStep.objects.get(version=accept.timings.get().policy_version, share=75)
        assert accept.next_step_at == now + 90 * MINUTE
        escalation.fire(accept.pk, now=now + 90 * MINUTE)

        told = Notification.objects.get(effect_key=f"clock:{accept.pk}:step:{step.pk}:{house.ben.user_id}")
        assert (told.kind, told.recipient) == ("warning", house.ben.user)
        accept.refresh_from_db()
        assert (accept.breached_at, accept.next_step_at) == (None, accept.due_at)

    def test_fires_all_that_came_due_while_nobody_looked_in_their_order(self, house: Company, now: datetime) -> None:
        accept = warned(house, 75, now=now)
        escalation.fire(accept.pk, now=accept.due_at + 5 * MINUTE)

        fired = list(accept.fired.order_by("id").values_list("due_at", "key"))
        assert [at for at, _ in fired] == sorted(at for at, _ in fired)
        assert [key for _, key in fired][1] == "breach"
        assert len(fired) == 3

    def test_moves_the_lead_on_and_ends_the_clock_missed(self, accept: Clock, handoff: Handoff) -> None:
        at = accept.due_at + 60 * MINUTE
        escalation.fire(accept.pk, now=at)

        handoff.refresh_from_db()
        accept.refresh_from_db()
        assert handoff.state == State.MOVED
        assert HandoffChange.objects.filter(handoff=handoff, to_state=State.MOVED, why="breach").count() == 1
        assert (accept.verdict, accept.next_step_at) == ("missed", None)
        assert accept.fired.filter(key="breach").count() == 1
        assert handoff.episode.phase == "waiting"
        assert assign_clock(handoff.episode).is_running
        touch = clock_of(handoff, Target.FIRST_TOUCH)
        assert touch.verdict == "voided"

    def test_fires_no_step_after_the_hop(self, house: Company, now: datetime) -> None:
        version = publishing.draft_policy(house.policy.policy)
        LadderStep.objects.create(version=version, target=Target.ACCEPT, share=200, action="tell_rep")
        with pytest.raises(LadderRefused, match="200 %: Tell the rep” never happens"):
            publishing.publish_policy(version, now=now, by=None)
        PolicyVersion.objects.filter(pk=house.policy.pk).update(state="retired", retired_at=now)
        PolicyVersion.objects.filter(pk=version.pk).update(state="published", published_at=now)
        accept = clock_of(house.offered(now=now), Target.ACCEPT)
        escalation.fire(accept.pk, now=accept.due_at + 600 * MINUTE)

        assert Handoff.objects.get(pk=accept.handoff_id).state == State.MOVED
        assert not accept.fired.filter(step__share=200).exists()

    def test_leaves_an_ended_clock_alone(self, accept: Clock, now: datetime) -> None:
        clocks.meet(accept, at=now, now=now)

        assert not escalation.fire(accept.pk, now=accept.due_at + MINUTE)
        assert not accept.fired.exists()

    def test_asks_the_clock_after_it_has_the_locks(self, accept: Clock) -> None:
        asked: list[bool] = []

        def clock() -> datetime:
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND mode = 'RowShareLock'")
                asked.append(cursor.fetchone()[0] > 0)
            return accept.due_at

        assert escalation.fire(accept.pk, now=clock)
        assert asked == [True]

    def test_writes_no_time_before_the_history_of_what_it_locked(self, accept: Clock, handoff: Handoff) -> None:
        later = accept.due_at + 5 * MINUTE
        HandoffChange.objects.create(handoff=handoff, from_state="offered", to_state="accepted", at=later)
        escalation.fire(accept.pk, now=accept.due_at)

        assert {step.fired_at for step in accept.fired.all()} == {later}

    def test_tells_every_manager_where_the_team_has_none(self, accept: Clock, house: Company) -> None:
        TeamMembership.objects.filter(user=house.manager).delete()
        other = person("manager", "Otto Finn")
        escalation.fire(accept.pk, now=accept.due_at)

        told = set(Notification.objects.filter(kind="breach").values_list("recipient", flat=True))
        assert told == {house.manager.pk, other.pk}

    def test_tells_of_an_episode_that_nobody_was_found_for(self, house: Company, now: datetime) -> None:
        clock = assign_clock(house.episode(house.lead(now=now), now=now))
        escalation.fire(clock.pk, now=clock.due_at)

        clock.refresh_from_db()
        told = Notification.objects.get(kind="breach")
        assert (told.recipient, clock.breached_at, clock.next_step_at) == (house.manager, clock.due_at, None)
        assert "No rep has it yet." in words.of(told).text

    def test_is_kept_by_the_schema_from_firing_early_or_twice(self, accept: Clock, now: datetime) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            ClockStep.objects.create(clock=accept, key="x", due_at=now, fired_at=now - MINUTE)
        ClockStep.objects.create(clock=accept, key="x", due_at=now, fired_at=now)
        with pytest.raises(IntegrityError), transaction.atomic():
            ClockStep.objects.create(clock=accept, key="x", due_at=now, fired_at=now)


@pytest.mark.django_db(transaction=True)
class TestSkipping:
    def test_leaves_a_lead_alone_that_someone_is_acting_on(self, accept: Clock) -> None:
        at = accept.due_at + MINUTE
        lead_id = accept.episode.lead_id
        other = connections.create_connection("default")
        try:
            with other.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute("SELECT 1 FROM leads_lead WHERE id = %s FOR UPDATE", [lead_id])
                assert not escalation.fire(accept.pk, now=at)
                cursor.execute("ROLLBACK")
        finally:
            other.close()
        assert not accept.fired.exists()
        assert escalation.fire(accept.pk, now=at)

    def test_holds_back_what_fails_and_goes_on_with_the_others(
        self, house: Company, accept: Clock, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        second = clock_of(house.offered(now=now), Target.ACCEPT)
        at = accept.due_at + MINUTE
        told = mails.of_step

        def fail_for_the_first(clock: Clock, *args: object, **kwargs: object) -> Notification:
            if clock.pk == accept.pk:
                raise RuntimeError("no such template")
            return told(clock, *args, **kwargs)  # type: ignore[arg-type]

        monkeypatch.setattr(mails, "of_step", fail_for_the_first)
        assert clockwork.fire_due(lambda: at) == 1

        accept.refresh_from_db()
        assert (accept.held_back_at, accept.held_back_why) == (at, "RuntimeError: no such template")
        assert (accept.breached_at, accept.fired.count()) == (None, 0)  # nothing of it was done by half
        assert second.fired.count() == 2
        assert accept.pk not in clocks.due_page(now=at, limit=10)

        monkeypatch.setattr(mails, "of_step", told)
        again = at + clocks.RETRY_AFTER
        assert clockwork.fire_due(lambda: again) == 1
        accept.refresh_from_db()
        assert (accept.held_back_at, accept.held_back_why, accept.fired.count()) == (None, "", 2)


class TestMails:
    def mail_about(self, accept: Clock, **lead: str) -> tuple[Letter, EmailMessage]:
        Lead.objects.filter(pk=accept.episode.lead_id).update(**lead)
        escalation.fire(accept.pk, now=accept.due_at)
        row = Notification.objects.get(kind="breach")
        parsed = email.message_from_bytes(compose(row).message().as_bytes(), policy=email_policy.default)
        assert isinstance(parsed, EmailMessage)
        return words.of(row), parsed

    def test_say_who_what_and_since_when_in_the_readers_zone(self, accept: Clock, house: Company) -> None:
        house.manager.time_zone = "America/New_York"
        house.manager.save()
        row, _ = self.mail_about(accept, first_name="Iris", last_name="Vale")

        assert row.subject == "Late: accept or reject · Iris Vale"
        assert "Since: Tue 10 Mar, 13:00 (America/New_York)" in row.text
        assert "With: Ben Keller" in row.text
        assert mails.lead_url(accept.episode.lead) in row.text
        assert mails.lead_url(accept.episode.lead) in row.html
        assert "Iris Vale" in row.html

    def test_lead_to_the_page_of_the_lead(self, accept: Clock, settings: Any) -> None:
        path = mails.lead_url(accept.episode.lead).removeprefix(settings.BASE_URL)

        assert resolve(path).kwargs == {"public_id": accept.episode.lead.public_id}

    def test_show_a_leads_words_without_running_or_linking_them(self, accept: Clock) -> None:
        row, parsed = self.mail_about(accept, first_name=HOSTILE, last_name="")

        html = parsed.get_body(("html",))
        assert html is not None
        for part in (row.subject, row.text, row.html, html.get_content()):
            assert "evil.example" not in part
            assert "http://evil" not in part
            assert "@evil" not in part
        assert '<b>"bold' not in row.html
        assert "<b>bold" not in row.html
        assert "&lt;b&gt;" in row.html
        assert 'Ann <b>"bold"</b>' in row.text  # text stays text

    def test_keep_a_name_on_one_line(self, accept: Clock) -> None:
        row, parsed = self.mail_about(accept, first_name="Ann\r\nBcc: x@evil.example", last_name="\u202eevil\x00"[:5])

        assert "\n" not in row.subject
        assert parsed["Bcc"] is None
        assert "\u202e" not in row.text + row.html
        assert "\nBcc" not in row.text

    @pytest.mark.parametrize(
        ("typed", "shown"),
        [
            ("Ann Lee", "Ann Lee"),
            ("J. R. Hart", "J. R. Hart"),
            ("evil.example", "evil\u2060.\u2060example"),
            ("a@b", "a\u2060@\u2060b"),
            ("http://x", "http\u2060:\u2060//x"),
            ("  many \t spaces ", "many spaces"),
            ("x" * 200, "x" * 79 + "…"),
        ],
    )
    def test_make_words_inert(self, typed: str, shown: str) -> None:
        assert mails.inert(typed) == shown
