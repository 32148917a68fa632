"""The floor's days, played by a seed: every invariant after every step, and the same story told twice.

A seed that fails is played again with BATON_SEED. BATON_LEADS, BATON_REPS and BATON_DAYS make the floor larger: the
whole year of a large one is `make year`.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from sla.models import Clock
from tests.emptying import Emptying
from tests.leads import smtp
from tests.year import company, happenings
from tests.year.floor import Floor

BEGINS_AT = datetime(2026, 2, 2, 6, 0, tzinfo=UTC)
# A floor of another size is another floor each time; the suite's own is always the same.
ANY = random.SystemRandom().randrange(1_000_000) if "BATON_LEADS" in os.environ else 7
SEED = int(os.environ.get("BATON_SEED") or ANY)
LEADS, REPS, DAYS = (
    int(os.environ.get(f"BATON_{name}") or given) for name, given in (("LEADS", 40), ("REPS", 8), ("DAYS", 20))
)
# Of a large floor's leads few mean it, as anywhere; the suite's own is small, and so that much happens, nearly half do.
MEAN_IT = 0.04 if "BATON_LEADS" in os.environ else 0.4


def floor_of(seed: int, *, leads: int, reps: int, days: int, mean_it: float) -> Floor:
    """A floor on its first morning."""
    dice = random.Random(seed)
    house = company.found(dice, reps=reps, now=BEGINS_AT)
    floor = Floor(house, seed=seed, begins_at=BEGINS_AT, ends_at=BEGINS_AT + timedelta(days=days))
    happenings.let_it_begin(floor, leads=leads, mean_it=mean_it, edits=max(3, days // 10))
    return floor


@pytest.fixture(autouse=True)
def _post_is_taken(settings: Any) -> Iterator[None]:
    with smtp.serving(settings):
        yield


@pytest.fixture(autouse=True)
def _views_go(transactional_db: None) -> Iterator[None]:
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS changed, judged, looked_at CASCADE")


@pytest.mark.slow
@pytest.mark.timeout(0 if "BATON_LEADS" in os.environ else 300)
def test_all_invariants_hold_after_every_step() -> None:
    began = time.monotonic()
    floor = floor_of(SEED, leads=LEADS, reps=REPS, days=DAYS, mean_it=MEAN_IT)
    floor.say = print if "BATON_LEADS" in os.environ else floor.say
    try:
        floor.run()
        floor.lookout.look_at_everything(f"{floor.steps} steps")
    except BaseException as failed:
        failed.add_note(f"Play it again with BATON_SEED={SEED} BATON_LEADS={LEADS} BATON_REPS={REPS} BATON_DAYS={DAYS}")
        raise
    took, lookout = time.monotonic() - began, floor.lookout
    print(
        f"\nSeed {SEED}: {DAYS} days, {REPS} reps, {LEADS:,} leads, {floor.steps:,} steps, {floor.steps / took:.1f}/s, "
        f"{lookout.looks:,} looks at what a step touched and {lookout.whole_looks} at everything, "
        f"with {len(lookout.checks)} checks each, in {took:.0f} s"
    )
    for what, count in floor.counted.most_common():
        print(f"{count:>8}  {what}")


@pytest.mark.slow
class TestTheLookout:
    """What is broken on purpose, behind every verb's back, is seen after that very step."""

    BREAKS = {
        "due instants recompute": "UPDATE sla_clock SET due_at = due_at + interval '1 second' WHERE id = %(clock)s",
        "hand-off history ends in the state": "UPDATE sla_handoff SET version = version + 1 WHERE id = %(handoff)s",
        "phases equal hand-offs": "UPDATE scoring_episode SET phase = 'accepted' WHERE id = %(episode)s",
        "scores recompute": "UPDATE scoring_score SET total = total + 5000 WHERE lead_id = %(lead)s",
        "stage history ends in the state": "UPDATE leads_lead SET stage = 'CUSTOMER' WHERE id = %(lead)s",
    }

    def test_sees_what_no_history_tells(self) -> None:
        floor = floor_of(7, leads=3, reps=4, days=10, mean_it=1)
        while not Clock.objects.filter(verdict="", target="accept").exists():
            assert floor.step(look=True)
        clock = Clock.objects.filter(verdict="", target="accept").select_related("episode")[0]
        ids = {"clock": clock.pk, "handoff": clock.handoff_id}
        ids |= {"episode": clock.episode_id, "lead": clock.episode.lead_id}
        for name, sql in self.BREAKS.items():
            with transaction.atomic():
                with connection.cursor() as cursor:
                    cursor.execute(sql, ids)
                with pytest.raises(AssertionError, match=f"after it was broken:\n(.*\n)*{name}: "):
                    floor.lookout.look("it was broken")
                transaction.set_rollback(True)
        floor.lookout.look("all is well again")


@pytest.mark.slow
def test_the_same_seed_tells_the_same_story(emptying: Emptying) -> None:
    told = []
    for _ in range(2):
        floor = floor_of(7, leads=8, reps=4, days=8, mean_it=0.8)
        floor.run(look=False)
        told.append(floor.told.hexdigest())
        emptying.empty()
    assert told[0] == told[1]
