"""Sending to endpoints, over real connections to a server on loopback."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.contrib.auth.models import Group
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from leads import delivery, endpoints, outbox
from leads.delivering import reaching, secrets, settling, webhooks
from leads.errors import Invalid
from leads.models import Endpoint, Notification, Role, User
from tests.leads.smtp import free_port

pytestmark = pytest.mark.django_db


class Receiver:
    """A server that answers as it is told, and keeps what it was sent."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, str], str]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.before: Callable[[], None] = lambda: None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:  # noqa: N802
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                receiver.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                receiver.before()
                status, headers = receiver.answers.pop(0) if receiver.answers else (200, {})
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *args: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/in"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(autouse=True)
def _loopback(settings: Any) -> None:
    settings.WEBHOOKS_MAY_REACH = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def now() -> datetime:
    """The present: signatures are verified against it."""
    return datetime.now(UTC).replace(microsecond=0)


def endpoint(url: str, now: datetime, kind: str = "standard", name: str = "CRM") -> tuple[Endpoint, str]:
    return endpoints.add(name=name, kind=kind, url=url, events=["handoff.offered"], by=None, now=now)


def queue(made: Endpoint, now: datetime, many: int = 1) -> None:
    for number in range(many):
        outbox.enqueue_for(
            made, f"k:{made.pk}:{number}", event="handoff.offered", subject="S", body='{"n":1}', lead=None, now=now
        )


def states(made: Endpoint) -> list[str]:
    return list(Notification.objects.filter(endpoint=made).order_by("pk").values_list("state", flat=True))


class TestSigning:
    def test_is_verified_with_the_secret_shown_once(self, receiver: Receiver, now: datetime) -> None:
        made, secret = endpoint(receiver.url, now)
        queue(made, now)
        assert delivery.deliver_due(lambda: now) == 1
        ((path, headers, body),) = receiver.got
        assert path == "/in"
        assert Webhook(secret).verify(body, headers) == {"n": 1}
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body + " ", headers)
        assert states(made) == ["sent"]

    def test_keeps_the_id_and_renews_the_time_on_every_try(self, receiver: Receiver, now: datetime) -> None:
        made, secret = endpoint(receiver.url, now)
        receiver.answers = [(400, {})]
        queue(made, now)
        delivery.deliver_due(lambda: now)
        later = now + timedelta(seconds=12)
        delivery.deliver_due(lambda: later)
        first, second = (headers for _, headers, _ in receiver.got)
        assert first["webhook-id"] == second["webhook-id"]
        assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 12
        assert Webhook(secret).verify(receiver.got[1][2], second)

    def test_signs_with_the_former_secret_as_well_for_a_day(self, now: datetime) -> None:
        made, former = endpoint("http://127.0.0.1:9/in", now)
        renewed = endpoints.renew_secret(made, by=None, now=now)
        made.refresh_from_db()
        assert renewed != former
        headers = secrets.sign(made, "msg_1", "{}", now=now)
        for secret in (former, renewed):
            Webhook(secret).verify("{}", headers)
        later = secrets.sign(made, "msg_1", "{}", now=now + endpoints.FORMER_SECRET_FOR)
        assert len(later["webhook-signature"].split()) == 1

    def test_outlives_a_new_secret_key_while_the_old_one_is_listed(self, now: datetime, settings: Any) -> None:
        made, secret = endpoint("http://127.0.0.1:9/in", now)
        settings.SECRET_KEY_FALLBACKS = [live_settings.SECRET_KEY]
        settings.SECRET_KEY = "another"
        Webhook(secret).verify("{}", secrets.sign(made, "msg_1", "{}", now=now))

    def test_is_for_programs_not_for_chats(self, receiver: Receiver, now: datetime) -> None:
        made, secret = endpoint(receiver.url, now, kind="slack")
        assert secret == ""
        queue(made, now)
        delivery.deliver_due(lambda: now)
        assert "webhook-signature" not in receiver.got[0][1]
        with pytest.raises(Invalid, match="no secret but its address"):
            endpoints.renew_secret(made, by=None, now=now)


