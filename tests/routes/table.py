"""Who gets which answer, for every method of every route. A new route needs a row here, or the tests fail.

What is not yours is 404: not there. 302 leads a stranger to the log-in, and anybody else to where they were once it was
done. 401 is what a program without a good key is told. 403 is said of a whole door that is not for a role, never of one
thing. 405 is the answer to every method without a row. `docs/permissions.md` is printed from here.

A cell is one status, or one for each way in which the thing is theirs: for a rep (own, their team's, another team's,
nobody's, a colleague's at a company where they have a lead); for the others (their team's, another team's, nobody's).
"""

from __future__ import annotations

from tests.routes.answers import Answers, Row
from tests.routes.given import (
    a_team,
    an_order,
    began,
    converted,
    nudge,
    paused,
    put_off,
    read_elsewhere,
    rejected_before,
    stopped,
    to_a_mate,
    to_a_mates_address,
    until,
)
from tests.routes.patterns import (
    ACTS,
    ADMINS,
    CONTESTS,
    DEALS,
    DECIDES,
    DECIDES_CONTEST,
    DESK,
    EXTENDS,
    IMPORTS,
    KEEPS,
    KEYED,
    KEYED_RUNS,
    LANED,
    LANED_REPS,
    MARKETING,
    NA,
    ORDERS,
    OVERSEES,
    OWN_ALONE,
    PUBLIC,
    READS,
    READS_OFFER,
    READS_REJECTED,
    REJECTIONS,
    REOPENS,
    REPS,
    REVOPS,
    RUNS,
    SHADOWED,
    SIGNED_IN,
    SWITCHES,
    TOUCHES,
    api,
    done,
    named,
)

CALLED = {"means": "call", "outcome": "reached"}
UPHELD = {"decision": "uphold", "why": "It bounced"}
NO = {"reason": "bad_contact", "note": "It bounced."}
DAY_OFF = {"first_date": "2099-03-02", "last_date": "2099-03-03"}
ASKED = {"target": "depth", "reason": "They asked"}
WEEK = {"time_zone": "UTC", "weekly": {"tue": [["09:00", "17:00"]]}}
HOOK = {"name": "Another", "url": "https://93.184.216.34/x", "events": ["clock.breached"]}
HALYARD = {"name": "Halyard", "time_zone": "Europe/Berlin", "currency": "EUR"}
HOURS = {"team": "Night", "time_zone": "UTC", "hours": "09:00-17:00", "days": ["mon"]}
JOINING = {"password": "a-long-password-7", "password_again": "a-long-password-7", "time_zone": "UTC"}
STEPS = ("organization", "source", "import", "hours", "people", "definition", "promises", "test")
V1 = "/api/v1"
LEAD, HANDOFF, AWAY, ABSENCE = (
    "/leads/<public_id>",
    "/handoffs/<public_id>",
    "/away/<public_id>",
    "/absences/<public_id>",
)

