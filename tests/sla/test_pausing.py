"""Time agreed upon: pauses of depth and qualify, one extension by a manager; who may, how long, and how it is shown."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from leads import clock as clock_room
from leads import erasing
from leads.errors import Invalid
from leads.models import Role, User
from scoring import episodes
from sla import clocks, publishing, timers
from sla.clocks import escalation, pausing
from sla.clocks.pausing import NotExtendable, NotPausable
from sla.handoffs.moves import NotYours
from sla.models import Clock, ClockExtension, ClockPause, Handoff, PolicyVersion, Target
from tests.desk import Company, assign_clock, clock_of, company, person

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def house(now: datetime) -> Company:
    return company(now)


@pytest.fixture
def handoff(house: Company, now: datetime) -> Handoff:
    """A warm lead that Ben has accepted: three touches within three days, round the clock."""
    return house.accepted(now=now)


@pytest.fixture
def depth(handoff: Handoff) -> Clock:
    return clock_of(handoff, Target.DEPTH)


def pause(clock: Clock, by: User, *, now: datetime, until: datetime, reason: str = "On holiday") -> ClockPause:
    return pausing.pause(clock.pk, until_at=until, reason=reason, by=by, now=now)


class TestPause:
    def test_moves_the_deadline_by_the_time_in_between(self, house: Company, depth: Clock, now: datetime) -> None:
        due_at = depth.due_at
        made = pause(depth, house.ben.user, now=now + HOUR, until=now + DAY)

        depth.refresh_from_db()
        assert depth.due_at == due_at + 23 * HOUR == clocks.recompute(depth)
        assert depth.next_step_at == depth.due_at
        assert (made.by, made.reason, made.from_at) == (house.ben.user, "On holiday", now + HOUR)
        assert [part.why for part in clocks.explain(depth).uncounted] == ["paused"]
        assert clocks.explain(depth, now=now).due_at == due_at  # as it stood before

    def test_stands_when_the_lead_becomes_hotter(self, house: Company, depth: Clock, now: datetime) -> None:
        pause(depth, house.ben.user, now=now, until=now + DAY)
        episodes.raise_tier(episodes.lock(depth.episode_id), "hot", now=now + HOUR)
        paused = Clock.objects.get(pk=depth.pk)
        assert paused.timings.last().why == "tier rose"
        assert paused.due_at == clocks.recompute(paused) == paused.timings.last().due_at
        assert "paused" in [part.why for part in clocks.explain(paused).uncounted]

    def test_fires_nothing_in_the_meantime(self, house: Company, depth: Clock, now: datetime) -> None:
        due_at = depth.due_at
        pause(depth, house.ben.user, now=now, until=due_at + DAY)

        assert not escalation.fire(depth.pk, now=due_at + HOUR)
        depth.refresh_from_db()
        assert depth.due_at == due_at + (due_at + DAY - now)

    def test_ends_early(self, house: Company, depth: Clock, now: datetime) -> None:
        due_at = depth.due_at
        pause(depth, house.ben.user, now=now, until=now + DAY)
        ended = pausing.end_pause(depth.pk, by=house.manager, now=now + HOUR)

        depth.refresh_from_db()
        assert depth.due_at == due_at + HOUR == clocks.recompute(depth)
        assert (ended.ended_at, ended.ended_by, ended.until_at) == (now + HOUR, house.manager, now + DAY)
        with pytest.raises(NotPausable, match="Nothing is paused"):
            pausing.end_pause(depth.pk, by=house.ben.user, now=now + 2 * HOUR)

    def test_ended_in_its_first_moment_counts_as_none(self, house: Company, depth: Clock, now: datetime) -> None:
        due_at = depth.due_at
        pause(depth, house.ben.user, now=now, until=now + DAY)
        pausing.end_pause(depth.pk, by=house.ben.user, now=now)

        assert clocks.recompute(Clock.objects.get(pk=depth.pk)) == due_at

    @pytest.mark.parametrize("target", [Target.ACCEPT, Target.FIRST_TOUCH])
    def test_is_not_for_those_who_keep_somebody_waiting(self, house: Company, now: datetime, target: str) -> None:
        clock = clock_of(house.offered(now=now), target)
        for by in (house.ben.user, house.manager):
            with pytest.raises(NotPausable, match="Ask a manager to extend it"):
                pause(clock, by, now=now, until=now + DAY)

    def test_is_of_no_stranger(self, house: Company, depth: Clock, now: datetime) -> None:
        for stranger in (house.ada.user, person(Role.MANAGER, "Nora Else"), person(Role.MARKETING, "Mia Kern")):
            with pytest.raises(NotYours):
                pause(depth, stranger, now=now, until=now + DAY)

    def test_is_of_managers_alone_where_the_policy_says_so(self, house: Company, now: datetime) -> None:
        version = publishing.draft_policy(house.policy.policy)
        PolicyVersion.objects.filter(pk=version.pk).update(pause_by="manager")
        publishing.publish_policy(version, now=now, by=None)
        depth = clock_of(house.accepted(now=now), Target.DEPTH)
        with pytest.raises(NotPausable, match="managers alone"):
            pause(depth, house.ben.user, now=now, until=now + DAY)
        pause(depth, house.manager, now=now, until=now + DAY)

    def test_lasts_no_longer_in_all_than_the_policy_allows(self, house: Company, depth: Clock, now: datetime) -> None:
        with pytest.raises(NotPausable, match="336 h in all, and 336 h are left"):
            pause(depth, house.ben.user, now=now, until=now + 15 * DAY)
        pause(depth, house.ben.user, now=now, until=now + 13 * DAY)
        pausing.end_pause(depth.pk, by=house.ben.user, now=now + 12 * DAY)
        with pytest.raises(NotPausable, match="48 h are left. Choose an earlier end"):
            pause(depth, house.ben.user, now=now + 12 * DAY, until=now + 15 * DAY)
        pause(depth, house.ben.user, now=now + 12 * DAY, until=now + 14 * DAY)

        assert clocks.recompute(Clock.objects.get(pk=depth.pk)) == depth.due_at + 14 * DAY

    @pytest.mark.parametrize(
        ("until", "reason", "sentence"),
        [
            (timedelta(0), "x", "a moment to come"),
            (-HOUR, "x", "a moment to come"),
            (HOUR, "  ", "Say why"),
            (HOUR, "x" * 201, "Say why"),
        ],
    )
    def test_needs_an_end_and_a_reason(
        self, house: Company, depth: Clock, now: datetime, until: timedelta, reason: str, sentence: str
    ) -> None:
        with pytest.raises(Invalid, match=sentence):
            pause(depth, house.ben.user, now=now, until=now + until, reason=reason)

    def test_stands_once_at_a_time_and_only_before_due(self, house: Company, depth: Clock, now: datetime) -> None:
        pause(depth, house.ben.user, now=now, until=now + HOUR)
        with pytest.raises(NotPausable, match="paused already"):
            pause(depth, house.ben.user, now=now, until=now + DAY)
        depth.refresh_from_db()
        with pytest.raises(NotPausable, match="past due"):
            pause(depth, house.ben.user, now=depth.due_at + HOUR, until=depth.due_at + DAY)
        clocks.meet(depth, at=now, now=now)
        with pytest.raises(NotPausable, match="has ended"):
            pause(depth, house.ben.user, now=now + 2 * HOUR, until=now + DAY)


class TestExtend:
    def extend(self, clock: Clock, by: User, *, now: datetime, seconds: int = 7200, reason: str = "Fair week") -> Any:
        return pausing.extend(clock.pk, seconds=seconds, reason=reason, by=by, now=now)

    def test_makes_a_new_timing_from_the_same_start(self, house: Company, now: datetime) -> None:
        clock = clock_of(house.offered(now=now), Target.FIRST_TOUCH)
        due_at = clock.due_at
        timing = self.extend(clock, house.manager, now=now + HOUR)

        clock.refresh_from_db()
        assert clock.due_at == timing.due_at == due_at + 2 * HOUR == clocks.recompute(clock)
        assert (timing.number, timing.why, timing.by, timing.start_at) == (2, "extended", house.manager, now)
        assert ClockExtension.objects.get(clock=clock).reason == "Fair week"
        assert not escalation.fire(clock.pk, now=due_at + HOUR)

    def test_adds_to_the_pauses_and_to_business_days(self, house: Company, now: datetime) -> None:
        version = publishing.draft_policy(house.policy.policy)
        version.targets.filter(target="depth").update(seconds=None, business_days=1, hours="team")
        publishing.publish_policy(version, now=now, by=None)
        depth = clock_of(house.accepted(now=now), Target.DEPTH)
        assert f"{depth.due_at:%d %H:%M}" == "11 15:00"
        pause(depth, house.ben.user, now=now, until=now + HOUR)
        self.extend(depth, house.manager, now=now + HOUR)

        depth.refresh_from_db()
        assert f"{depth.due_at:%d %H:%M}" == "12 10:00"  # 16:00 the next day, one more hour there, one on the third

    def test_works_once(self, house: Company, depth: Clock, now: datetime) -> None:
        self.extend(depth, house.manager, now=now)
        with pytest.raises(NotExtendable, match="possible once"):
            self.extend(depth, house.manager, now=now)

    def test_is_a_managers(self, house: Company, depth: Clock, now: datetime) -> None:
        with pytest.raises(NotExtendable, match="Ask yours"):
            self.extend(depth, house.ben.user, now=now)
        for stranger in (house.ada.user, person(Role.MANAGER, "Nora Else")):
            with pytest.raises(NotYours):
                self.extend(depth, stranger, now=now)

    def test_reaches_a_lead_that_waits_for_somebody(self, house: Company, now: datetime) -> None:
        clock = assign_clock(house.episode(house.lead(now=now), now=now))
        with pytest.raises(NotYours):
            self.extend(clock, house.ben.user, now=now)
        self.extend(clock, house.manager, now=now)

        assert Clock.objects.get(pk=clock.pk).due_at == clock.due_at + 2 * HOUR

    @pytest.mark.parametrize(("seconds", "reason"), [(59, "x"), (30 * 86_400 + 1, "x"), (60, " ")])
    def test_needs_a_length_and_a_reason(
        self, house: Company, depth: Clock, now: datetime, seconds: int, reason: str
    ) -> None:
        with pytest.raises(Invalid, match="Extend by|Say why"):
            self.extend(depth, house.manager, now=now, seconds=seconds, reason=reason)

    def test_leaves_missed_what_was_missed(self, house: Company, depth: Clock) -> None:
        with pytest.raises(NotExtendable, match="past due already"):
            self.extend(depth, house.manager, now=depth.due_at + HOUR)


def test_erasing_takes_the_reasons_along(house: Company, depth: Clock, now: datetime) -> None:
    pause(depth, house.ben.user, now=now, until=now + HOUR, reason="Iris is ill")
    pausing.extend(depth.pk, seconds=60, reason="Iris is ill", by=house.manager, now=now)
    erasing.erase(depth.episode.lead_id, now=now + HOUR, by=None)

    assert (ClockPause.objects.get().reason, ClockExtension.objects.get().reason) == ("", "")


class TestPages:
    @pytest.fixture(autouse=True)
    def at(self, monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
        monkeypatch.setattr(clock_room, "now", lambda: now)

    def post(self, depth: Clock, user: User, what: str, target: str = "depth", **fields: str) -> Any:
        client = Client()
        client.force_login(user)
        return client.post(f"/leads/{depth.episode.lead.public_id}/promise/{target}/{what}/", fields)

    def test_show_and_take_a_pause(self, house: Company, depth: Clock, handoff: Handoff, now: datetime) -> None:
        client = Client()
        client.force_login(house.ben.user)
        url = f"/leads/{depth.episode.lead.public_id}/promise/"
        assert "promise/depth/pause/" in client.get(url).content.decode()
        response = self.post(depth, house.ben.user, "pause", until="2026-03-12T09:00", reason="They are away")
        assert response.status_code == 302

        shown = client.get(url).content.decode()
        assert "paused by Ben Keller until 12 Mar" in shown
        assert "They are away" in shown
        assert "promise/depth/resume/" in shown
        assert "promise/depth/extend/" not in shown  # the manager's
        assert self.post(depth, house.ben.user, "resume").status_code == 302
        assert ClockPause.objects.get().ended_by == house.ben.user

    def test_let_the_manager_extend(self, house: Company, depth: Clock) -> None:
        client = Client()
        client.force_login(house.manager)
        url = f"/leads/{depth.episode.lead.public_id}/promise/"
        assert "promise/depth/extend/" in client.get(url).content.decode()
        assert self.post(depth, house.manager, "extend", hours="1.5", reason="Fair").status_code == 302

        assert Clock.objects.get(pk=depth.pk).due_at == depth.due_at + 1.5 * HOUR
        assert "Extended by Maya Lund" in client.get(url).content.decode()

    @pytest.mark.parametrize(
        ("what", "fields", "status"),
        [
            ("pause", {"until": "never", "reason": "x"}, 422),
            ("pause", {"until": "2026-03-09T09:00", "reason": "x"}, 422),
            ("extend", {"hours": "nan", "reason": "x"}, 422),
            ("extend", {"hours": "1", "reason": "x"}, 409),
            ("resume", {}, 409),
        ],
    )
    def test_say_what_is_wrong(
        self, house: Company, depth: Clock, what: str, fields: dict[str, str], status: int
    ) -> None:
        assert self.post(depth, house.ben.user, what, **fields).status_code == status

    def test_are_not_there_for_a_stranger(self, house: Company, depth: Clock) -> None:
        for what in ("pause", "resume", "extend"):
            assert self.post(depth, house.ada.user, what, until="2026-03-12T09:00", reason="x").status_code == 404
        assert self.post(depth, house.ben.user, "pause", target="assigned").status_code == 404

    def test_tell_of_the_pause_in_the_inbox_too(self, house: Company, depth: Clock, now: datetime) -> None:
        pause(depth, house.ben.user, now=now, until=now + DAY)
        clock = Clock.objects.prefetch_related("timings", "pauses").get(pk=depth.pk)

        assert timers.of_clock(clock, now=now + HOUR).text == "paused by Ben Keller until 11 Mar"
        assert timers.of_clock(clock, now=now + 2 * DAY).state == "ontrack"


class TestApi:
    @pytest.fixture(autouse=True)
    def at(self, monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
        monkeypatch.setattr(clock_room, "now", lambda: now)

    def client(self, user: User) -> APIClient:
        client = APIClient()
        client.force_authenticate(user)
        return client

    def test_tells_all_that_a_deadline_is_made_of(self, house: Company, handoff: Handoff, now: datetime) -> None:
        url = f"/api/v1/handoffs/{handoff.public_id}/"
        ben, maya = self.client(house.ben.user), self.client(house.manager)
        body = {"target": "depth", "until": (now + DAY).isoformat(), "reason": "Away"}
        assert ben.post(f"{url}pause/", body, format="json").status_code == 200
        answer = maya.post(f"{url}extend/", {"target": "depth", "seconds": 60, "reason": "Fair"}, format="json")
        assert answer.status_code == 200

        told = {each["target"]: each for each in ben.get(f"{url}clocks/").json()}
        assert set(told) == {"assign", "accept", "first_touch", "depth", "qualify"}
        depth = told["depth"]
        assert [timing["why"] for timing in depth["timings"]] == ["accepted", "extended"]
        assert depth["timings"][0]["policy"] == house.policy.policy.name
        assert (depth["pauses"][0]["by"], depth["extended"]["seconds"]) == (house.ben.user.email, 60)
        assert sum(part["seconds"] for part in depth["counted"]) == depth["timings"][1]["budget_seconds"]
        assert [part["why"] for part in depth["uncounted"]] == ["paused"]
        assert ben.post(f"{url}resume/", {"target": "depth"}, format="json").status_code == 200

    def test_refuses_with_the_way_out(self, house: Company, handoff: Handoff, now: datetime) -> None:
        url = f"/api/v1/handoffs/{handoff.public_id}/"
        body = {"target": "first_touch", "until": (now + DAY).isoformat(), "reason": "Away"}
        refused = self.client(house.ben.user).post(f"{url}pause/", body, format="json")
        assert (refused.status_code, refused.json()["code"]) == (409, "not_pausable")
        assert self.client(house.ada.user).post(f"{url}pause/", body, format="json").status_code == 404
        assert self.client(house.ada.user).get(f"{url}clocks/").status_code == 404
