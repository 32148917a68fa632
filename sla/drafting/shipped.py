"""The drafts that every installation starts with; what people changed or took out of use stays as they left it."""

from __future__ import annotations

from typing import Final

from django.db import connection

from scoring.models import Tier
from sla.models import DraftTemplate

CLOSE: Final = """\
Hi {first_name|there},

I saw you {last_activity} {last_day}, so I am writing to you right away.

What would you like to see first? Tell me in one line, and I will have it ready when we talk.

Pick a time that suits you: {booking_link}
Or send me two times that work for you, and I will call.

Best regards
{rep_name}
{our_company}"""

LOOKED: Final = """\
Hi {first_name|there},

I saw you looked at {most_read}. I can tell you in ten minutes what it takes to start, and what it costs.

Which of the two matters more to you right now?

My calendar is here: {booking_link}

Best regards
{rep_name}
{our_company}"""

SHORT: Final = """\
Hi {first_name|there},

you {last_activity} {last_day}. What are you trying to solve?

One line is enough, and I will point you to what helps, or say honestly that we don't.

{rep_first_name}
{our_company}"""

CALLED: Final = """\
Hi {first_name|there},

I have just tried to reach you by phone. It was about {most_read}, which you looked at.

When may I try again? Or pick a time yourself: {booking_link}
When suits you best this week?

Best regards
{rep_name}
{our_company}"""

GERMAN: Final = """\
Guten Tag,

danke für Ihr Interesse an {our_company}. Ich bin Ihr Ansprechpartner und helfe Ihnen gern weiter.

Was möchten Sie als Erstes klären? Eine Zeile genügt.

Termin direkt aussuchen: {booking_link}

Freundliche Grüße
{rep_name}"""

# name, subject, body, tier, language
SHIPPED: Final = (
    ("Close to a decision", "What shall I show you first?", CLOSE, Tier.HOT, "en"),
    ("What they looked at", "Two quick answers for {company|you}", LOOKED, "", "en"),
    ("Short question", "A quick question, {first_name|if I may}", SHORT, "", "en"),
    ("After a missed call", "Sorry I missed you", CALLED, "", "en"),
    ("Erste Nachricht", "Ihre Anfrage bei {our_company}", GERMAN, "", "de"),
)


def ship() -> None:
    """Each shipped draft once, by its name, in an empty place only: one that was deleted stays deleted."""
    if DraftTemplate._meta.db_table not in connection.introspection.table_names() or DraftTemplate.objects.exists():
        return
    DraftTemplate.objects.bulk_create(
        DraftTemplate(
            name=name, subject=subject, body=body, tier=tier, language=language, position=number * 10, is_shipped=True
        )
        for number, (name, subject, body, tier, language) in enumerate(SHIPPED, start=1)
    )