LEADS = [
    Row("GET", "/leads/", "", SIGNED_IN),
    Row("GET", f"{LEAD}/", "lead", READS),
    Row("GET", f"{LEAD}/why/", "lead", READS),
    Row("GET", f"{LEAD}/why-not/", "lead", READS_OFFER),
    Row("GET", f"{LEAD}/promise/", "lead", READS),
    Row("GET", f"{LEAD}/story/", "lead", READS),
    Row("POST", f"{LEAD}/touch/", "lead", done(TOUCHES), CALLED),
    Row("POST", "/touches/<public_id>/undo/", "touch", OWN_ALONE.but("who recorded it")),
    Row("GET", f"{LEAD}/next/", "lead", READS),
    Row("POST", f"{LEAD}/log/", "lead", done(TOUCHES), {"chip": "no_answer"}),
    Row("POST", f"{LEAD}/checklist/", "promise", ACTS, {"need": "A faster desk"}),
    Row("POST", f"{LEAD}/deal/", "promise", DEALS, {"kind": "opened", "amount": "12000"}, converted),
    Row("POST", f"{LEAD}/promise/<target>/pause/", "promise", ACTS, ASKED, until),
    Row("POST", f"{LEAD}/promise/<target>/resume/", "promise", ACTS, given=paused),
    Row("POST", f"{LEAD}/promise/<target>/extend/", "promise", EXTENDS, ASKED | {"hours": "2"}),
    Row("POST", f"{HANDOFF}/accept/", "offered", ACTS),
    Row("POST", f"{HANDOFF}/reject/", "offered", ACTS, NO),
    Row("POST", f"{HANDOFF}/convert/", "accepted", ACTS),
    Row("POST", f"{HANDOFF}/return/", "accepted", ACTS, NO),
    Row("POST", f"{HANDOFF}/hand-over/", "offered", ACTS, given=to_a_mate),
    Row("POST", "/handoffs/bulk/", "", done(SIGNED_IN).but("who is signed in, of what they may act on")),
    Row("POST", f"{HANDOFF}/later/", "accepted", ACTS, given=until),
    Row("POST", f"{HANDOFF}/later/undo/", "accepted", ACTS, given=put_off),
    Row("POST", f"{HANDOFF}/wake/", "accepted", ACTS, given=put_off),
    Row("POST", f"{HANDOFF}/undo/", "rejected", ACTS),
    Row("POST", f"{HANDOFF}/reopen/", "rejected", REOPENS, {"why": "A new number"}),
    Row("POST", f"{HANDOFF}/split/", "joined", ACTS),
    Row("GET", f"{HANDOFF}/contest/", "rejected", CONTESTS.but(marketing=200, admin=200)),
    Row("POST", f"{HANDOFF}/contest/", "rejected", CONTESTS, {"why": "They wrote from it"}, rejected_before),
    Row("GET", "/rejections/", "", REJECTIONS),
    Row("GET", "/answer/<token>/", "letter", PUBLIC.but("who has the mail")),
    Row("POST", "/answer/<token>/", "letter", PUBLIC.but("who has the mail"), {"answer": "accept"}),
]

INBOX = [
    Row("GET", "/", "", done(SIGNED_IN)),
    Row("GET", "/inbox/", "", SIGNED_IN),
    Row("GET", "/inbox/arrivals/", "", SIGNED_IN),
    Row("POST", "/inbox/next/", "", done(SIGNED_IN)),
    Row("GET", "/inbox/pool/", "", SIGNED_IN),
    Row("GET", "/timers/", "", SIGNED_IN),
    Row("GET", "/palette/", "", SIGNED_IN),
    Row("POST", "/inbox/filters/", "", done(SIGNED_IN), {"name": "Hot ones", "query": "tier=hot"}),
    Row("POST", "/inbox/filters/<public_id>/", "saved filter", OWN_ALONE, {"do": "delete"}),
    Row("GET", "/preferences/mail/", "", SIGNED_IN),
    Row("POST", "/preferences/mail/", "", done(SIGNED_IN)),
    Row("POST", "/preferences/", "", done(SIGNED_IN), {"theme": "dark"}),
]

BOARD = [
    Row("GET", "/board/", "", OVERSEES),
    Row("GET", "/board/last-minute/", "", OVERSEES),
    Row("GET", "/attainment/", "", SIGNED_IN),
    Row("GET", "/attainment/leads/", "", SIGNED_IN),
    Row("POST", "/board/waiting/<public_id>/give/", "waiting", DECIDES),
    Row("POST", "/board/standing/<public_id>/release/", "standing", DECIDES),
    Row("POST", "/board/standing/<public_id>/dismiss/", "standing", DECIDES),
    Row("POST", "/board/left/<public_id>/give/", "left behind", DECIDES),
    Row("POST", "/board/left/<public_id>/keep/", "left behind", DECIDES),
    Row("POST", "/board/left/<public_id>/route/", "left behind", DECIDES),
]

