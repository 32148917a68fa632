"""Fetching calendars: one GET to a judged address, bounded in size and time, read by a program of its own."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Final, NamedTuple

import httpx
import structlog
from django.conf import settings

from leads.delivering import reaching
from leads.errors import Invalid
from sla.models import CalendarFeed
from sla.people import feeds
from sla.people.ical import Busy

log = structlog.get_logger(__name__)

MOST_BYTES: Final = 5 * 1024 * 1024
MOST_SECONDS: Final = 30.0
PER_STEP: Final = httpx.Timeout(10.0, connect=5.0)
MOST_HOPS: Final = 4
MOST_A_ROUND: Final = 200
READS_FOR: Final = 40  # seconds a reading may take, waiting included


class NotRead(Exception):
    """The calendar was not read; the sentence says why."""


class Answer(NamedTuple):
    """What the server sent; `text` is None where nothing has changed."""

    text: bytes | None
    etag: str
    last_modified: str


def check(address: str) -> str:
    """The address as it is kept; raises Invalid naming the field and the way out where Baton must not go there."""
    address = address.strip()
    if address.lower().startswith("webcal://"):
        address = "https://" + address[len("webcal://") :]
    try:
        reaching.judge(address, may_reach=settings.WEBHOOKS_MAY_REACH)
    except Invalid as refusal:
        told = str(refusal).replace("The webhook's", "The calendar's").replace("the webhook's", "the calendar's")
        raise Invalid(told, field="address") from refusal
    except reaching.Unreachable as error:
        raise Invalid(f"{error} Check the address.", field="address") from error
    return address


def read_due(clock: Callable[[], datetime]) -> int:
    """Read every calendar that is due, one after the other; returns how many. One that fails stops no other."""
    done = 0
    while done < MOST_A_ROUND and (feed := feeds.claim(now=clock())) is not None:
        done += 1
        try:
            _read(feed, clock)
        except NotRead as error:
            feeds.failed(feed.pk, why=str(error), now=clock())
        except Exception as error:
            log.exception("calendar_not_read", feed=feed.pk)
            feeds.failed(feed.pk, why=f"{type(error).__name__} while reading it.", now=clock())
    return done


def _read(feed: CalendarFeed, clock: Callable[[], datetime]) -> None:
    now = clock()
    answer = fetch(feed, whole=feeds.wants_whole(feed, now=now))
    if answer.text is None:
        feeds.unchanged(feed.pk, now=clock())
        return
    busy, passed = parse(answer.text, feed, now=now)
    feeds.sync(feed.pk, busy, etag=answer.etag, last_modified=answer.last_modified, passed_over=passed, now=clock())


def fetch(feed: CalendarFeed, *, whole: bool) -> Answer:
    """The calendar's text as it stands, or that it has not changed. Raises NotRead."""
    headers = {"Accept": "text/calendar", "User-Agent": "Baton", "Accept-Encoding": "identity"}
    if not whole:
        headers |= {"If-None-Match": feed.etag} if feed.etag else {}
        headers |= {"If-Modified-Since": feed.last_modified} if feed.last_modified else {}
    url, until = feed.address, time.monotonic() + MOST_SECONDS
    # No proxy and no credentials out of the environment: the judged address is the one that is called.
    with httpx.Client(verify=_tls(), timeout=PER_STEP, follow_redirects=False, trust_env=False) as client:
        try:
            for _ in range(MOST_HOPS):
                answer = _ask(client, url, headers, until)
                if isinstance(answer, Answer):
                    return answer
                url = answer
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise NotRead(f"The server could not be asked: {type(error).__name__}.") from error
        except Invalid as error:
            raise NotRead(str(error).replace("webhook's", "calendar's")) from error
    raise NotRead("The server sent us from one address to the next without end.")


def _ask(client: httpx.Client, url: str, headers: dict[str, str], until: float) -> Answer | str:
    """The answer at this address, or the address it sends us on to; each is judged anew."""
    target = reaching.judge(url, may_reach=settings.WEBHOOKS_MAY_REACH)
    named = f"[{target.host}]" if ":" in target.host else target.host
    usual = target.port == (443 if target.scheme == "https" else 80)
    pinned = httpx.URL(
        scheme=target.scheme, host=str(target.addresses[0]), port=target.port, raw_path=target.path.encode()
    )
    request = client.build_request(
        "GET",
        pinned,
        headers=headers | {"Host": named if usual else f"{named}:{target.port}"},
        # The certificate is asked for by name, though the connection goes to the judged address.
        extensions={"sni_hostname": target.host},
    )
    response = client.send(request, stream=True)
    try:
        if response.status_code == 304:
            return Answer(None, "", "")
        if response.is_redirect and "location" in response.headers:
            return str(httpx.URL(url).join(response.headers["location"]))
        if response.status_code in (401, 403, 404, 410):
            raise NotRead(
                f"The server answers {response.status_code}: the address is no longer good. Give the new one."
            )
        if not response.is_success:
            raise NotRead(f"The server answers {response.status_code}.")
        text = _body(response, until)
        return Answer(text, response.headers.get("etag", ""), response.headers.get("last-modified", ""))
    finally:
        response.close()


def _body(response: httpx.Response, until: float) -> bytes:
    parts, size = [], 0
    for part in response.iter_raw(65_536):
        size += len(part)
        if size > MOST_BYTES:
            raise NotRead(f"The calendar is larger than {MOST_BYTES // 1024 // 1024} MB.")
        if time.monotonic() > until:
            raise NotRead(f"The server took more than {MOST_SECONDS:.0f} s.")
        parts.append(part)
    return b"".join(parts)


def parse(text: bytes, feed: CalendarFeed, *, now: datetime) -> tuple[list[Busy], int]:
    """What the text says is busy in the window around now, read under limits of time and memory. Raises NotRead."""
    asked = {
        "since": (now - feeds.BEFORE).isoformat(),
        "until": (now + feeds.AHEAD).isoformat(),
        "zone": feed.rep.user.time_zone,
        "person": feed.rep.user.email,
        "takes": feed.takes,
    }
    try:
        ran = subprocess.run(  # noqa: S603  (our own program; the file goes in by standard input)
            [sys.executable, "-W", "ignore", "-m", "sla.people.ical"],
            input=json.dumps(asked).encode() + b"\n" + text,
            capture_output=True,
            timeout=READS_FOR,
            cwd=settings.BASE_DIR,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise NotRead("The calendar takes too long to read. It repeats too much.") from error
    if ran.returncode != 0:
        raise NotRead("The calendar takes too long or too much memory to read. It repeats too much.")
    said = json.loads(ran.stdout)
    if "refused" in said:
        raise NotRead(said["refused"])
    rows = [Busy(datetime.fromisoformat(a), datetime.fromisoformat(b), title) for a, b, title in said["busy"]]
    return rows, int(said["passed"])


@cache
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()
