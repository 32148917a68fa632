"""The doors clients send to: real SDKs against a live server, and whatever else may knock."""

from __future__ import annotations

import gzip
import http.client
import json
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
from django.db import OperationalError
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from leads import tracking
from leads.models import Activity, AnonymousActivity, Identity, Lead, Receipt, RefusedItem, Source
from leads.sources import SourceExists, create_source, renew_key
from leads.wire import MAX_BATCH_BYTES, MAX_EVENT_BYTES, MAX_EVENTS
from tests.leads.sending import basic, batch, call


@pytest.fixture
def key() -> str:
    return create_source("Backend", kind="server")[1]


@pytest.fixture
def door(client: Client, key: str) -> Callable[..., Any]:
    """Post a body to a path with the key in the header; the answer must never be a 500."""
    client.raise_request_exception = False

    def post(path: str, body: bytes | dict[str, Any], **headers: Any) -> Any:
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        answer = client.post(f"/v1/{path}", data, content_type="application/json", **{**basic(key), **headers})
        assert answer.status_code < 500, answer.content
        return answer

    return post


GOOD = {"userId": "7", "event": "Signed In"}
BODIES: dict[str, dict[str, Any]] = {
    "identify": {"userId": "7", "traits": {"email": "jane@acme.com"}},
    "track": GOOD,
    "page": {"anonymousId": "tab", "name": "Pricing"},
    "screen": {"userId": "7", "name": "Home"},
    "group": {"userId": "7", "groupId": "g"},
    "alias": {"userId": "7", "previousId": "tab"},
}


@pytest.mark.django_db
class TestOneEvent:
    @pytest.mark.parametrize("short", [False, True])
    @pytest.mark.parametrize("kind", sorted(BODIES))
    def test_has_a_path_for_each_kind_long_and_short(self, door: Callable[..., Any], kind: str, short: bool) -> None:
        answer = door(kind[0] if short else kind, {**BODIES[kind], "messageId": "m"})
        assert answer.status_code == 200
        assert answer.json() == {"success": True, "accepted": 1, "duplicate": 0, "refused": []}
        assert Receipt.objects.get().message_id == "m"

    def test_that_is_wrong_is_answered_with_200_and_kept(self, door: Callable[..., Any]) -> None:
        answer = door("track", {"event": "Signed In"})
        assert (answer.status_code, answer.json()["accepted"]) == (200, 0)
        assert answer.json()["refused"] == [{"index": 0, "code": "no_user_anon_id"}]
        assert RefusedItem.objects.get().code == "no_user_anon_id"

    def test_may_end_with_a_slash(self, door: Callable[..., Any]) -> None:
        assert door("track/", GOOD).status_code == 200


@pytest.mark.django_db
class TestTheKey:
    @pytest.mark.parametrize("colon", [True, False])
    def test_is_read_from_the_header(self, client: Client, key: str, colon: bool) -> None:
        answer = client.post("/v1/track", GOOD, content_type="application/json", **basic(key, colon=colon))
        assert answer.status_code == 200

    @pytest.mark.parametrize("path", ["batch", "b", "track", "import"])
    def test_is_read_from_the_body(self, client: Client, key: str, path: str) -> None:
        body = {**GOOD, "writeKey": key} if path == "track" else {"batch": [call("track", **GOOD)], "writeKey": key}
        answer = client.post(f"/v1/{path}", json.dumps(body), content_type="text/plain")
        assert (answer.status_code, answer.json()["accepted"]) == (200, 1)

    @pytest.mark.parametrize(
        "header",
        ["", "Basic", "Basic !!!", "Basic d3Jvbmc6", "Bearer x", "Basic \xff\xfe", "Basic " + "A" * 5000, "Basic gICA"],
    )
    def test_that_is_unknown_gets_401_and_stores_nothing(self, client: Client, key: str, header: str) -> None:
        answer = client.post("/v1/track", GOOD, content_type="application/json", HTTP_AUTHORIZATION=header)
        assert (answer.status_code, answer.json()["code"]) == (401, "unknown_write_key")
        assert not RefusedItem.objects.exists()

    def test_of_a_source_that_is_off_is_unknown(self, client: Client, key: str) -> None:
        Source.objects.update(is_active=False)
        assert client.post("/v1/track", GOOD, content_type="application/json", **basic(key)).status_code == 401

    def test_is_returned_once_and_only_its_hash_is_kept(self, key: str) -> None:
        source = Source.objects.get()
        assert key.startswith(source.write_key_prefix)
        assert key not in {str(value) for value in vars(source).values()}
        with pytest.raises(SourceExists, match="Backend"):
            create_source("Backend", kind="browser")

    def test_can_be_renewed(self, client: Client, key: str) -> None:
        new = renew_key(Source.objects.get())
        for which, status in ((key, 401), (new, 200)):
            answer = client.post("/v1/track", GOOD, content_type="application/json", **basic(which))
            assert answer.status_code == status