BOARD += [
    Row("GET", "/board/contests/<public_id>/", "contest", DECIDES_CONTEST.but(manager=(200, 404, NA))),
    Row(
        "POST", "/board/contests/<public_id>/", "contest", DECIDES_CONTEST, {"decision": "uphold", "why": "It bounced"}
    ),
    Row("GET", "/board/fresh/", "", OVERSEES),
    Row("GET", "/board/narrow/", "", OVERSEES),
    Row("GET", "/board/due/<public_id>/", "offered", LANED),
    Row("GET", "/board/act/", "", OVERSEES),
    Row("POST", "/board/act/", "", OVERSEES.but("managers, on what is their teams'"), given=nudge),
    Row("GET", "/board/as/<public_id>/", "rep", LANED_REPS),
    Row("GET", "/board/standing/", "", OVERSEES),
    Row("POST", "/board/standing/", "", done(OVERSEES), given=an_order),
    Row("POST", "/board/standing/orders/<public_id>/stop/", "order", ORDERS),
    Row("POST", "/board/standing/orders/<public_id>/resume/", "order", ORDERS, given=stopped),
]

START = [
    Row("GET", "/start/", "", RUNS),
    Row("POST", "/start/", "", done(RUNS), {"skip": "import"}),
    *(Row("GET", f"/start/{step}/", "", RUNS) for step in STEPS),
    Row("POST", "/start/organization/", "", done(RUNS), HALYARD),
    Row("POST", "/start/source/", "", RUNS, {"name": "Shop", "kind": "server"}),
    Row("POST", "/start/import/", "", RUNS),
    Row("POST", "/start/hours/", "", done(RUNS), HOURS),
    Row(
        "POST",
        "/start/people/",
        "",
        done(RUNS),
        {"email": "nia@halyard.example", "full_name": "Nia", "role": "marketing"},
    ),
    Row("POST", "/start/definition/", "", RUNS.but(revops=422, admin=422)),
    Row("POST", "/start/promises/", "", RUNS.but(revops=422, admin=422)),
    Row("POST", "/start/test/", "", done(RUNS)),
    Row("GET", "/import/", "", IMPORTS),
    Row("POST", "/import/", "", IMPORTS.but(marketing=422, revops=422, admin=422)),
    Row("GET", "/import/<public_id>/", "upload", done(IMPORTS).but("who uploaded it", revops=200)),
    Row("POST", "/import/<public_id>/", "upload", done(IMPORTS).but("who uploaded it"), {"do": "import"}),
    Row("GET", "/import/report/<public_id>/", "import", IMPORTS),
    Row("GET", "/import/report/<public_id>/refused.csv", "import", IMPORTS),
    Row("GET", "/join/<token>/", "invitation", PUBLIC.but("who has the mail")),
    Row("POST", "/join/<token>/", "invitation", done(PUBLIC).but("who has the mail", anonymous=302), JOINING),
    Row("POST", "/hints/close/", "", done(SIGNED_IN), {"route": "inbox"}),
    Row("GET", "/docs/<name>/", "doc", SIGNED_IN),
]

PEOPLE = [
    Row("GET", "/team/", "", OVERSEES),
    Row("GET", "/team/<public_id>/leaving/", "rep", RUNS),
    Row("POST", "/team/<public_id>/leaving/", "rep", done(RUNS), {"next_owner": "route"}),
    Row("POST", "/team/<public_id>/back/", "rep", done(RUNS)),
    Row("GET", "/away/", "", REPS),
    Row("POST", "/away/", "", done(REPS), DAY_OFF),
    Row("GET", f"{AWAY}/", "rep", KEEPS),
    Row("POST", f"{AWAY}/", "rep", done(KEEPS), DAY_OFF),
    Row("POST", f"{AWAY}/calendar/", "rep", done(KEEPS), given=read_elsewhere),
    Row("POST", f"{AWAY}/calendar/forget/", "rep", done(KEEPS)),
    Row("GET", f"{AWAY}/<absence>/", "absence", KEEPS),
    Row("POST", f"{AWAY}/<absence>/", "absence", done(KEEPS), DAY_OFF),
    Row("POST", f"{AWAY}/<absence>/end/", "absence", done(KEEPS), given=began),
    Row("POST", f"{AWAY}/<absence>/cancel/", "absence", done(KEEPS)),
    Row("GET", "/calendars/<public_id>/", "calendar", SIGNED_IN),
]

