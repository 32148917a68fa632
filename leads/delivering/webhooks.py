"""The conversation with an endpoint: one POST to a judged address, no redirect followed, ended after a time."""

from __future__ import annotations

import functools
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import httpx

from leads.delivering import backing_off, masks, reaching
from leads.delivering.results import SENT, Result
from leads.delivering.secrets import sign
from leads.errors import Invalid
from leads.models import Endpoint, Notification

AT_MOST: Final = 15.0  # seconds for one POST, from connecting to the last byte that is read
PER_STEP: Final = httpx.Timeout(10.0, connect=5.0)
BUSY_FOR: Final = 30.0  # seconds one batch may take before what is left of it goes back into the queue
READ_AT_MOST: Final = 4096
MOST_ADDRESSES: Final = 3
GONE, TOO_LARGE, TOO_MANY = 410, 413, 429

# Answers that speak of the endpoint and not of the one message.
ABOUT_THE_ENDPOINT: Final = frozenset({401, 403, 404, 408, 425, 429})

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Call(NamedTuple):
    """One POST, ready to be made without the database."""

    url: str
    body: str
    headers: dict[str, str]
    at: datetime
    may_reach: tuple[Network, ...]


def compose(message: Notification, endpoint: Endpoint, *, now: datetime, may_reach: Iterable[Network]) -> Call:
    """The POST of one outbox row: its id is the same on every try, its time and signature are this try's."""
    headers = {"Content-Type": "application/json", "User-Agent": "Baton", "Accept-Encoding": "identity"}
    if endpoint.kind == Endpoint.Kind.STANDARD:
        headers |= sign(endpoint, f"msg_{message.public_id.hex}", message.text, now=now)
    return Call(endpoint.url, message.text, headers, now, tuple(may_reach))


def send(calls: Sequence[Call], *, elapsed: Callable[[], float] = time.monotonic) -> list[Result]:
    """Make these calls to one endpoint, in their order; touches no database.

    Returns the results of those tried: it ends early where the endpoint fails, or when it has taken long enough.
    """
    until = elapsed() + BUSY_FOR
    results: list[Result] = []
    cut = _Cut()
    # No proxy and no credentials out of the environment: the judged address is the one that is called.
    with httpx.Client(verify=_tls(), timeout=PER_STEP, follow_redirects=False, trust_env=False) as client:
        for call in calls:
            if results and elapsed() > until:
                break
            results.append(_post(client, call, cut))
            if results[-1].holds or results[-1].is_gone:
                break
    return results


def _post(client: httpx.Client, call: Call, cut: _Cut) -> Result:
    try:
        target = reaching.judge(call.url, may_reach=call.may_reach)
    except (reaching.Unreachable, Invalid) as error:
        return Result(said=str(error)[:500], holds=True)
    cut.is_cut = False
    timer = threading.Timer(AT_MOST, cut)
    timer.daemon = True
    timer.start()
    try:
        return _ask(client, call, target, cut)
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        late = f" It took more than {AT_MOST:.0f} s." if cut.is_cut else ""
        return Result(said=masks.without(f"{type(error).__name__}: {error}{late}", call.url)[:500], holds=True)
    finally:
        timer.cancel()


def _ask(client: httpx.Client, call: Call, target: reaching.Target, cut: _Cut) -> Result:
    """Call the first of the judged addresses that can be connected to."""
    *others, last = target.addresses[:MOST_ADDRESSES]
    for address in others:
        try:
            return _ask_at(address, client, call, target, cut)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            if cut.is_cut:
                raise
    return _ask_at(last, client, call, target, cut)


def _ask_at(
    address: reaching.IPAddress, client: httpx.Client, call: Call, target: reaching.Target, cut: _Cut
) -> Result:
    named = f"[{target.host}]" if ":" in target.host else target.host
    usual = target.port == (443 if target.scheme == "https" else 80)
    pinned = httpx.URL(scheme=target.scheme, host=str(address), port=target.port, raw_path=target.path.encode())
    request = client.build_request(
        "POST",
        pinned,
        content=call.body.encode(),
        headers=call.headers | {"Host": named if usual else f"{named}:{target.port}"},
        # The certificate is asked for by name, though the connection goes to the judged address.
        extensions={"sni_hostname": target.host, "trace": cut.trace},
    )
    response = client.send(request, stream=True)
    try:
        if response.is_success:
            return SENT
        said = next(response.iter_raw(READ_AT_MOST), b"").decode("utf-8", "replace")
        result = judge(response.status_code, response.headers, said, now=call.at)
        # The page of an error often repeats the address that was asked for, and so may where it leads on to.
        return replace(result, said=masks.without(result.said, call.url)[:500])
    finally:
        response.close()


def judge(status: int, headers: httpx.Headers, said: str, *, now: datetime) -> Result:
    """What an answer other than 2xx means: 410 is the end of the endpoint, 413 that of the message; what speaks of
    the endpoint (5xx, too many, unknown) holds it, for as long as `Retry-After` asks; all else is tried again."""
    told = f"{status}: {' '.join(said.split())}"
    if status == GONE:
        return Result(status=status, said=told, is_final=True, is_gone=True)
    if status == TOO_LARGE:
        return Result(status=status, said=told, is_final=True)
    if 300 <= status < 400:
        there = headers.get("location", "")
        return Result(status=status, said=f"{status}: leads on to {there}; give that address instead.", holds=True)
    wait = backing_off.asked_for(headers.get("retry-after", ""), now=now)
    holds = status >= 500 or status in ABOUT_THE_ENDPOINT or wait is not None
    return Result(status=status, said=told, holds=holds, wait=wait)


class _Cut:
    """Ends a call that takes too long, wherever it is: by shutting its socket."""

    def __init__(self) -> None:
        self.is_cut = False
        self._stream: Any = None

    def trace(self, event: str, info: dict[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._stream = info["return_value"]

    def __call__(self) -> None:
        self.is_cut = True
        connected = self._stream.get_extra_info("socket") if self._stream is not None else None
        if connected is not None:
            try:
                connected.shutdown(socket.SHUT_RDWR)
            except OSError:
                return


@functools.cache
def _tls() -> ssl.SSLContext:
    """The certificates trusted, or those an operator names in SSL_CERT_FILE. Made once: it takes a while."""
    return httpx.create_ssl_context()