class TestFailures:
    def test_of_the_endpoint_hold_it_and_only_it(self, receiver: Receiver, now: datetime) -> None:
        dead, _ = endpoint(f"http://127.0.0.1:{free_port()}/in", now, name="dead")
        good, _ = endpoint(receiver.url, now, name="good")
        queue(dead, now, 5)
        queue(good, now, 5)
        assert delivery.deliver_due(lambda: now) == 6
        assert states(good) == ["sent"] * 5
        assert states(dead) == ["queued"] * 5
        dead.refresh_from_db()
        assert dead.failures == 1
        assert timedelta(seconds=10) <= dead.held_until - now <= timedelta(seconds=12)
        assert delivery.deliver_due(lambda: now + timedelta(seconds=5)) == 0

    @pytest.mark.parametrize("status", [429, 503])
    def test_honor_retry_after(self, receiver: Receiver, now: datetime, status: int) -> None:
        made, _ = endpoint(receiver.url, now)
        receiver.answers = [(status, {"Retry-After": "90"})]
        queue(made, now, 2)
        assert delivery.deliver_due(lambda: now) == 1
        made.refresh_from_db()
        assert made.held_until == now + timedelta(seconds=90)
        assert delivery.deliver_due(lambda: now + timedelta(seconds=89)) == 0
        assert delivery.deliver_due(lambda: now + timedelta(seconds=91)) == 2
        made.refresh_from_db()
        assert (made.failures, made.held_until, made.failing_since) == (0, None, None)

    def test_of_one_message_let_the_others_go(self, receiver: Receiver, now: datetime) -> None:
        made, _ = endpoint(receiver.url, now)
        receiver.answers = [(422, {})]
        queue(made, now, 3)
        assert delivery.deliver_due(lambda: now) == 3
        assert states(made) == ["queued", "sent", "sent"]
        step = Notification.objects.order_by("pk").first().steps.get()  # type: ignore[union-attr]
        assert (step.what, step.status, step.said) == ("later", 422, "422: ok")

    def test_of_one_message_end_as_given_up_and_can_be_sent_again(self, receiver: Receiver, now: datetime) -> None:
        made, _ = endpoint(receiver.url, now)
        receiver.answers = [(422, {})] * settling.ATTEMPTS
        queue(made, now)
        instant = now
        for _ in range(settling.ATTEMPTS):
            delivery.deliver_due(lambda at=instant: at)
            instant += timedelta(hours=2)
        assert states(made) == ["dead"]
        outbox.requeue(Notification.objects.values_list("pk", flat=True), now=instant)
        assert delivery.deliver_due(lambda: instant) == 1
        assert states(made) == ["sent"]

    def test_410_switches_it_off_and_tells_the_keepers(self, receiver: Receiver, now: datetime) -> None:
        keeper = User.objects.create_user("keeper@example.com", full_name="Keeper")
        keeper.groups.add(Group.objects.get(name=Role.REVOPS))
        made, _ = endpoint(receiver.url, now)
        receiver.answers = [(410, {})]
        queue(made, now, 3)
        claimed_once = delivery.deliver_due(lambda: now, limit=1)
        assert claimed_once >= 1
        made.refresh_from_db()
        assert (made.is_active, made.disabled_why) == (False, "It answered 410: it is gone.")
        assert len(receiver.got) == 1
        told = Notification.objects.get(recipient=keeper)
        assert "Switched off: CRM" in told.subject
        assert set(states(made)) == {"dead"}

    def test_for_days_switch_it_off(self, now: datetime) -> None:
        made, _ = endpoint(f"http://127.0.0.1:{free_port()}/in", now)
        queue(made, now)
        instant = now
        for _ in range(200):
            delivery.deliver_due(lambda at=instant: at)
            made.refresh_from_db()
            if not made.is_active:
                break
            instant = max(made.held_until, Notification.objects.get(endpoint=made).not_before)
        assert not made.is_active
        assert timedelta(days=3) <= instant - now <= timedelta(days=3, hours=2)
        assert states(made) == ["dead"]

    def test_redirects_are_not_followed(self, receiver: Receiver, now: datetime) -> None:
        other = Receiver()
        made, _ = endpoint(receiver.url, now)
        receiver.answers = [(302, {"Location": other.url})]
        queue(made, now)
        delivery.deliver_due(lambda: now)
        other.close()
        assert other.got == []
        made.refresh_from_db()
        assert made.last_error == f"302: leads on to {other.url}; give that address instead."