WORKINGS = [
    Row("GET", "/fairness/", "", SIGNED_IN),
    Row("GET", "/simulator/", "", OVERSEES),
    Row("GET", "/status/", "", OVERSEES),
    Row("GET", "/shadow/", "", OVERSEES),
    Row("POST", "/shadow/", "", done(OVERSEES), given=a_team),
    Row("GET", "/shadow/<public_id>/", "shadow", SHADOWED),
    Row("GET", "/shadow/<public_id>/live/", "shadow", SWITCHES),
    Row("POST", "/shadow/<public_id>/live/", "shadow", done(SWITCHES), {"ending": "stand"}),
]

PROGRAMS = [
    Row("GET", f"{V1}/leads/", "", KEYED),
    Row("GET", f"{V1}{LEAD}/", "lead", api(READS)),
    Row("GET", f"{V1}{LEAD}/scores/", "lead", api(READS)),
    Row("GET", f"{V1}/activities/", "", KEYED),
    Row("GET", f"{V1}/definitions/", "", KEYED),
    Row("GET", f"{V1}/definitions/<public_id>/", "definition", KEYED),
    Row("GET", f"{V1}/handoffs/", "", KEYED),
    Row("GET", f"{V1}{HANDOFF}/", "offered", api(READS)),
    Row("GET", f"{V1}{HANDOFF}/clocks/", "offered", api(READS)),
    Row("POST", f"{V1}{HANDOFF}/accept/", "offered", api(ACTS)),
    Row("POST", f"{V1}{HANDOFF}/reject/", "offered", api(ACTS), NO),
    Row("POST", f"{V1}{HANDOFF}/convert/", "accepted", api(ACTS)),
    Row("POST", f"{V1}{HANDOFF}/return/", "accepted", api(ACTS), NO),
    Row("POST", f"{V1}{HANDOFF}/hand-over/", "offered", api(ACTS), given=to_a_mates_address),
    Row("POST", f"{V1}{HANDOFF}/split/", "joined", api(ACTS)),
    Row("POST", f"{V1}{HANDOFF}/touch/", "offered", api(ACTS, 201), CALLED),
    Row("POST", f"{V1}{HANDOFF}/pause/", "accepted", api(ACTS), ASKED, until),
    Row("POST", f"{V1}{HANDOFF}/resume/", "accepted", api(ACTS), ASKED, paused),
    Row("POST", f"{V1}{HANDOFF}/extend/", "accepted", api(EXTENDS), ASKED | {"seconds": 3600}),
    Row("POST", f"{V1}{HANDOFF}/contest/", "rejected", api(CONTESTS, 201), {"words": "They wrote"}, rejected_before),
    Row("GET", f"{V1}/contests/", "", KEYED),
    Row("GET", f"{V1}/contests/<public_id>/", "contest", api(READS_REJECTED)),
    Row("POST", f"{V1}/contests/<public_id>/uphold/", "contest", api(DECIDES_CONTEST), {"why": "It bounced"}),
    Row("POST", f"{V1}/contests/<public_id>/overturn/", "contest", api(DECIDES_CONTEST), {"why": "They wrote"}),
    Row("GET", f"{V1}/touches/", "", KEYED),
    Row("POST", f"{V1}/touches/", "lead named", named(api(TOUCHES, 201)), CALLED),
    Row("GET", f"{V1}/touches/last-minute/", "", api(OVERSEES)),
    Row("GET", f"{V1}/attainment/", "", KEYED),
    Row("GET", f"{V1}/absences/", "", KEYED),
    Row("POST", f"{V1}/absences/", "rep named", named(api(KEEPS, 201)), DAY_OFF),
    Row("GET", f"{V1}{ABSENCE}/", "absence over the API", api(KEEPS)),
    Row("PATCH", f"{V1}{ABSENCE}/", "absence over the API", api(KEEPS), {"why": "A wedding"}),
    Row("DELETE", f"{V1}{ABSENCE}/", "absence over the API", api(KEEPS, 204)),
    Row("POST", f"{V1}{ABSENCE}/end/", "absence over the API", api(KEEPS), given=began),
    Row("GET", f"{V1}/calendars/", "", KEYED),
    Row("GET", f"{V1}/calendars/<public_id>/", "calendar", KEYED),
    Row("POST", f"{V1}/deadline/", "", KEYED, {"start": "2026-03-10T15:00:00Z", "seconds": 60, "calendar": WEEK}),
    Row(
        *("POST", f"{V1}/elapsed/", "", KEYED),
        {"start": "2026-03-10T15:00:00Z", "end": "2026-03-10T16:00:00Z", "calendar": WEEK},
    ),
    Row("POST", f"{V1}/pull/", "", KEYED.but("reps", manager=409, marketing=409, revops=409, admin=409)),
    Row("POST", f"{V1}/simulate/", "", api(OVERSEES).but(rep=403, marketing=403), {"attributes": {}}),
    Row("GET", f"{V1}/endpoints/", "", KEYED_RUNS),
    Row("POST", f"{V1}/endpoints/", "", KEYED_RUNS.but(revops=201, admin=201), HOOK),
    Row("GET", f"{V1}/endpoints/<public_id>/", "endpoint", KEYED_RUNS),
    Row("PATCH", f"{V1}/endpoints/<public_id>/", "endpoint", KEYED_RUNS, {"is_active": False}),
    Row("POST", f"{V1}/endpoints/<public_id>/secret/", "endpoint", KEYED_RUNS),
    Row("GET", f"{V1}/dead-letters/", "", KEYED_RUNS),
    Row("GET", f"{V1}/dead-letters/<public_id>/", "dead letter", KEYED_RUNS),
    Row("POST", f"{V1}/dead-letters/<public_id>/replay/", "dead letter", KEYED_RUNS),
    Row("POST", f"{V1}/dead-letters/replay/", "dead letter", KEYED_RUNS),
]

