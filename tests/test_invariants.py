"""Each invariant's check is silent on a sound database and finds what was broken on purpose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any, ClassVar

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import TestCase

from leads import erasing, merging, nurture, outbox
from leads.delivery import deliver_due
from leads.models import Lead, Role, Source
from scoring import assessment, qualification
from sla import clocks, contests, handoffs, routing, touches
from sla.clocks import escalation
from sla.management.commands.check_invariants import all_checks
from sla.models import Clock, Contest, Handoff, Target
from sla.people import absences, beginning
from tests import desk, on_paper

NOW = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

# Broken on purpose, by the check that must find it. Where the schema itself forbids it, its guard is taken down first.
# {lead}, {accepted}, {offered}, {waiting} … are ids of the sound database.
BREAKS: dict[str, tuple[str, ...]] = {
    "canaries are told of": (
        "INSERT INTO sla_canary (minute, armed_at, due_at, fired_at) VALUES (now(), now(), now(), now())",
    ),
    "orders release what a day allows": (
        "INSERT INTO sla_releaseorder (public_id, team_id, tier, source, why, by_id, at, state, ended_why) "
        "SELECT gen_random_uuid(), team_id, '', '', 'Try', user_id, now(), 'running', '' FROM sla_handoff LIMIT 1",
        "INSERT INTO sla_releaseday (order_id, date, quota, released) "
        "SELECT id, '2026-03-10', 5, 1 FROM sla_releaseorder",
    ),
    "what was released by order waits no more": (
        "INSERT INTO sla_releaseorder (public_id, team_id, tier, source, why, by_id, at, state, ended_why) "
        "SELECT gen_random_uuid(), team_id, '', '', 'Try', user_id, now(), 'running', '' FROM sla_handoff LIMIT 1",
        "INSERT INTO sla_orderedrelease (order_id, qualification_id, at, passed_over) "
        "SELECT orders.id, standing.id, now(), '' FROM sla_releaseorder AS orders, scoring_qualification AS standing "
        "LIMIT 1",
    ),
    "closing legs follow sales legs": (
        "ALTER TABLE sla_handoff DROP CONSTRAINT closing_follows_sales",
        "UPDATE sla_handoff SET leg = 'closing' WHERE id = {offered}",
    ),
    "converted matters are open only for a next owner": (
        "UPDATE leads_lead SET stage = 'SQL' "
        "WHERE id = (SELECT lead_id FROM scoring_episode WHERE id = {offered_episode})",
    ),
    "hand-offs know what is due next": ("UPDATE sla_handoff SET next_due_at = now() WHERE id = {offered}",),
    "next steps are history": ("UPDATE sla_handoff SET snoozed_until = offered_at WHERE id = {offered}",),
    "nothing sleeps through a warning": (
        "UPDATE sla_handoff SET snoozed_until = offered_at + interval '90 days' WHERE id = {offered}",
    ),
    "one open episode per lead": (
        "DROP INDEX one_open_episode_per_lead",
        "INSERT INTO scoring_episodemember (episode_id, lead_id, joined_at, stage_before) "
        "VALUES ({offered_episode}, {lead}, now(), 'LEAD')",
    ),
    "open episodes have their principal": (
        "UPDATE scoring_episodemember SET left_at = now() WHERE episode_id = {waiting_episode}",
    ),
    "one open hand-off per episode": (
        "DROP INDEX one_open_handoff_per_episode",
        "UPDATE sla_handoff SET state = 'offered', closed_at = NULL, accepted_at = NULL WHERE id = {moved}",
    ),
    "open hand-offs have an active rep": ("UPDATE sla_rep SET is_active = false WHERE id = {ben}",),
    "stage history gapless": (
        "UPDATE leads_stagechange SET from_stage = 'SUBSCRIBER' WHERE lead_id = {lead} AND to_stage = 'SAL'",
    ),
    "stage history legal": (
        "UPDATE leads_stagechange SET cause = 'undo' WHERE lead_id = {lead} AND to_stage = 'MQL'"
        " AND cause = 'qualification'",
        "UPDATE leads_stagechange SET to_stage = 'SQL' WHERE lead_id = {lead} AND cause = 'undo'",
    ),
    "stage history ends in the state": ("UPDATE leads_lead SET stage = 'SQL' WHERE id = {lead}",),
    "times of leads_stagechange never run backwards": (
        "UPDATE leads_stagechange SET at = at - interval '9 days' WHERE lead_id = {lead} AND to_stage = 'SAL'",
    ),
    "times of leads_restchange never run backwards": (
        "UPDATE leads_restchange SET at = at - interval '9 days' WHERE id = (SELECT max(id) FROM leads_restchange"
        " WHERE lead_id = {dated})",
    ),
    "times of leads_holderchange never run backwards": (
        "UPDATE leads_holderchange SET at = at - interval '9 days' WHERE id = (SELECT max(id) FROM leads_holderchange"
        " WHERE lead_id = {resting})",
    ),
    "rests as their history says": ("UPDATE leads_lead SET rest_until = NULL WHERE id = {resting}",),
    "holders as their history says": ("UPDATE leads_lead SET holder_id = {ada_user} WHERE id = {lead}",),
    "nothing stands on a tombstone": (
        "INSERT INTO leads_identity (kind, value, lead_id, bound_at) VALUES ('email', 'x@y.example', {merged}, now())",
    ),
    "MQL and SAL only with an open episode": ("UPDATE leads_lead SET stage = 'SAL' WHERE id = {resting}",),
    "episode history gapless": (
        "UPDATE scoring_episodechange SET to_phase = 'accepted' WHERE what = 'opened' AND episode_id = {lead_episode}",
    ),
    "times of scoring_episodechange never run backwards": (
        "UPDATE scoring_episodechange SET at = at - interval '9 days' WHERE what = 'phase' AND to_phase = 'accepted'",
    ),
    "colleagues stand where the matter stands": (
        "INSERT INTO scoring_episodemember (episode_id, lead_id, joined_at, stage_before) "
        "VALUES ({lead_episode}, {resting}, now(), 'LEAD')",
    ),
    "a matter is counted once": (
        "INSERT INTO leads_outcome (public_id, lead_id, kind, at, recorded_at, reason_code, reason_label, currency, "
        "via, is_colleague, matter) "
        "SELECT gen_random_uuid(), lead_id, kind, at, recorded_at, '', '', '', via, false, matter "
        "FROM leads_outcome WHERE lead_id = {lead}",
    ),
    "only rejections are contested": ("UPDATE sla_contest SET at = at - interval '9 days' WHERE id = {contest}",),
    "what was overturned counts no more": (
        "UPDATE leads_outcome SET withdrawn_at = NULL WHERE kind = 'rejected' AND withdrawn_at IS NOT NULL",
    ),
    "what was overturned opened again": (
        "UPDATE sla_contest SET decided_at = decided_at + interval '1 second' WHERE id = {contest}",
    ),
    "signals move nothing": ("UPDATE scoring_episode SET lane = 'signal' WHERE id = {lead_episode}",),
    "hand-off history gapless": ("DELETE FROM sla_handoffchange WHERE handoff_id = {accepted} AND from_state = ''",),
    "hand-off history legal": (
        "ALTER TABLE sla_handoffchange DROP CONSTRAINT handoff_moves_are_legal",
        "UPDATE sla_handoffchange SET to_state = 'converted' WHERE handoff_id = {offered}",
    ),
    "hand-off history ends in the state": ("UPDATE sla_handoff SET version = 9 WHERE id = {accepted}",),
    "times of sla_handoffchange never run backwards": (
        "UPDATE sla_handoffchange SET at = at - interval '9 days' WHERE handoff_id = {accepted}"
        " AND to_state = 'accepted'",
    ),
    "phases equal hand-offs": (
        "UPDATE scoring_episode SET phase = 'waiting', waiting_since = now() WHERE id = {offered_episode}",
    ),
    "no clock runs on": (
        "UPDATE sla_clock SET verdict = '', met_at = NULL, voided_at = NULL WHERE handoff_id = {moved}"
        " AND target = 'first_touch'",
    ),
    "one clock per target": (
        "DROP INDEX one_running_clock_per_target",
        "INSERT INTO sla_clock (episode_id, handoff_id, target, cause, started_at, due_at, void_reason, verdict,"
        " held_back_why) SELECT episode_id, handoff_id, target, 'twice', started_at, due_at, '', '', ''"
        " FROM sla_clock WHERE handoff_id = {offered} AND target = 'accept'",
    ),
    "one clock per cause": (
        "DROP INDEX one_running_clock_per_target",
        "DROP INDEX one_clock_per_cause",
        "INSERT INTO sla_clock (episode_id, handoff_id, target, cause, started_at, due_at, void_reason, verdict,"
        " held_back_why) SELECT episode_id, handoff_id, target, cause, started_at, due_at, '', '', ''"
        " FROM sla_clock WHERE handoff_id = {offered} AND target = 'accept'",
    ),
    "promises have clocks": (
        "UPDATE sla_clock SET verdict = 'voided', voided_at = due_at, next_step_at = NULL"
        " WHERE episode_id = {waiting_episode} AND target = 'assign'",
    ),
    "no step too early": (
        "ALTER TABLE sla_clockstep DROP CONSTRAINT no_step_before_it_is_due",
        "UPDATE sla_clockstep SET fired_at = due_at - interval '1 second'",
    ),
    "one row per step": (
        "ALTER TABLE sla_clockstep DROP CONSTRAINT step_fires_once",
        "INSERT INTO sla_clockstep (clock_id, key, step_id, due_at, fired_at, detail)"
        " SELECT clock_id, key, step_id, due_at, fired_at, detail FROM sla_clockstep LIMIT 1",
    ),
    "steps that told": ("DELETE FROM leads_notification WHERE kind = 'breach'",),
    "breaches are history": ("DELETE FROM sla_clockstep WHERE key = 'breach'",),
    "due instants recompute": (
        "UPDATE sla_clock SET due_at = due_at + interval '1 microsecond' WHERE handoff_id = {offered}",
    ),
    "verdicts are arithmetic": (
        "ALTER TABLE sla_clock DROP CONSTRAINT verdict_is_arithmetic",
        "UPDATE sla_clock SET verdict = 'missed' WHERE handoff_id = {accepted} AND target = 'accept'",
    ),
    "scores recompute": ("UPDATE scoring_score SET fit = fit + 5000, total = total + 5000 WHERE lead_id = {lead}",),
    "qualifications recompute": ("UPDATE scoring_qualification SET engagement = 1 WHERE lead_id = {lead}",),
    "taken in once": (
        "INSERT INTO leads_activity (lead_id, type_id, occurred_at, received_at, known_at, properties, context,"
        " source_id, message_id, origin, clamped, discount_reason) SELECT lead_id, type_id, occurred_at, received_at,"
        " known_at, properties, context, source_id, message_id, origin, clamped, '' FROM leads_activity LIMIT 1",
    ),
    "receipts for all": ("UPDATE leads_activity SET source_id = {server}",),
    "offers are explained": ("UPDATE sla_routingtrace SET trace = trace - 'others' WHERE handoff_id = {offered}",),
    "capacity holds": (
        "UPDATE sla_routingtrace SET trace = jsonb_set(trace, '{{chosen,load}}', '99') WHERE handoff_id = {offered}",
    ),
    "new evidence": (
        "UPDATE leads_restchange SET evidence_from = '2026-03-30T00:00Z', at = '2026-03-01T00:00Z'"
        " WHERE lead_id = {resting}",
    ),
    "nobody at rest is handed over": (
        "UPDATE leads_restchange SET rest_until = '2027-03-30T00:00Z', at = '2026-03-01T00:00Z'"
        " WHERE lead_id = {resting}",
    ),
    "messages end": (
        "UPDATE leads_notification SET state = 'queued', settled_at = NULL, not_before = not_before - interval '9 days'"
        " WHERE id = (SELECT min(id) FROM leads_notification WHERE state = 'sent')",
    ),
    "messages' history ends in the state": (
        "DELETE FROM leads_deliverystep WHERE notification_id = (SELECT min(id) FROM leads_notification)",
    ),
    "digests carry": ("UPDATE leads_notification SET kind = 'breach' WHERE kind = 'digest'",),
    "one message per effect": (
        "ALTER TABLE leads_notification DROP CONSTRAINT leads_notification_effect_key_key",
        "UPDATE leads_notification SET effect_key = 'the same'",
    ),
    "turns count again": ("UPDATE sla_fairnessspan SET weights = jsonb_set(weights, '{{0}}', '5')",),
    "turns are their hand-off's": ("UPDATE sla_handoff SET user_id = {ada_user} WHERE user_id <> {ada_user}",),
    "turns come back later": (
        "INSERT INTO sla_givenback (turn_id, pool_id, at, span_id) SELECT turn.id, span.pool_id, now(), span.id"
        " FROM sla_fairnessturn AS turn JOIN sla_fairnessspan AS span ON span.id = turn.span_id LIMIT 1",
    ),
    "daily caps hold": (
        "UPDATE sla_routingtrace SET trace = jsonb_set(trace, '{{chosen}}',"
        " trace -> 'chosen' || '{{\"today\": 3, \"daily_cap\": 3}}') WHERE handoff_id = {offered}",
    ),
    "what is in force is its newest version": ("UPDATE sla_routingrule SET is_active = NOT is_active",),
    "open hand-offs have somebody who can log in": (
        "UPDATE leads_user SET is_active = false WHERE id = (SELECT user_id FROM sla_handoff WHERE id = {offered})",
    ),
    "absences are as their history says": ("UPDATE sla_absence SET ends_at = ends_at + interval '1 day'",),
    "absences begin in their history": ("UPDATE sla_absence SET begun_at = NULL",),
    "times of sla_absencechange never run backwards": (
        "UPDATE sla_absencechange SET at = at - interval '9 days' WHERE what = 'begun'",
    ),
    "what is left behind is of who is away": (
        "INSERT INTO sla_leftbehind (public_id, handoff_id, absence_id, since, note, held_back_why,"
        " settled_as) SELECT gen_random_uuid(), {accepted}, max(id), now(), '', '', '' FROM sla_absence",
    ),
    "every phase has its row": (
        "DELETE FROM scoring_episodechange WHERE what = 'phase' AND episode_id = {offered_episode}",
    ),
} | on_paper.BREAKS


def qualified(house: desk.Company, *, at: datetime) -> Lead:
    lead = house.lead(now=at)
    desk.act(lead, "Visited Pricing Page", at=at)
    assessment.assess(now=at)
    return lead


def offered(house: desk.Company, *, at: datetime) -> Handoff:
    lead = qualified(house, at=at)
    handoff = routing.route(lead.episodes.get().pk, now=at)
    assert handoff is not None
    return handoff


def relay() -> dict[str, Any]:
    """A sound database on which most things have happened once; the ids that the breaks name."""
    house = desk.company(NOW)
    accepted = offered(house, at=NOW)
    user = accepted.user
    handoffs.accept(accepted.pk, by=user, now=NOW + MINUTE)
    handoffs.undo(accepted.pk, by=user, now=NOW + MINUTE)
    handoffs.accept(accepted.pk, by=user, now=NOW + 2 * MINUTE)
    at = NOW + 3 * MINUTE
    touches.record(
        accepted.episode.lead_id,
        means="call",
        outcome="reached",
        performed_by=user,
        recorded_by=user,
        occurred_at=at,
        now=at,
    )
    rejected = offered(house, at=NOW + MINUTE)
    handoffs.reject(rejected.pk, reason="bad_contact", by=rejected.user, now=NOW + 2 * MINUTE)
    dated = offered(house, at=NOW + MINUTE)
    date = NOW + DAY
    handoffs.return_(dated.pk, reason="timing", named_date=date, by=dated.user, now=NOW + 2 * MINUTE)
    qualification.open_on_date(dated.episode.lead_id, now=date)
    routing.route(dated.episode.lead.episodes.latest("pk").pk, now=date)
    moved = _moved_on(house, at=NOW + MINUTE)
    reopened = offered(house, at=NOW + MINUTE)
    handoffs.reject(reopened.pk, reason="competitor", by=reopened.user, now=NOW + 2 * MINUTE)
    handoffs.reopen(reopened.pk, by=house.manager, why="Ours after all", now=NOW + DAY)
    contest = _overturned(house, at=NOW + MINUTE)
    gone = offered(house, at=NOW + MINUTE)
    winner, loser = qualified(house, at=NOW + MINUTE), qualified(house, at=NOW + 2 * MINUTE)
    kept = merging.merge(winner.pk, loser.pk, now=NOW + DAY, prefer=winner.pk)
    erasing.erase(gone.episode.lead_id, now=NOW + DAY, by=house.manager)
    waiting = qualified(house, at=date)
    last = offered(house, at=date)
    nurture.mark_ended_rests(now=date)
    assessment.assess(now=date)
    for number in range(7):
        outbox.enqueue(f"k{number}", kind="news", recipient=house.manager, subject="S", text="T", now=date)
    deliver_due(lambda: date)
    cleo = desk.rep_in(house.team, "Cleo Far")
    away = absences.add(cleo.pk, starts_at=date, ends_at=date + DAY, now=date, by=house.manager)
    beginning.begin(away.pk, now=date)
    server = Source.objects.create(name="Site", kind=Source.Kind.SERVER, write_key_hash="x")
    return on_paper.relay(house, at=date) | {
        "lead": accepted.episode.lead_id,
        "lead_episode": accepted.episode_id,
        "accepted": accepted.pk,
        "resting": rejected.episode.lead_id,
        "dated": dated.episode.lead_id,
        "moved": moved.pk,
        "merged": loser.pk if kept.pk == winner.pk else winner.pk,
        "waiting_episode": waiting.episodes.get().pk,
        "offered": last.pk,
        "offered_episode": last.episode_id,
        "contest": contest.pk,
        "ben": house.ben.pk,
        "ada_user": house.ada.user_id if accepted.user_id != house.ada.user_id else house.ben.user_id,
        "server": server.pk,
    }


def _overturned(house: desk.Company, *, at: datetime) -> Contest:
    """A rejection that marketing contested; its manager gave the lead back."""
    handoff = offered(house, at=at)
    handoffs.reject(handoff.pk, reason="bad_contact", by=handoff.user, now=at + MINUTE)
    theo = desk.person(Role.MARKETING, "Theo Marsh")
    made = contests.contest(handoff.pk, words="It is right", by=theo, now=at + 2 * MINUTE)
    return contests.overturn(made.pk, why="It is", to=handoff.user, by=house.manager, now=at + timedelta(hours=1))


def _moved_on(house: desk.Company, *, at: datetime) -> Handoff:
    """An offer nobody answered: breached, moved on, offered to the next."""
    handoff = offered(house, at=at)
    clock = Clock.objects.get(handoff=handoff, target=Target.ACCEPT)
    escalation.fire(clock.pk, now=clock.due_at)
    later = clock.due_at + timedelta(hours=1)
    for clock_id in clocks.due_page(now=later, limit=99):
        if Clock.objects.filter(pk=clock_id, handoff=handoff).exists():
            escalation.fire(clock_id, now=later)
    handoff.refresh_from_db()
    assert handoff.state == "moved"
    assert routing.route(handoff.episode_id, now=later) is not None
    return handoff


class TestCheckInvariants(TestCase):
    ids: ClassVar[dict[str, Any]]

    @classmethod
    def setUpTestData(cls) -> None:
        cls.ids = relay()

    def test_a_sound_database_breaks_none(self) -> None:
        out = StringIO()
        call_command("check_invariants", stdout=out)
        assert "BROKEN" not in out.getvalue()
        assert f"All {len(all_checks())} checks hold." in out.getvalue()

    def test_each_check_is_broken_by_one_case(self) -> None:
        names = [check.name for check in all_checks()]
        assert sorted(names) == sorted(BREAKS)
        assert {check.number for check in all_checks()} == set(range(1, 11))

    def test_each_finds_what_was_broken_on_purpose(self) -> None:
        for check in all_checks():
            with self.subTest(check.name), transaction.atomic():
                assert list(check.find()) == []
                with connection.cursor() as cursor:
                    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
                    cursor.execute("SET LOCAL session_replication_role = replica")
                    for statement in BREAKS[check.name]:
                        cursor.execute(statement.format(**self.ids))
                        assert statement.startswith(("DROP", "ALTER")) or cursor.rowcount > 0
                found = list(check.find())
                transaction.set_rollback(True)
                assert found
                assert all(sentence.endswith(".") for sentence in found)

    def test_the_command_ends_with_an_error_and_shows_where(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("UPDATE leads_lead SET stage = 'SQL' WHERE id = %s", [self.ids["lead"]])
        out = StringIO()
        with pytest.raises(CommandError, match="checks found something"):
            call_command("check_invariants", stdout=out)
        assert f"Lead {self.ids['lead']} stands at SQL" in out.getvalue()