class TestSlowEndpoints:
    def test_do_not_keep_others_waiting(self, receiver: Receiver, now: datetime) -> None:
        slow = Receiver()
        others_done = threading.Event()
        slow.before = lambda: others_done.wait(10) and None  # type: ignore[func-returns-value]
        first, _ = endpoint(slow.url, now, name="slow")
        second, _ = endpoint(receiver.url, now, name="quick")
        queue(first, now)
        queue(second, now, 50)
        receiver.before = lambda: others_done.set() if len(receiver.got) == 50 else None
        assert delivery.deliver_due(lambda: now) == 51
        slow.close()
        assert others_done.is_set()
        assert states(first) == ["sent"]

    def test_that_drip_are_cut_off(self, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(webhooks, "AT_MOST", 0.5)
        dripping = socket.create_server(("127.0.0.1", 0))

        def drip() -> None:
            caller, _ = dripping.accept()
            with contextlib.suppress(OSError), caller:
                caller.sendall(b"HTTP/1.1 200 OK\r\n")
                while True:
                    caller.sendall(b"X-A: b\r\n")
                    time.sleep(0.05)

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        made, _ = endpoint(f"http://127.0.0.1:{dripping.getsockname()[1]}/", now)
        queue(made, now)
        began = time.monotonic()
        delivery.deliver_due(lambda: now)
        thread.join()
        dripping.close()
        assert time.monotonic() - began < 4
        made.refresh_from_db()
        assert "took more than" in made.last_error


class TestPrivateNetworks:
    def test_are_refused_at_saving(self, now: datetime, settings: Any) -> None:
        settings.WEBHOOKS_MAY_REACH = ()
        with pytest.raises(Invalid, match="leads into a private network"):
            endpoint("https://127.0.0.1/in", now)

    def test_are_refused_at_sending_where_the_name_leads_there_meanwhile(
        self, receiver: Receiver, now: datetime, settings: Any
    ) -> None:
        made, _ = endpoint(receiver.url, now)
        queue(made, now)
        settings.WEBHOOKS_MAY_REACH = ()
        delivery.deliver_due(lambda: now)
        assert receiver.got == []
        assert states(made) == ["queued"]
        made.refresh_from_db()
        assert "private network" in made.last_error

    def test_can_not_be_slipped_in_between_judging_and_connecting(
        self, receiver: Receiver, now: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The name is resolved once per sending; whatever it resolves to afterwards is not asked."""
        asked: list[str] = []

        def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
            asked.append(host)
            if host == "hooks.example":
                return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
            return real(host, port, *args, **kwargs)

        real = socket.getaddrinfo
        monkeypatch.setattr(reaching.socket, "getaddrinfo", resolve)
        port = receiver.server.server_address[1]
        made, _ = endpoint(f"http://hooks.example:{port}/in", now)
        asked.clear()
        queue(made, now)
        delivery.deliver_due(lambda: now)
        assert states(made) == ["sent"]
        assert asked.count("hooks.example") == 1
        assert receiver.got[0][1]["host"] == f"hooks.example:{port}"


class TestBodies:
    def test_arrive_as_they_were_queued(self, receiver: Receiver, now: datetime) -> None:
        made, _ = endpoint(receiver.url, now)
        body = json.dumps({"name": "Ünal \u202e"}, ensure_ascii=False)
        outbox.enqueue_for(made, "k", event="handoff.offered", subject="S", body=body, lead=None, now=now)
        delivery.deliver_due(lambda: now)
        assert receiver.got[0][2] == body