MACHINES = [
    Row("GET", "/api/schema/", "", PUBLIC),
    Row("GET", "/api/docs/", "", PUBLIC),
    # 503 says that nothing runs; and nothing does, in a test.
    Row("GET", "/healthz", "", Answers("everybody", 503, 503, 503, 503, 503, 503)),
    Row("GET", "/healthz/<name>", "part", PUBLIC),
    # Its keys are those of sources; `test_doors_for_machines` shows it all of them.
    Row("POST", "/v1/<call>", "call", Answers("a source's write key", 401, 401, 401, 401, 401, 401)),
    Row("GET", "/f/<public_id>/", "form", PUBLIC),
    Row("POST", "/f/<public_id>/", "form", done(PUBLIC, 303).but(anonymous=303), {"email": "ana@acme.example"}),
    Row("GET", "/f/<public_id>/opened/", "form", PUBLIC),
    Row("GET", "/f/<public_id>/thanks/", "form", PUBLIC),
    Row("GET", "/tag/<public_id>.js", "site", PUBLIC),
]

LEFT_OUT = done(PUBLIC).but("nobody: it leads on", anonymous=302)
IN_OR_OUT = done(PUBLIC).but("who is not signed in")
MINE = SIGNED_IN.but("who is signed in, their own")
LOGGING_IN = [
    Row("GET", "/accounts/login/", "", IN_OR_OUT),
    Row("POST", "/accounts/login/", "", IN_OR_OUT),
    Row("GET", "/accounts/logout/", "", MINE),
    Row("POST", "/accounts/logout/", "", done(MINE)),
    Row("GET", "/accounts/inactive/", "", PUBLIC),
    Row("GET", "/accounts/signup/", "", IN_OR_OUT.but("nobody; the page says so")),
    Row("POST", "/accounts/signup/", "", IN_OR_OUT.but("nobody; the page says so")),
    Row("GET", "/accounts/reauthenticate/", "", done(MINE, 403)),
    Row("POST", "/accounts/reauthenticate/", "", done(MINE, 403)),
    Row("GET", "/accounts/email/", "", MINE),
    Row("POST", "/accounts/email/", "", done(MINE)),
    Row("GET", "/accounts/confirm-email/", "", PUBLIC),
    Row("GET", "/accounts/confirm-email/<key>/", "sign", PUBLIC.but("who has the mail")),
    Row("POST", "/accounts/confirm-email/<key>/", "sign", done(PUBLIC, 404).but("who has the mail", anonymous=404)),
    Row("GET", "/accounts/password/change/", "", done(MINE)),
    Row("POST", "/accounts/password/change/", "", done(MINE)),
    Row("GET", "/accounts/password/set/", "", MINE),
    Row("POST", "/accounts/password/set/", "", MINE),
    Row("GET", "/accounts/password/reset/", "", PUBLIC),
    Row("POST", "/accounts/password/reset/", "", PUBLIC),
    Row("GET", "/accounts/password/reset/done/", "", PUBLIC),
    Row("GET", "/accounts/password/reset/key/<uidb36>-<key>/", "sign", PUBLIC.but("who has the mail")),
    Row("POST", "/accounts/password/reset/key/<uidb36>-<key>/", "sign", PUBLIC.but("who has the mail")),
    Row("GET", "/accounts/password/reset/key/done/", "", PUBLIC),
    Row("GET", "/accounts/login/code/confirm/", "", LEFT_OUT),
    Row("POST", "/accounts/login/code/confirm/", "", LEFT_OUT),
]

