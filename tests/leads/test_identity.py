"""Who is who: tables of what a register decides, and the same through the verb."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from leads import joining
from leads.identity import ANONYMOUS_ID, EMAIL, USER_ID, Key, Person, Register, may_merge
from leads.models import Activity, AnonymousActivity, AwaitingAssessment, Identity, IdentityConflict, Lead, Source
from leads.sources import create_source
from tests.leads.sending import call, send

U7, U8 = Key(USER_ID, "7"), Key(USER_ID, "8")
JANE, JOHN = Key(EMAIL, "jane@acme.com"), Key(EMAIL, "john@acme.com")
TAB, PHONE = Key(ANONYMOUS_ID, "tab"), Key(ANONYMOUS_ID, "phone")


def register(known: dict[int, list[Key]], *, trusted: bool = True) -> Register:
    found = Register(trusted=trusted)
    found.know(
        {key: lead for lead, keys in known.items() for key in keys},
        {(lead, key.kind) for lead, keys in known.items() for key in keys},
    )
    return found


def result(found: Register, person: Person) -> tuple[object, ...]:
    """The lead it is, what was bound, who was merged into whom, who stands in conflict."""
    return (
        person.itself().lead_id,
        {key: bound.itself().lead_id for key, bound in found.bound.items()},
        [(merge.winner.lead_id, merge.loser.lead_id) for merge in found.merges],
        [(one.person.lead_id, one.other.lead_id, one.kind) for one in found.conflicts],
    )


class TestIdentifyFromAServer:
    @pytest.mark.parametrize(
        ("known", "said", "expected"),
        [
            # nobody is known: a new lead gets all three
            ({}, (U7, JANE, TAB), (None, {U7: None, JANE: None, TAB: None}, [], [])),
            # user id outranks; the e-mail is free and becomes a further one
            ({1: [U7, JOHN]}, (U7, JANE, None), (1, {JANE: 1}, [], [])),
            # the e-mail finds the lead, the user id is free
            ({1: [JANE]}, (U7, JANE, None), (1, {U7: 1}, [], [])),
            # … also where the lead has another user id: the same as if 7 had been seen before, without an e-mail
            ({1: [U8, JANE]}, (U7, JANE, None), (1, {U7: 1}, [], [])),
            ({1: [U8, JANE], 2: [U7]}, (U7, JANE, None), (2, {}, [(2, 1)], [])),
            # two leads, and one lacks the other kind: one person; the lead with the user id wins
            ({1: [JANE], 2: [U7]}, (U7, JANE, None), (2, {}, [(2, 1)], [])),
            ({1: [U7, JOHN], 2: [JANE]}, (U7, JANE, None), (1, {}, [(1, 2)], [])),
            # two leads with both kinds each: the user id wins, the e-mail stays, a person is told
            ({1: [U7, JOHN], 2: [U8, JANE]}, (U7, JANE, None), (1, {}, [], [(1, 2, EMAIL)])),
            # a browser finds the lead that lacks what is new
            ({1: [TAB]}, (U7, JANE, TAB), (1, {U7: 1, JANE: 1}, [], [])),
            ({1: [TAB, JANE]}, (U7, None, TAB), (1, {U7: 1}, [], [])),
            # … but not one that has another: somebody else at the same desk; the browser keeps its name
            ({1: [TAB, U8]}, (U7, None, TAB), (None, {U7: None}, [], [])),
            ({1: [TAB, JOHN]}, (None, JANE, TAB), (None, {JANE: None}, [], [])),
            # a free browser is bound; one of a nameless lead brings that lead along
            ({1: [U7]}, (U7, None, TAB), (1, {TAB: 1}, [], [])),
            ({1: [U7], 2: [TAB, PHONE]}, (U7, None, TAB), (1, {}, [(1, 2)], [])),
            # neither has a user id: the older wins
            ({1: [TAB], 2: [JANE]}, (None, JANE, TAB), (1, {}, [(1, 2)], [])),
            # one that names a lead with a name of its own stays there
            ({1: [U7], 2: [TAB, JANE]}, (U7, None, TAB), (1, {}, [], [])),
        ],
    )
    def test_decides(self, known: dict[int, list[Key]], said: tuple[Key | None, ...], expected: object) -> None:
        found = register(known)
        person = found.identify(*(key.value if key else None for key in said))
        assert result(found, person) == expected


class TestIdentifyFromABrowser:
    @pytest.mark.parametrize(
        ("known", "said", "expected"),
        [
            # it may bind what is free to a lead that lacks the kind
            ({}, (U7, JANE, TAB), (None, {U7: None, JANE: None, TAB: None}, [], [])),
            ({1: [U7]}, (U7, JANE, TAB), (1, {JANE: 1, TAB: 1}, [], [])),
            ({1: [JANE]}, (U7, JANE, None), (1, {U7: 1}, [], [])),
            # never a second one of a kind
            ({1: [U7, JOHN]}, (U7, JANE, None), (1, {}, [], [])),
            ({1: [U8, JANE]}, (U7, JANE, None), (None, {U7: None}, [], [(None, 1, EMAIL)])),
            # and never merge
            ({1: [JANE], 2: [U7]}, (U7, JANE, None), (2, {}, [], [(2, 1, EMAIL)])),
            ({1: [U7], 2: [TAB]}, (U7, None, TAB), (1, {}, [], [])),
        ],
    )
    def test_decides(self, known: dict[int, list[Key]], said: tuple[Key | None, ...], expected: object) -> None:
        found = register(known, trusted=False)
        person = found.identify(*(key.value if key else None for key in said))
        assert result(found, person) == expected


class TestAlias:
    @pytest.mark.parametrize(
        ("known", "previous", "trusted", "expected"),
        [
            # both free, or one of them
            ({}, "tab", True, (None, {U7: None, TAB: None}, [], [])),
            ({1: [U7]}, "tab", True, (1, {TAB: 1}, [], [])),
            ({1: [TAB]}, "tab", True, (1, {U7: 1}, [], [])),
            ({1: [U8, JANE]}, "8", True, (1, {U7: 1}, [], [])),
            # both known: merged into the one alias's userId names
            ({1: [U8, JANE], 2: [U7]}, "8", True, (2, {}, [(2, 1)], [])),
            ({1: [TAB], 2: [U7, JANE]}, "tab", True, (2, {}, [(2, 1)], [])),
            ({1: [JANE], 2: [U7]}, "jane@acme.com", True, (2, {}, [(2, 1)], [])),
            # under the same rule as identify
            ({1: [U8, JOHN], 2: [U7, JANE]}, "8", True, (2, {}, [], [(2, 1, USER_ID)])),
            # a browser merges nothing and gives nobody a second user id
            ({1: [TAB], 2: [U7, JANE]}, "tab", False, (2, {}, [], [(2, 1, ANONYMOUS_ID)])),
            ({1: [U8, JANE]}, "8", False, (None, {U7: None}, [], [(None, 1, USER_ID)])),
            ({1: [TAB]}, "tab", False, (1, {U7: 1}, [], [])),
            # said twice
            ({1: [U7, TAB]}, "tab", True, (1, {}, [], [])),
        ],
    )
    def test_decides(self, known: dict[int, list[Key]], previous: str, trusted: bool, expected: object) -> None:
        found = register(known, trusted=trusted)
        assert result(found, found.alias(previous, "7")) == expected


class TestMayMerge:
    @pytest.mark.parametrize("bits", range(16))
    def test_refuses_only_two_with_both_kinds_each(self, bits: int) -> None:
        one, other = Person(1, bool(bits & 1), bool(bits & 2)), Person(2, bool(bits & 4), bool(bits & 8))
        assert may_merge(one, other) == (bits != 15)


@pytest.fixture
def server() -> Source:
    return create_source("Backend", kind="server")[0]


@pytest.fixture
def browser() -> Source:
    return create_source("Website", kind="browser")[0]


def keys_of(lead: Lead) -> set[tuple[str, str]]:
    return set(lead.identities.values_list("kind", "value"))


@pytest.mark.django_db
class TestAnonymousHistory:
    def test_waits_and_moves_on_identify(self, server: Source, now: datetime) -> None:
        before = now - timedelta(days=3)
        send(server, call("page", anonymousId="tab", name="Pricing"), now=before)
        assert AnonymousActivity.objects.get().anonymous_id == "tab"
        assert not Lead.objects.exists()
        send(server, call("identify", anonymousId="tab", userId="7"), now=now)
        moved = Activity.objects.get()
        assert (moved.occurred_at, moved.received_at, moved.known_at) == (before, before, now)
        assert moved.lead == Lead.objects.get()
        assert not AnonymousActivity.objects.exists()

    def test_moves_on_alias(self, server: Source, now: datetime) -> None:
        send(server, call("track", anonymousId="tab", event="Signed Up"), now=now)
        send(server, call("alias", previousId="tab", userId="7"), now=now)
        assert keys_of(Activity.objects.get().lead) == {("anonymous_id", "tab"), ("user_id", "7")}

    def test_in_one_batch_with_the_identify_is_the_leads_at_once(self, server: Source, now: datetime) -> None:
        receipted = send(
            server,
            call("page", anonymousId="tab", name="Pricing"),
            call("identify", anonymousId="tab", userId="7"),
            call("page", anonymousId="tab", name="Docs"),
            now=now,
        )
        assert receipted.accepted == 3
        assert Activity.objects.filter(lead=Lead.objects.get()).count() == 2
        assert not AnonymousActivity.objects.exists()

    def test_of_a_known_browser_that_came_late_moves_with_the_next_event(self, server: Source, now: datetime) -> None:
        send(server, call("page", anonymousId="tab", name="Pricing"), now=now)
        lead = Lead.objects.create(stage_at=now, created_at=now)
        Identity.objects.create(kind="anonymous_id", value="tab", lead=lead, bound_at=now)
        send(server, call("page", anonymousId="tab", name="Docs"), now=now)
        assert lead.activities.count() == 2

    def test_gives_the_first_touch(self, server: Source, now: datetime) -> None:
        first = {"campaign": {"source": "google", "name": "spring"}}
        send(server, call("page", anonymousId="tab", name="Home", context=first), now=now - timedelta(days=1))
        later = {"campaign": {"source": "linkedin"}}
        send(server, call("identify", anonymousId="tab", userId="7", context=later), now=now)
        lead = Lead.objects.get()
        assert (lead.source, lead.campaign) == ("google", "spring")


@pytest.mark.django_db
class TestIdsThatAreNoIds:
    @pytest.mark.parametrize("user_id", ["null", "undefined", "anonymous", "0", "-1", 0, -1, "", None, "  NULL "])
    def test_name_nobody(self, server: Source, now: datetime, user_id: object) -> None:
        receipted = send(server, call("track", userId=user_id, event="Signed In"), now=now)
        assert [item.code for item in receipted.refused] == ["no_user_anon_id"]
        assert not Lead.objects.exists()


@pytest.mark.django_db
class TestAChangedEmail:
    def test_becomes_the_shown_one_and_the_former_stays_bound(self, server: Source, now: datetime) -> None:
        send(server, call("identify", userId="7", traits={"email": "jane@old.com"}), now=now)
        send(server, call("identify", userId="7", traits={"email": "Jane@New.com"}), now=now)
        lead = Lead.objects.get()
        assert lead.email == "jane@new.com"
        assert keys_of(lead) == {("user_id", "7"), ("email", "jane@old.com"), ("email", "jane@new.com")}
        assert lead.account is not None
        assert lead.account.domain == "new.com"

    def test_from_a_browser_changes_nothing(self, server: Source, browser: Source, now: datetime) -> None:
        send(server, call("identify", userId="7", traits={"email": "jane@old.com"}), now=now)
        send(browser, call("identify", userId="7", traits={"email": "evil@new.com"}), now=now)
        lead = Lead.objects.get()
        assert lead.email == "jane@old.com"
        assert ("email", "evil@new.com") not in keys_of(lead)


@pytest.mark.django_db
class TestTwoLeadsThatAreOne:
    def test_are_merged_on_a_servers_word(self, server: Source, now: datetime) -> None:
        send(server, call("identify", anonymousId="x", traits={"email": "jane@acme.com", "title": "CEO"}), now=now)
        send(server, call("track", userId="7", event="Signed Up"), now=now)
        send(server, call("identify", userId="7", traits={"email": "jane@acme.com", "plan": "pro"}), now=now)
        winner = Identity.objects.get(kind="user_id", value="7").lead
        loser = Lead.objects.exclude(pk=winner.pk).get()
        assert loser.merged_into == winner
        assert {("email", "jane@acme.com"), ("user_id", "7")} <= keys_of(winner)
        assert winner.traits == {"plan": "pro"}

    def test_in_one_batch_make_one_lead(self, server: Source, now: datetime) -> None:
        send(
            server,
            call("track", userId="7", event="Signed Up"),
            call("identify", anonymousId="x", traits={"email": "jane@acme.com"}),
            call("identify", userId="7", traits={"email": "jane@acme.com"}),
            call("alias", userId="9", previousId="7"),
            call("track", userId="9", event="Signed In"),
            now=now,
        )
        lead = Lead.objects.get()
        assert keys_of(lead) == {
            ("user_id", "7"),
            ("user_id", "9"),
            ("email", "jane@acme.com"),
            ("anonymous_id", "x"),
        }
        assert lead.activities.count() == 2

    def test_stay_apart_with_a_conflict_row_where_both_have_both(self, server: Source, now: datetime) -> None:
        for user, email in (("7", "jane@acme.com"), ("8", "john@acme.com")):
            send(server, call("identify", userId=user, traits={"email": email}), now=now)
        for _ in range(2):
            send(server, call("identify", userId="7", traits={"email": "john@acme.com", "title": "CTO"}), now=now)
        conflict = IdentityConflict.objects.get()
        assert ("user_id", "7") in keys_of(conflict.lead)
        assert ("email", "john@acme.com") in keys_of(conflict.other)
        assert (conflict.lead.email, conflict.lead.title) == ("jane@acme.com", "CTO")

    def test_are_never_merged_on_a_browsers_word(self, server: Source, browser: Source, now: datetime) -> None:
        send(server, call("identify", anonymousId="x", traits={"email": "jane@acme.com"}), now=now)
        send(server, call("track", userId="7", event="Signed Up"), now=now)
        send(browser, call("identify", userId="7", traits={"email": "jane@acme.com"}), now=now)
        send(browser, call("alias", userId="7", previousId="x"), now=now)
        assert Lead.objects.live().count() == 2
        assert Identity.objects.get(kind="user_id").lead.email == ""


@pytest.mark.django_db
class TestJoinLate:
    def test_moves_what_waits_under_a_name(self, server: Source, now: datetime) -> None:
        context = {"campaign": {"source": "google"}}
        send(server, call("page", anonymousId="tab", name="Pricing", context=context), now=now)
        send(server, call("track", anonymousId="tab", event="Unsubscribed"), now=now)
        send(server, call("page", anonymousId="other", name="Pricing"), now=now)
        lead = Lead.objects.create(stage_at=now, created_at=now)
        Identity.objects.create(kind="anonymous_id", value="tab", lead=lead, bound_at=now)
        later = now + timedelta(seconds=10)
        assert joining.join_late(now=later) == 2
        assert joining.join_late(now=later) == 0
        assert set(lead.activities.values_list("known_at", flat=True)) == {later}
        assert AnonymousActivity.objects.get().anonymous_id == "other"
        lead.refresh_from_db()
        assert (lead.source, lead.email_permission) == ("google", "refused")
        assert AwaitingAssessment.objects.get().lead == lead
