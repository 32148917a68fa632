"""Histories that came a moment too late: written aside while another process was putting a name to their browser."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from leads import activities, batch, binding, bulk, profiles
from leads.identity import ANONYMOUS_ID, Key
from leads.transactions import business

# The two transactions overlap by moments; an hour leaves room for a clock process that was down.
LATELY: Final = timedelta(hours=1)
_LATE: Final = """
SELECT DISTINCT waiting.anonymous_id
  FROM leads_anonymousactivity AS waiting
  JOIN leads_identity AS identity ON identity.kind = 'anonymous_id' AND identity.value = waiting.anonymous_id
 WHERE waiting.received_at > %s
 LIMIT %s
"""


@business
def join_late(*, now: datetime, limit: int = 1_000) -> int:
    """Move what waits aside although its browser has a name by now; returns how many activities it was.

    A sweep: the browser's next event does the same at once.
    """
    late = sorted(Key(ANONYMOUS_ID, name) for (name,) in bulk.run(_LATE, [now - LATELY, limit]))
    browsers = {key.value: lead_id for key, lead_id in binding.lock(late).items()}
    if not browsers:
        return 0
    known, _ = profiles.lock(set(browsers.values()))
    joined = batch.learn_history(known, activities.join(browsers, now=now))
    for profile in known.values():
        profile.conclude(None)
    changed = profiles.save(known.values(), now=now, origin="api")
    batch.settle(joined, changed=changed, now=now)
    return len(joined)
