"""Intake: each message once, whole in its tables, fast, and a failing one alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.test.utils import CaptureQueriesContext

from leads import batch, erasing, intake, signals
from leads.models import (
    Account,
    Activity,
    ActivityType,
    AttributeChange,
    AwaitingAssessment,
    Identity,
    Lead,
    Receipt,
    RefusedItem,
    Source,
    StageRule,
)
from leads.sources import create_source
from tests.leads.sending import call, send


@pytest.fixture
def server() -> Source:
    return create_source("Backend", kind="server")[0]


@pytest.fixture
def browser() -> Source:
    return create_source("Website", kind="browser")[0]


def history(attribute: str) -> list[Any]:
    rows = AttributeChange.objects.filter(attribute=attribute).order_by("known_at", "id")
    return list(rows.values_list("value", flat=True))


@pytest.mark.django_db
class TestTakeIn:
    def test_stores_the_person_the_company_what_they_did_and_the_mark(self, server: Source, now: datetime) -> None:
        receipted = send(
            server,
            call(
                "identify",
                userId="7",
                traits={
                    "email": "Jane@Acme.com",
                    "name": "Jane Doe",
                    "title": "Director of Research",
                    "phone": "+49 30 123456",
                    "address": {"country": "Germany", "city": "Berlin"},
                    "company": {"name": "Acme", "employee_count": 120, "industry": "Rockets"},
                    "plan": "pro",
                },
            ),
            call("track", userId="7", event="Requested Demo", properties={"product": "x"}),
            now=now,
        )
        assert (receipted.accepted, receipted.duplicate, receipted.refused) == (2, 0, ())
        lead = Lead.objects.get()
        assert (lead.email, lead.first_name, lead.last_name) == ("jane@acme.com", "Jane", "Doe")
        assert (lead.title, lead.seniority, lead.domain_kind) == ("Director of Research", "director", "company")
        assert (lead.phone, lead.country, lead.stage) == ("+49 30 123456", "Germany", "SUBSCRIBER")
        assert lead.traits == {"plan": "pro", "city": "Berlin"}
        account = lead.account
        assert account is not None
        assert (account.name, account.domain, account.employees) == ("Acme", "acme.com", 120)
        assert account.industry == "Rockets"
        activity = Activity.objects.get()
        assert (activity.lead, activity.type.name, activity.properties) == (lead, "Requested Demo", {"product": "x"})
        assert (activity.received_at, activity.known_at, activity.origin) == (now, now, "api")
        assert AwaitingAssessment.objects.get().lead == lead
        assert Receipt.objects.count() == 2

    def test_writes_a_row_for_every_changed_attribute_and_none_for_the_others(
        self, server: Source, now: datetime
    ) -> None:
        traits = {"email": "jane@acme.com", "title": "Engineer", "company": {"employee_count": 10}, "plan": "free"}
        send(server, call("identify", userId="7", traits=traits), now=now)
        later = now + timedelta(days=1)
        changed = {**traits, "title": "CTO", "plan": None, "seats": 3}
        send(server, call("identify", userId="7", traits=changed), now=later)
        assert history("title") == ["Engineer", "CTO"]
        assert history("seniority") == ["c_level"]
        assert history("trait.plan") == ["free"]
        assert history("trait.seats") == [3]
        assert history("employees") == [10]
        names = set(AttributeChange.objects.filter(known_at=later).values_list("attribute", flat=True))
        assert names == {"title", "seniority", "trait.seats"}

    def test_dates_history_not_before_what_is_there(self, server: Source, now: datetime) -> None:
        """Another process with a later `now` committed first: as of any moment the last row written counts."""
        later = now + timedelta(seconds=1)
        send(server, call("identify", userId="7", traits={"title": "CTO"}), now=later)
        send(server, call("identify", userId="7", traits={"title": "CEO"}), now=now)
        assert history("title") == ["CTO", "CEO"]
        assert AttributeChange.objects.filter(attribute="title", known_at=later).count() == 2

    def test_tells_who_waits_after_the_commit(
        self, server: Source, now: datetime, django_capture_on_commit_callbacks: Any
    ) -> None:
        heard: list[list[int]] = []

        def hear(lead_ids: list[int], **_: Any) -> None:
            heard.append(lead_ids)

        signals.activities_recorded.connect(hear)
        try:
            with django_capture_on_commit_callbacks(execute=True):
                send(server, call("track", userId="7", event="Signed In"), now=now)
        finally:
            signals.activities_recorded.disconnect(hear)
        assert heard == [[Lead.objects.get().pk]]

    def test_moves_the_stage_by_its_rules_at_the_end(self, server: Source, now: datetime) -> None:
        StageRule.objects.create(name="Bought", activity="Paid", to_stage="CUSTOMER")
        send(server, call("track", userId="7", event="Paid"), call("track", userId="8", event="Looked"), now=now)
        assert dict(Identity.objects.values_list("value", "lead__stage")) == {"7": "CUSTOMER", "8": "SUBSCRIBER"}

    def test_names_a_visit_after_its_page(self, server: Source, now: datetime) -> None:
        send(server, call("page", userId="7", name="Pricing"), now=now)
        assert ActivityType.objects.get().name == "Visited Pricing Page"

    def test_takes_history_as_history(self, server: Source, now: datetime) -> None:
        send(server, call("track", userId="7", event="Signed In"), now=now, origin="import")
        assert Activity.objects.get().origin == "import"

    def test_does_no_more_statements_for_more_events(self, server: Source, now: datetime) -> None:
        def statements(count: int, prefix: str) -> int:
            calls = []
            for n in range(count):
                traits = {"email": f"{prefix}{n}@c{n % 7}.com", "title": "CTO", "n": n}
                calls.append(call("identify", userId=f"{prefix}{n}", anonymousId=f"a-{prefix}{n}", traits=traits))
                calls.append(call("track", userId=f"{prefix}{n}", event="Clicked Link", properties={"url": "x"}))
                calls.append(call("page", anonymousId=f"stranger-{prefix}{n}", name="Home"))
                calls.append(call("group", userId=f"{prefix}{n}", groupId=f"{prefix}g{n % 5}", traits={"name": "G"}))
                calls.append(call("nonsense"))
            with CaptureQueriesContext(
                connection,
            ) as captured:
                receipted = send(server, *calls, now=now)
            assert (receipted.accepted, len(receipted.refused)) == (4 * count, count)
            return len(captured)

        send(server, call("track", userId="1", event="Clicked Link"), call("page", userId="1", name="Home"), now=now)
        few, many = statements(2, "few"), statements(500, "many")
        assert many <= few + 2
        assert few < 45


@pytest.mark.django_db
class TestOnce:
    def test_a_message_sent_again_is_a_duplicate(self, server: Source, now: datetime) -> None:
        sent = call("track", userId="7", event="Signed In", sentAt="2026-03-10T15:00:00Z")
        send(server, sent, now=now)
        again = send(server, {**sent, "sentAt": "2026-03-10T15:00:09Z"}, sent, now=now + timedelta(seconds=9))
        assert (again.accepted, again.duplicate, again.refused) == (0, 2, ())
        assert Activity.objects.count() == 1
        assert not RefusedItem.objects.exists()

    def test_a_different_body_under_the_same_id_is_kept_among_the_refused(self, server: Source, now: datetime) -> None:
        first = call("track", userId="7", event="Signed In")
        other = {**first, "event": "Signed Out"}
        assert send(server, first, other, now=now).refused[0].code == "message_id_reused"
        assert send(server, other, now=now).refused[0].index == 0
        assert list(Activity.objects.values_list("type__name", flat=True)) == ["Signed In"]
        kept = RefusedItem.objects.first()
        assert kept is not None
        assert b"Signed Out" in bytes(kept.body)
        assert kept.message_id == first["messageId"]

    def test_ids_of_two_sources_do_not_meet(self, server: Source, browser: Source, now: datetime) -> None:
        sent = call("track", userId="7", event="Signed In")
        assert send(server, sent, now=now).accepted == 1
        assert send(browser, sent, now=now).accepted == 1


@pytest.mark.django_db
class TestTrust:
    def test_a_browser_fills_what_is_empty_and_overwrites_nothing(
        self, server: Source, browser: Source, now: datetime
    ) -> None:
        company = {"domain": "acme.com", "employee_count": 120}
        known = {"email": "jane@acme.com", "title": "CTO", "plan": "pro", "company": company}
        send(server, call("identify", userId="7", traits=known), now=now)
        said = {
            "email": "eve@evil.com",
            "title": "Intern",
            "phone": "+49 30 123456",
            "plan": "free",
            "seats": 3,
            "email_permission": "granted",
            "company": {"domain": "acme.com", "employee_count": 1, "industry": "Rockets"},
        }
        send(browser, call("identify", userId="7", traits=said), now=now)
        send(browser, call("identify", userId="7", traits={"email_permission": "refused"}), now=now)
        send(browser, call("group", userId="7", groupId="evil", traits={"name": "Evil"}), now=now)
        lead = Lead.objects.get()
        assert (lead.email, lead.title, lead.phone) == ("jane@acme.com", "CTO", "+49 30 123456")
        assert lead.traits == {"plan": "pro", "seats": 3}
        assert lead.email_permission == "granted"
        assert lead.account is not None
        assert (lead.account.domain, lead.account.employees, lead.account.industry) == ("acme.com", 120, "Rockets")
        assert lead.account.group_id is None


@pytest.mark.django_db
class TestPermission:
    @pytest.mark.parametrize(
        ("traits", "expected"),
        [
            ({"email_permission": "refused"}, ("refused", "unknown")),
            ({"email_permission": True, "phone_permission": "Granted"}, ("granted", "granted")),
            ({"phone_permission": False}, ("unknown", "refused")),
            ({"unsubscribed": True}, ("refused", "unknown")),
            ({"unsubscribed": False}, ("unknown", "unknown")),
            ({"email_permission": "perhaps"}, ("unknown", "unknown")),
        ],
    )
    def test_is_read_from_traits(
        self, server: Source, now: datetime, traits: dict[str, Any], expected: tuple[str, str]
    ) -> None:
        send(server, call("identify", userId="7", traits=traits), now=now)
        lead = Lead.objects.get()
        assert (lead.email_permission, lead.phone_permission) == expected

    def test_of_mail_ends_with_unsubscribed(self, server: Source, now: datetime) -> None:
        send(server, call("identify", userId="7", traits={"email_permission": True}), now=now)
        send(server, call("track", userId="7", event="Unsubscribed"), now=now)
        assert Lead.objects.get().email_permission == "refused"
        assert history("email_permission") == ["granted", "refused"]


@pytest.mark.django_db
class TestFirstTouch:
    @pytest.mark.parametrize(
        ("context", "expected"),
        [
            ({"campaign": {"source": "google", "name": "spring"}}, ("google", "spring")),
            ({"campaign": {"name": "spring"}}, ("", "spring")),
            (
                {"page": {"referrer": "https://www.linkedin.com/feed", "url": "https://us.example/"}},
                ("linkedin.com", ""),
            ),
            ({"page": {"referrer": "https://us.example/a", "url": "https://us.example/b"}}, ("", "")),
            ({"page": {"referrer": "http://[broken", "url": "https://us.example/b"}}, ("", "")),
            ({}, ("", "")),
        ],
    )
    def test_is_the_campaign_else_who_linked(
        self, server: Source, now: datetime, context: dict[str, Any], expected: tuple[str, str]
    ) -> None:
        send(server, call("track", userId="7", event="Signed Up", context=context), now=now)
        lead = Lead.objects.get()
        assert (lead.source, lead.campaign) == expected

    def test_is_the_earliest_of_a_batch_and_never_overwritten(self, server: Source, now: datetime) -> None:
        def touch(source: str, minute: int) -> dict[str, Any]:
            when = f"2026-03-10T14:{minute:02}:00Z"
            context = {"campaign": {"source": source}}
            return call("track", userId="7", event="Signed In", timestamp=when, context=context)

        send(server, touch("second", 10), touch("first", 5), now=now)
        send(server, touch("earlier", 1), now=now)
        assert Lead.objects.get().source == "first"
        assert history("source") == ["first"]


@pytest.mark.django_db
class TestCompany:
    @pytest.mark.parametrize("email", ["jane@gmail.com", "jane@mailinator.com", "jane@t-online.de"])
    def test_is_not_made_of_a_domain_anybody_has(self, server: Source, now: datetime, email: str) -> None:
        traits = {"email": email, "company": {"name": "Acme", "domain": email.partition("@")[2]}}
        send(server, call("identify", userId="7", traits=traits), now=now)
        lead = Lead.objects.get()
        assert lead.account is None
        assert lead.traits["company"] == {"name": "Acme"}
        assert not Account.objects.exists()

    def test_known_by_address_takes_its_group_id(self, server: Source, now: datetime) -> None:
        send(server, call("identify", userId="7", traits={"email": "jane@acme.com"}), now=now)
        send(server, call("group", userId="7", groupId="g1", traits={"name": "Acme", "employees": "1,200"}), now=now)
        account = Account.objects.get()
        assert (account.domain, account.group_id, account.name) == ("acme.com", "g1", "Acme")
        assert account.employees == 1200
        assert Lead.objects.get().account == account

    def test_of_a_group_outranks_the_address(self, server: Source, now: datetime) -> None:
        send(server, call("group", userId="1", groupId="g1", traits={"domain": "client.com"}), now=now)
        send(server, call("identify", userId="7", traits={"email": "jane@agency.com"}), now=now)
        send(server, call("group", userId="7", groupId="g1"), now=now)
        send(server, call("identify", userId="7", traits={"email": "jane@other.com"}), now=now)
        lead = Identity.objects.get(kind="user_id", value="7").lead
        assert lead.account is not None
        assert lead.account.group_id == "g1"
        assert history("account")[-1] == lead.account_id

    def test_that_changes_has_all_its_leads_judged_again(self, server: Source, now: datetime) -> None:
        for user in ("7", "8"):
            send(server, call("identify", userId=user, traits={"email": f"u{user}@acme.com"}), now=now)
        AwaitingAssessment.objects.all().delete()
        send(
            server,
            call("group", anonymousId="x", groupId="g", traits={"domain": "acme.com", "intent": "high"}),
            now=now,
        )
        assert AwaitingAssessment.objects.count() == 2
        assert Account.objects.get().intent == "high"


@pytest.mark.django_db
class TestMachines:
    def clicks(self, *seconds: float, user: str = "7") -> list[dict[str, Any]]:
        start = datetime(2026, 3, 10, 14, 0)  # noqa: DTZ001  (written out below)
        return [
            call(
                "track",
                userId=user,
                event="Email Link Clicked",
                timestamp=f"{(start + timedelta(seconds=second)).isoformat()}Z",
                properties={"url": f"https://us.example/{place}"},
            )
            for place, second in enumerate(seconds)
        ]

    def test_several_links_within_seconds_are_kept_and_discounted(self, server: Source, now: datetime) -> None:
        send(server, *self.clicks(0, 1, 2, 60), *self.clicks(0, 60, user="8"), now=now)
        found = Activity.objects.order_by("id").values_list("discounted_at", "discount_reason")
        assert list(found) == [(now, "Several links within seconds")] * 3 + [(None, "")] * 3

    def test_also_when_they_come_one_by_one(self, server: Source, now: datetime) -> None:
        for one in self.clicks(0, 1, 2):
            send(server, one, now=now)
        assert Activity.objects.filter(discounted_at=now).count() == 3

    def test_one_link_clicked_thrice_is_a_person(self, server: Source, now: datetime) -> None:
        calls = self.clicks(0, 1, 2)
        for each in calls:
            each["properties"] = {"url": "https://us.example/"}
        send(server, *calls, now=now)
        assert not Activity.objects.filter(discounted_at__isnull=False).exists()

    @pytest.mark.parametrize(
        ("agent", "is_machine"),
        [
            ("Mozilla/5.0 (X11; Linux) HeadlessChrome/120.0", False),
            ("Mozilla/5.0 (compatible; Googlebot/2.1)", True),
            ("Barracuda Sentinel (EE)", True),
            ("Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/120.0 Safari/537.36", False),
            ("Mozilla/5.0 (Linux; Android 9; CUBOT/X19) Mobile Safari", False),
        ],
    )
    def test_known_agents_are_discounted(self, server: Source, now: datetime, agent: str, is_machine: bool) -> None:
        send(server, call("page", userId="7", name="Pricing", context={"userAgent": agent}), now=now)
        assert (Activity.objects.get().discounted_at == now) is is_machine

    def test_a_discounted_act_moves_no_stage(self, server: Source, now: datetime) -> None:
        StageRule.objects.create(name="Bought", activity="Paid", to_stage="CUSTOMER")
        send(server, call("track", userId="7", event="Paid", context={"userAgent": "Googlebot/2.1"}), now=now)
        assert Lead.objects.get().stage == "SUBSCRIBER"

    def test_a_joined_history_is_looked_at_too(self, server: Source, now: datetime) -> None:
        agent = {"userAgent": "Googlebot/2.1"}
        send(server, call("page", anonymousId="tab", name="Pricing", context=agent), now=now)
        send(server, call("identify", anonymousId="tab", userId="7"), now=now)
        assert Activity.objects.get().discounted_at == now


@pytest.mark.django_db
class TestAnErasedPerson:
    def test_is_not_taken_in_again_and_leaves_no_trace(self, server: Source, now: datetime) -> None:
        traits = {"email": "jane@acme.com", "name": "Jane Doe"}
        send(server, call("identify", userId="7", traits=traits), now=now)
        erasing.erase(Lead.objects.get().pk, now=now, by=None)
        receipts = Receipt.objects.count()
        late = call("track", userId="7", event="Jane Doe Called")
        again = call("identify", anonymousId="x", traits=traits)
        receipted = send(server, late, call("track", userId="9", event="Signed In"), again, now=now)
        assert [(item.index, item.code) for item in receipted.refused] == [(0, "erased"), (2, "erased")]
        assert receipted.accepted == 1
        assert Lead.objects.live().count() == 1
        assert {bytes(item.body) for item in RefusedItem.objects.all()} == {b""}
        assert Receipt.objects.count() == receipts + 1


@pytest.fixture
def failing_bell() -> Iterator[None]:
    """A floor above that fails whenever somebody buys and is called Evil."""

    def fail(lead: Lead, **_: Any) -> None:
        if lead.last_name == "Evil":
            raise RuntimeError("no")

    signals.stage_moved.connect(fail)
    yield
    signals.stage_moved.disconnect(fail)


@pytest.mark.django_db(transaction=True)
class TestWhenOneItemFails:
    def test_only_it_is_refused(self, server: Source, now: datetime, failing_bell: None) -> None:
        StageRule.objects.create(name="Bought", activity="Paid", to_stage="CUSTOMER")
        send(server, call("identify", userId="6", traits={"lastName": "Evil"}), now=now)
        calls = [call("track", userId=str(n), event="Paid") for n in range(5, 8)]
        receipted = send(server, *calls, call("nonsense"), now=now)
        assert receipted.accepted == 2
        assert [(item.index, item.code) for item in receipted.refused] == [(1, "not_stored"), (3, "unknown_type")]
        stages = dict(Identity.objects.values_list("value", "lead__stage"))
        assert stages == {"5": "CUSTOMER", "6": "SUBSCRIBER", "7": "CUSTOMER"}
        assert not Receipt.objects.filter(message_id=calls[1]["messageId"]).exists()
        kept = RefusedItem.objects.get(code="not_stored")
        assert b'"6"' in bytes(kept.body)

    def test_a_database_that_is_away_refuses_nothing(
        self, server: Source, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: Any, **__: Any) -> None:
            raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(batch.activities, "record", away)
        with pytest.raises(OperationalError):
            send(server, call("track", userId="7", event="Signed In"), now=now)
        assert not Receipt.objects.exists()
        assert not RefusedItem.objects.exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
class TestTwoBatchesAtOnce:
    @pytest.mark.parametrize("rounds", [15])
    def test_over_the_same_leads_in_opposite_order_lose_nothing(
        self, server: Source, now: datetime, rounds: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Both know and do not know the leads: some are bound by both at the same instant, and so are companies."""
        fallbacks: list[object] = []
        monkeypatch.setattr(intake, "_one_by_one", lambda *args, **kwargs: fallbacks.append(args))
        people = [f"u{n}" for n in range(40)]
        problems: list[BaseException] = []
        start = threading.Barrier(4)

        def calls(round_: int, worker: int) -> list[dict[str, Any]]:
            found = []
            for who in people if worker % 2 else reversed(people):
                name = f"{who}-{round_}"
                traits = {"email": f"{name}@c{round_}{who[-1]}.com", "n": worker}
                found.append(call("identify", userId=name, anonymousId=f"a{name}", traits=traits))
                found.append(call("track", userId=name, event=f"Did {worker}"))
                found.append(call("group", userId=name, groupId=f"g{round_}{who[-1]}", traits={"n": worker}))
                found.append(call("track", userId=who, event="Came Back"))
            # Other people of each worker's own, of companies that are new to all.
            found[:0] = [call("group", userId=f"own-{worker}-{round_}", groupId=f"new{round_}-{n}") for n in range(5)]
            return found

        def work(worker: int) -> None:
            with closing(connections["default"]):
                try:
                    for round_ in range(rounds):
                        mine = calls(round_, worker)
                        start.wait(60)
                        receipted = send(server, *mine, now=now)
                        assert receipted.accepted == len(mine), receipted.refused
                except BaseException as error:
                    problems.append(error)
                    start.abort()

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert (problems, fallbacks) == ([], [])
        assert Lead.objects.count() == len(people) * (rounds + 1) + 4 * rounds
        assert Identity.objects.count() == len(people) * (3 * rounds + 1) + 4 * rounds
        assert Activity.objects.count() == 4 * 2 * len(people) * rounds
        assert Account.objects.filter(group_id__isnull=False).count() == 15 * rounds
        assert AwaitingAssessment.objects.count() == Lead.objects.count()

    def test_over_the_same_new_companies_make_each_once(
        self, server: Source, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Their people are different, so that nothing but the companies makes the batches meet."""
        fallbacks: list[object] = []
        monkeypatch.setattr(intake, "_one_by_one", lambda *args, **kwargs: fallbacks.append(args))
        start = threading.Barrier(4)

        def work(worker: int) -> None:
            with closing(connections["default"]):
                for round_ in range(10):
                    mine = [
                        call("group", userId=f"{worker}-{round_}-{n}", groupId=f"g{round_}-{n}") for n in range(100)
                    ]
                    start.wait(60)
                    send(server, *(mine if worker % 2 else reversed(mine)), now=now)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert fallbacks == []
        assert Account.objects.count() == 1_000
        assert Lead.objects.filter(account__isnull=False).count() == 4_000