DEFINITION, POLICY = "/admin/scoring/definitionversion/<object_id>", "/admin/sla/policyversion/<object_id>"
# Pages of the admin that are ours; what it makes of each model stands in `tests/admin/test_roles.py`.
ADMIN = [
    Row("GET", "/admin/leads/job/<object_id>/stop/", "admin job", REVOPS),
    Row("GET", "/admin/leads/user/<object_id>/close/", "admin user", ADMINS),
    Row("GET", "/admin/leads/user/<object_id>/reopen/", "admin user", ADMINS),
    Row("GET", "/admin/scoring/definition/<object_id>/draft/", "admin definition", done(MARKETING)),
    Row("GET", f"{DEFINITION}/publish/", "admin draft", done(MARKETING)),
    Row("GET", f"{DEFINITION}/new-draft/", "admin version", done(MARKETING)),
    Row("GET", f"{DEFINITION}/discard/", "admin draft", MARKETING),
    Row("POST", "/admin/sla/calendar/preview/", "", REVOPS.but(manager=404, marketing=404)),
    Row("POST", "/admin/sla/drafttemplate/preview/", "", DESK),
    Row("GET", "/admin/sla/calendar/<object_id>/retime/", "admin calendar", REVOPS),
    Row("GET", "/admin/sla/rep/<object_id>/take-out/", "admin rep", done(REVOPS)),
    Row("GET", "/admin/sla/rep/<object_id>/bring-back/", "admin rep", REVOPS),
    Row("GET", "/admin/sla/policy/<object_id>/draft/", "admin policy", done(REVOPS)),
    Row("GET", f"{POLICY}/publish/", "admin promise draft", REVOPS),
    Row("GET", f"{POLICY}/new-draft/", "admin promise", done(REVOPS)),
    Row("GET", f"{POLICY}/retime/", "admin promise", REVOPS),
    Row("GET", f"{POLICY}/discard/", "admin promise draft", REVOPS),
    Row("GET", "/admin/sla/shadow/<object_id>/report/", "admin shadow", done(REVOPS)),
    Row("GET", "/admin/sla/shadow/<object_id>/live/", "admin shadow", done(REVOPS)),
]

TABLE: dict[str, list[Row]] = {
    "Leads and verdicts": LEADS,
    "The inbox": INBOX,
    "The board": BOARD,
    "The first day": START,
    "People and time off": PEOPLE,
    "How it works": WORKINGS,
    "Programs": PROGRAMS,
    "Machines": MACHINES,
    "Logging in": LOGGING_IN,
    "The admin": ADMIN,
}