@pytest.mark.django_db
class TestTheEnvelope:
    @pytest.mark.parametrize(
        "body",
        [b"", b"[]", b"{", b"null", b'{"batch": 1}', b'{"batch": [', b"\x1f\x8bbroken", b"\xff", b'{"events": []}'],
    )
    def test_that_cannot_be_read_gets_400(self, door: Callable[..., Any], body: bytes) -> None:
        answer = door("batch", body)
        assert answer.status_code == 400
        assert answer.json()["code"]

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("batch", b" " * (MAX_BATCH_BYTES + 1)),
            ("batch", gzip.compress(b" " * 50_000_000, mtime=0)),
            ("track", b" " * (MAX_EVENT_BYTES + 1)),
            ("track", gzip.compress(b" " * (MAX_EVENT_BYTES + 1), mtime=0)),
            ("batch", b'{"batch":[' + b"1," * 20_000 + b"1]}"),
        ],
    )
    def test_that_is_too_large_gets_413(self, door: Callable[..., Any], path: str, body: bytes) -> None:
        assert door(path, body).status_code == 413

    def test_may_be_empty(self, door: Callable[..., Any]) -> None:
        assert door("batch", batch([])).json()["accepted"] == 0

    @pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
    def test_may_be_gzip_under_any_content_type(self, client: Client, key: str, content_type: str) -> None:
        body = gzip.compress(batch([call("track", **GOOD)]))
        answer = client.post("/v1/batch", body, content_type=content_type, **basic(key))
        assert answer.json()["accepted"] == 1

    def test_beyond_2500_events_takes_the_first(self, door: Callable[..., Any]) -> None:
        body = batch([{"type": "track", "userId": f"u{n}", "event": "X", "messageId": str(n)} for n in range(2_503)])
        answer = door("batch", body).json()
        assert answer["accepted"] == MAX_EVENTS
        assert answer["refused"] == [{"index": n, "code": "too_many"} for n in range(2_500, 2_503)]

    def test_of_an_import_brings_history(self, door: Callable[..., Any]) -> None:
        door("import", batch([call("track", **GOOD, timestamp="2020-01-01")]))
        assert Activity.objects.get().origin == "import"


def deep(depth: int) -> bytes:
    return b'{"type":"track","userId":"7","event":"X","properties":' + b'{"a":' * depth + b"1" + b"}" * (depth + 1)


def event(text: bytes) -> bytes:
    return b'{"type":"track","userId":"7","event":"X","properties":{"a":' + text + b"}}"


