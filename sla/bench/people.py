"""N leads with twenty activities each, made by the database in one go, with the skew of real life: few leads meet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from leads.models import Source

ACTIVITIES_EACH: Final = 20

# Name, and its part in a hundred of what people do: most of it is looking around.
DONE: Final = (
    ("Visited Home Page", 22.0),
    ("Visited Blog Page", 18.0),
    ("Visited Product Page", 16.0),
    ("Opened Email", 14.0),
    ("Visited Pricing Page", 9.0),
    ("Visited Careers Page", 6.0),
    ("Downloaded Case Study", 5.0),
    ("Subscribed to Newsletter", 4.0),
    ("Attended Webinar", 2.0),
    ("Started Free Trial", 0.6),
    ("Unsubscribed", 1.0),
    ("Requested Demo", 0.04),
    ("Contacted Us", 0.03),
)

_TYPES: Final = """
INSERT INTO leads_activitytype (name, label, funnel_stage, is_shown, first_seen_at)
SELECT name, '', '', true, %s FROM unnest(%s::text[]) AS name ON CONFLICT (name) DO NOTHING
"""
_ACCOUNTS: Final = """
INSERT INTO leads_account (public_id, name, domain, industry, employees, country, intent, traits, created_at)
SELECT gen_random_uuid(), 'Company ' || n, 'c' || n || '.example',
       (ARRAY['Software', 'Logistics', 'Retail', 'Health', ''])[1 + n %% 5],
       CASE WHEN random() < 0.8 THEN (5 * exp(random() * 7))::int END, 'Germany', '', '{}', %s
FROM generate_series(1, greatest(%s / 5, 1)) AS n
"""
_LEADS: Final = """
WITH dice AS MATERIALIZED (SELECT n, random() AS r, random() AS spent FROM generate_series(1, %(n)s) AS made(n))
INSERT INTO leads_lead (public_id, email, first_name, last_name, title, seniority, phone, country, domain_kind, source,
    campaign, email_permission, phone_permission, traits, stage, stage_at, rest_until, evidence_from, is_test,
    created_at, account_id)
SELECT gen_random_uuid(), 'p' || dice.n || '@c' || a.number || '.example', 'P' || dice.n, 'Lead', '',
       CASE WHEN dice.r < 0.06 THEN 'director' WHEN dice.r < 0.08 THEN 'vp' WHEN dice.r < 0.10 THEN 'c_level'
            WHEN dice.r < 0.30 THEN 'manager' WHEN dice.r < 0.6 THEN 'senior' ELSE '' END,
       '', 'Germany', CASE WHEN random() < 0.85 THEN 'company' WHEN random() < 0.8 THEN 'free_mail' ELSE 'student' END,
       '', '', 'unknown', 'unknown', jsonb_build_object('plan', CASE WHEN random() < 0.1 THEN 'pro' ELSE 'free' END),
       'LEAD', %(since)s, CASE WHEN dice.spent < 0.01 THEN %(now)s + interval '30 days' END,
       CASE WHEN dice.spent < 0.03 THEN %(now)s - interval '20 days' END, false, %(since)s, a.id
FROM dice
JOIN (SELECT id, substr(domain, 2, position('.' in domain) - 2)::int AS number FROM leads_account
      WHERE domain ~ '^c[0-9]+[.]example$') AS a ON a.number = 1 + dice.n %% greatest(%(n)s / 5, 1)
"""
# Round after round, as the days go by: a lead's rows lie far apart, where life would have put them. The dice are cast
# once, and kept: a join that read them anew for each kind would give one act several kinds and another none.
_ACTIVITIES: Final = """
WITH done AS MATERIALIZED (
    SELECT l.id AS lead_id, round, random() AS r, %(now)s - interval '1 minute'
           - (20 - round + random()) * interval '6 days' AS at
    FROM generate_series(1, %(each)s) AS round CROSS JOIN (SELECT id FROM leads_lead ORDER BY id) AS l
)
INSERT INTO leads_activity (occurred_at, received_at, known_at, properties, context, message_id, origin, clamped,
    discount_reason, type_id, lead_id, source_id)
SELECT done.at, done.at, done.at,
       jsonb_build_object('path', '/p/' || (done.r * 1000)::int %% 40, 'plan', CASE WHEN random() < 0.2 THEN 'pro'
           ELSE 'free' END, 'amount', (random() * 500)::int, 'title', 'What teams like yours build with it'),
       jsonb_build_object('ip', '10.0.0.' || done.round, 'page', jsonb_build_object('url',
           'https://www.example.com/p/' || done.lead_id, 'referrer', 'https://search.example/')),
       'made-' || done.lead_id || '-' || done.round, 'api', false, '', t.id, done.lead_id, %(source)s
FROM done
JOIN (SELECT kind.id, part.low, part.high FROM unnest(%(names)s::text[], %(lows)s::float8[], %(highs)s::float8[])
      AS part(name, low, high) JOIN leads_activitytype kind ON kind.name = part.name) AS t
  ON done.r >= t.low AND done.r < t.high
"""


def populate(n: int, *, source: Source, now: datetime) -> int:
    """Make N leads and what they did; returns the number of activities. Nobody is marked for assessment."""
    total = sum(part for _, part in DONE)
    highs = [sum(part for _, part in DONE[: place + 1]) / total for place in range(len(DONE))]
    highs[-1] = 2.0
    values: dict[str, Any] = {
        "now": now,
        "since": now - timedelta(days=365),
        "n": n,
        "each": ACTIVITIES_EACH,
        "source": source.pk,
        "names": [name for name, _ in DONE],
        "lows": [0.0, *highs[:-1]],
        "highs": highs,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.25)")
        cursor.execute(_TYPES, [now, values["names"]])
        cursor.execute(_ACCOUNTS, [values["since"], n])
        cursor.execute(_LEADS, values)
        cursor.execute(_ACTIVITIES, values)
        made: int = cursor.rowcount
    _settle()
    return made


def _settle() -> None:
    """What autovacuum would have done by tomorrow."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE leads_account, leads_lead, leads_activity")
