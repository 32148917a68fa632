"""Calendar files in the shapes in which Google, Outlook and Apple give them out, and hostile ones."""

from __future__ import annotations


def calendar(*events: str, head: str = "") -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Halyard//EN", *head.split("\n"), *events, "END:VCALENDAR"]
    return "\r\n".join(line for line in lines if line).replace("\n", "\r\n").replace("\r\r", "\r").encode() + b"\r\n"


def event(*lines: str, uid: str = "1@halyard.example") -> str:
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT"])


# Google gives times in UTC, days as dates, the zone in a property of its own, and free days as transparent.
GOOGLE = calendar(
    event("DTSTART;VALUE=DATE:20260316", "DTEND;VALUE=DATE:20260321", "SUMMARY:Skiing", "TRANSP:OPAQUE", uid="a"),
    event("DTSTART;VALUE=DATE:20260312", "DTEND;VALUE=DATE:20260313", "SUMMARY:Party", "TRANSP:TRANSPARENT", uid="b"),
    event("DTSTART:20260311T130000Z", "DTEND:20260311T140000Z", "SUMMARY:Team", "STATUS:CONFIRMED", uid="c"),
    event("DTSTART:20260311T133000Z", "DTEND:20260311T150000Z", "SUMMARY:Out of office", uid="d"),
    event("DTSTART:20260312T090000Z", "DTEND:20260312T100000Z", "SUMMARY:Gone", "STATUS:CANCELLED", uid="e"),
    event(
        "DTSTART:20260313T090000Z",
        "DTEND:20260313T100000Z",
        "SUMMARY:Declined",
        "ATTENDEE;CN=Ben;PARTSTAT=DECLINED:mailto:ben@halyard.example",
        uid="f",
    ),
    head="X-WR-CALNAME:ben@halyard.example\r\nX-WR-TIMEZONE:America/New_York",
)
# Outlook names Windows zones, defines them itself, and has a word of its own for how busy somebody is.
OUTLOOK = calendar(
    "\r\n".join(
        [
            *("BEGIN:VTIMEZONE", "TZID:W. Europe Standard Time"),
            *("BEGIN:STANDARD", "DTSTART:16010101T030000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100"),
            *("RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10", "END:STANDARD"),
            *("BEGIN:DAYLIGHT", "DTSTART:16010101T020000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200"),
            *("RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3", "END:DAYLIGHT", "END:VTIMEZONE"),
        ]
    ),
    event(
        "DTSTART;TZID=W. Europe Standard Time:20260327T090000",
        "DTEND;TZID=W. Europe Standard Time:20260327T120000",
        "RRULE:FREQ=DAILY;COUNT=4",
        "EXDATE;TZID=W. Europe Standard Time:20260328T090000",
        "SUMMARY:Fair",
        "X-MICROSOFT-CDO-BUSYSTATUS:OOF",
        uid="a",
    ),
    event(
        "DTSTART;TZID=W. Europe Standard Time:20260326T140000",
        "DTEND;TZID=W. Europe Standard Time:20260326T150000",
        "SUMMARY:Review",
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        uid="b",
    ),
    *(
        event("DTSTART:20260325T090000Z", "DTEND:20260325T100000Z", f"X-MICROSOFT-CDO-BUSYSTATUS:{word}", uid=word)
        for word in ("FREE", "TENTATIVE", "WORKINGELSEWHERE")
    ),
)
# Apple writes local times with IANA zones, durations, and moved occurrences as entries of their own.
APPLE = calendar(
    event(
        "DTSTART;TZID=Europe/Berlin:20260309T100000",
        "DURATION:PT1H30M",
        "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3",
        "SUMMARY:Kurs",
        uid="a",
    ),
    event(
        "RECURRENCE-ID;TZID=Europe/Berlin:20260316T100000",
        "DTSTART;TZID=Europe/Berlin:20260317T160000",
        "DURATION:PT1H",
        "SUMMARY:Kurs",
        uid="a",
    ),
    event("DTSTART:20260312T080000", "DTEND:20260312T090000", "SUMMARY:Floating", uid="b"),
)
BOMBS = calendar(
    event("DTSTART:20200101T000000Z", "DTEND:20200101T000001Z", "RRULE:FREQ=SECONDLY", uid="a"),
    event("DTSTART:20200101T000000Z", "DURATION:PT1S", "RRULE:FREQ=HOURLY;BYMINUTE=1,2,3;BYSECOND=1,2", uid="b"),
    event(
        "DTSTART:20200101T000000Z",
        "DURATION:PT1S",
        "RRULE:FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7;BYMINUTE=0,1,2,3;BYSECOND=0,1,2",
        uid="c",
    ),
    event("DTSTART:00010101T000000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY", uid="d"),
    event("DTSTART:20260310T090000Z", "DTEND:20260310T100000Z", "SUMMARY:Real", uid="e"),
)
# A server that tells when somebody is busy and not why. Tentative hours and free ones are nobody's absence.
FREE_AND_BUSY = calendar(
    "\r\n".join(
        [
            *("BEGIN:VFREEBUSY", "UID:fb", "DTSTAMP:20260301T000000Z", "ATTENDEE:mailto:ben@halyard.example"),
            *("DTSTART:20260310T000000Z", "DTEND:20260401T000000Z"),
            "FREEBUSY:20260311T130000Z/20260311T140000Z,20260311T133000Z/PT1H30M",
            "FREEBUSY;FBTYPE=FREE:20260312T090000Z/PT1H",
            "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20260312T110000Z/PT1H",
            "FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20260313T000000Z/P1D",
            "FREEBUSY;FBTYPE=X-TRAVEL:20260316T090000Z/PT1H",
            "FREEBUSY;FBTYPE=BUSY:20300101T090000Z/PT1H,99991231T090000Z/PT1H",
            "END:VFREEBUSY",
        ]
    )
)