HOSTILE: list[tuple[bytes, str]] = [
    (event(b'"\\u0000"'), "nul_character"),
    (event(b'"\\ud800"'), "lone_surrogate"),
    (event(b'"\xff"'), "invalid_utf8"),
    (event(b'"\xed\xa0\x80"'), "invalid_utf8"),
    (event(b"NaN"), "not_finite"),
    (event(b"-Infinity"), "not_finite"),
    (event(b"1e999"), "not_finite"),
    (event(b"9" * 5_000), "number_out_of_range"),
    (event(b"9223372036854775808"), "number_out_of_range"),
    (deep(33), "too_deep"),
    (b"[" * 30_000 + b"]" * 30_000, "too_large"),
    (b'{"type":"track","userId":"7","event":' + b"[" * 5_000 + b"]" * 5_000 + b"}", "too_deep"),
    (event(b'"' + b"x" * 40_000 + b'"'), "too_large"),
    (b"nonsense", "invalid_json"),
    (b"{'a': 1}", "invalid_json"),
    (b"1", "not_an_object"),
    (b'"text"', "not_an_object"),
    (b"{}", "unknown_type"),
    (b'{"type":["track"]}', "unknown_type"),
    (b'{"type":"track","userId":{"a":1},"event":"X"}', "bad_user_id"),
    (b'{"type":"track","userId":"7","event":7}', "no_event"),
    (b'{"type":"track","userId":"7","event":"X","properties":[]}', "bad_properties"),
    (b'{"type":"track","userId":"7","event":"X","context":"y"}', "bad_context"),
    (b'{"type":"track","userId":"7","event":"X","timestamp":"yesterday"}', "bad_timestamp"),
    (b'{"type":"track","userId":"7","event":"X","messageId":"' + b"m" * 101 + b'"}', "message_id_too_long"),
    (b'{"type":"track","userId":"' + b"u" * 300 + b'","event":"X"}', "user_id_too_long"),
    (b'{"type":"track","userId":"7","event":"' + b"e" * 201 + b'"}', "name_too_long"),
    (b'{"type":"identify","userId":"7","traits":"x"}', "bad_traits"),
]
ODD: list[bytes] = [
    b'{"type":"identify","userId":"o1","traits":{"email":["a"],"name":{},"title":1,"company":[1],"address":"x"}}',
    b'{"type":"identify","userId":"o2","traits":{"' + b"k" * 3_000 + b'":1,"":2,"company":{"employee_count":1e300}}}',
    b'{"type":"identify","userId":"o3","traits":{"title":"' + b"t" * 9_000 + b'","phone":"' + b"1" * 999 + b'"}}',
    b'{"type":"identify","userId":"o4","traits":{"firstName":"' + "ß".encode() * 900 + b'","company":{"id":true}}}',
    b'{"type":"identify","userId":"o5","traits":{"email":"a@b@c","company":{"domain":"..","name":"'
    + b"n" * 999
    + b'"}}}',
    b'{"type":"group","userId":"o6","groupId":"' + b"g" * 255 + b'","traits":{"intent":"' + b"i" * 200 + b'"}}',
    b'{"type":"group","userId":"o7","groupId":"h","traits":{"employees":-5,"industry":"' + b"i" * 500 + b'"}}',
    b'{"type":"track","userId":"o8","event":"' + b"e" * 200 + b'","properties":{"a":9223372036854775807}}',
    b'{"type":"page","userId":"o9","name":"' + "é".encode() * 180 + b'"}',
    b'{"type":"track","userId":"' + "\U0001f600".encode() * 255 + b'","event":"<script>alert(1)</script>"}',
    b'{"type":"track","userId":"o11","event":"X","timestamp":"9999-12-31T23:59:59Z"}',
    b'{"type":"track","userId":"o12","event":"X","timestamp":"0001-01-01T00:00:00Z"}',
    b'{"type":"alias","userId":"o13","previousId":"o13"}',
    b'{"type":"track","userId":"o14","event":"Clicked Link","properties":{"url":{"a":1}}}',
    b'{"type":"identify","userId":"o15","traits":{"email_permission":{"a":1},"unsubscribed":"yes","country":7}}',
    b'{"type":"track","userId":"o16","event":"X","context":{"campaign":{"source":"' + b"s" * 900 + b'"},"page":7}}',
    b'{"type":"track","userId":"o17","event":"X","context":{"userAgent":7,"page":{"referrer":"http://[::1"}}}',
    b'{"type":"identify","userId":"o18","traits":{"a":"\\\\x00 %s %(x)s \' \\" \\\\ ::jsonb"}}',
]


@pytest.mark.django_db
class TestHostileItems:
    @pytest.mark.parametrize(("item", "code"), HOSTILE, ids=[f"{n}-{code}" for n, (_, code) in enumerate(HOSTILE)])
    def test_are_refused_alone_and_kept(self, door: Callable[..., Any], item: bytes, code: str) -> None:
        left, right = (json.dumps(call("track", userId=name, event="Near")).encode() for name in ("left", "right"))
        answer = door("batch", b'{"batch":[' + left + b"," + item + b"," + right + b"]}")
        assert answer.status_code == 200
        assert answer.json()["refused"] == [{"index": 1, "code": code}]
        assert Activity.objects.filter(type__name="Near").count() == 2
        kept = RefusedItem.objects.get()
        assert bytes(kept.body) == item[:MAX_EVENT_BYTES]

    @pytest.mark.parametrize("item", ODD, ids=range(len(ODD)))
    def test_that_are_only_odd_harm_nobody(self, door: Callable[..., Any], item: bytes) -> None:
        near = json.dumps(call("track", userId="near", event="Near")).encode()
        answer = door("batch", b'{"batch":[' + item + b"," + near + b"]}")
        assert answer.status_code == 200
        assert answer.json()["accepted"] + len(answer.json()["refused"]) == 2
        assert "not_stored" not in {each["code"] for each in answer.json()["refused"]}
        assert Activity.objects.filter(type__name="Near").count() == 1

    @pytest.mark.parametrize(("item", "code"), HOSTILE, ids=[f"{n}-{code}" for n, (_, code) in enumerate(HOSTILE)])
    def test_sent_alone_are_never_an_error_of_ours(self, door: Callable[..., Any], item: bytes, code: str) -> None:
        assert door("track", item).status_code in (200, 400, 413)
        assert door("identify", item).status_code in (200, 400, 413)


@pytest.mark.django_db
class TestBrowsers:
    @pytest.mark.parametrize("path", ["t", "batch", "b"])
    def test_ask_before_they_send(self, client: Client, path: str) -> None:
        answer = client.options(
            f"/v1/{path}",
            HTTP_ORIGIN="https://us.example",
            HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
            HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization,content-type",
        )
        assert answer.status_code == 204
        assert answer["Access-Control-Allow-Origin"] == "*"
        assert "authorization" in answer["Access-Control-Allow-Headers"].lower()
        assert "POST" in answer["Access-Control-Allow-Methods"]

    def test_may_read_every_answer(self, client: Client, key: str) -> None:
        for headers in ({}, basic(key)):
            answer = client.post("/v1/t", GOOD, content_type="text/plain", **headers)
            assert answer["Access-Control-Allow-Origin"] == "*"

    def test_of_other_pages_are_not_let_in_elsewhere(self, client: Client) -> None:
        assert "Access-Control-Allow-Origin" not in client.options("/admin/login/")

    def test_send_without_a_session_or_a_token(self, key: str, django_assert_max_num_queries: Any) -> None:
        strict = Client(enforce_csrf_checks=True)
        answer = strict.post("/v1/t", GOOD, content_type="application/json", **basic(key))
        assert answer.status_code == 200
        assert not answer.cookies
        assert "Cookie" not in answer.get("Vary", "")

    def test_that_only_look_are_told_to_post(self, client: Client) -> None:
        answer = client.get("/v1/track")
        assert (answer.status_code, answer["Allow"]) == (405, "POST, OPTIONS")


@pytest.mark.django_db
class TestWhileTheDatabaseIsAway:
    @pytest.mark.parametrize("place", ["source_of", "take_in"])
    def test_clients_are_told_to_try_again(self, client: Client, key: str, place: str) -> None:
        with mock.patch.object(tracking, place, side_effect=OperationalError("connection refused")):
            answer = client.post("/v1/track", GOOD, content_type="application/json", **basic(key))
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")
        assert "connection" not in answer.content.decode()


@pytest.fixture
def live_key(live_server: LiveServer) -> str:
    return create_source("Live", kind="server")[1]


class TestRealClients:
    def test_of_segment_deliver(self, live_server: LiveServer, live_key: str) -> None:
        from segment.analytics.client import Client as Segment

        failures: list[Any] = []
        segment = Segment(live_key, host=live_server.url, on_error=lambda error, items: failures.append(error))
        self.send_relay(segment, flush=segment.flush)
        segment.shutdown()
        assert failures == []
        self.assert_relay()

    def test_of_segment_deliver_zipped(self, live_server: LiveServer, live_key: str) -> None:
        from segment.analytics.client import Client as Segment

        segment = Segment(live_key, host=live_server.url, gzip=True)
        self.send_relay(segment, flush=segment.flush)
        segment.shutdown()
        self.assert_relay()

    def test_of_rudderstack_deliver(self, live_server: LiveServer, live_key: str) -> None:
        from rudderstack.analytics.client import Client as Rudder

        failures: list[Any] = []
        rudder = Rudder(live_key, host=live_server.url, on_error=lambda error, items: failures.append(error))
        self.send_relay(rudder, flush=rudder.flush)
        rudder.shutdown()
        assert failures == []
        self.assert_relay()

    def send_relay(self, client: Any, *, flush: Callable[[], None]) -> None:
        client.page(anonymous_id="tab", name="Pricing")
        client.identify("7", {"email": "jane@acme.com", "title": "Director"}, anonymous_id="tab")
        client.group("7", "g1", {"name": "Acme", "employees": 120})
        for number in range(150):
            client.track("7", "Signed In", {"number": number})
        client.screen("7", name="Home")
        client.alias("old-7", "7")
        flush()

    def assert_relay(self) -> None:
        lead = Lead.objects.get()
        assert (lead.email, lead.seniority) == ("jane@acme.com", "director")
        assert lead.account is not None
        assert (lead.account.group_id, lead.account.domain, lead.account.employees) == ("g1", "acme.com", 120)
        assert lead.activities.count() == 152
        names = set(lead.activities.values_list("type__name", flat=True))
        assert names == {"Visited Pricing Page", "Signed In", "Viewed Home Screen"}
        assert {"tab", "old-7"} <= set(Identity.objects.values_list("value", flat=True))
        assert not AnonymousActivity.objects.exists()
        assert not RefusedItem.objects.exists()


class TestTheLine:
    @pytest.fixture
    def line(self, live_server: LiveServer) -> Iterator[http.client.HTTPConnection]:
        address = urlsplit(live_server.url)
        found = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
        yield found
        found.close()

    def test_is_not_read_beyond_the_limit(self, line: http.client.HTTPConnection, live_key: str) -> None:
        """A body of a terabyte is refused on its announcement."""
        line.putrequest("POST", "/v1/batch")
        line.putheader("Content-Length", str(10**12))
        line.endheaders()
        assert line.getresponse().status == 413

    def test_that_announces_nonsense_is_answered(self, line: http.client.HTTPConnection, live_key: str) -> None:
        line.putrequest("POST", "/v1/batch")
        line.putheader("Content-Length", "seven")
        line.endheaders()
        assert line.getresponse().status == 400
