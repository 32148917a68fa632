"""What follows from what we know: seniority from the job title, the kind of mail domain from the address."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from django.db import connection

from leads import bulk
from leads.history import write_history
from leads.marking import mark
from leads.models import Job, Lead, MailDomain, TitleWord, User
from leads.transactions import business

DATA: Final = Path(__file__).parent / "data"
PAGE: Final = 2_000
# One number that changes with any row of the two lists: cheap enough to be asked for with every batch.
VERSION: Final = """
SELECT (SELECT coalesce(sum(hashtextextended(phrase || chr(1) || seniority || chr(1) || position, 0)), 0)
          FROM leads_titleword),
       (SELECT coalesce(sum(hashtextextended(domain || chr(1) || kind, 0)), 0) FROM leads_maildomain)
"""


@dataclass(frozen=True)
class Lists:
    """The two lists as they stood at one version, ready to be asked."""

    version: tuple[object, ...]
    phrases: tuple[tuple[re.Pattern[str], str], ...] = ()
    domains: dict[str, str] = field(default_factory=dict)

    def seniority(self, title: str) -> str:
        """The seniority a title tells, or "" where no phrase matches; of several the lowest position decides."""
        return _first_match(self, title) if title else ""

    def domain_kind(self, email: str) -> str:
        """The kind of an address: what its domain is listed as, else what is listed above it, else a company."""
        domain = email.rpartition("@")[2].lower()
        if not domain:
            return ""
        kind = self.domains.get(domain)
        above = domain
        while kind is None and "." in above:
            above = above.partition(".")[2]
            kind = self.domains.get(f".{above}")
        return kind or Lead.DomainKind.COMPANY.value

    def makes_account(self, domain: str) -> bool:
        """True unless anybody can have an address there (free mail, providers, disposable addresses)."""
        return self.domain_kind(domain) not in (Lead.DomainKind.FREE_MAIL, Lead.DomainKind.DISPOSABLE)

    def __hash__(self) -> int:
        return hash(self.version)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lists) and self.version == other.version


@lru_cache(maxsize=4096)
def _first_match(lists: Lists, title: str) -> str:
    text = " ".join(title.casefold().split())
    return next((seniority for pattern, seniority in lists.phrases if pattern.search(text)), "")


_kept: Lists | None = None


def lists() -> Lists:
    """Both lists, read again only when a row of either has changed."""
    global _kept
    version = bulk.run(VERSION, [])[0]
    if _kept is None or _kept.version != version:
        words = TitleWord.objects.order_by("position", "id").values_list("phrase", "seniority")
        phrases = tuple(
            (re.compile(rf"(?<!\w){re.escape(' '.join(phrase.casefold().split()))}(?!\w)"), seniority)
            for phrase, seniority in words
        )
        domains = {domain.lower(): kind for domain, kind in MailDomain.objects.values_list("domain", "kind")}
        _kept = Lists(version, phrases, domains)
    return _kept


def seniority(title: str) -> str:
    """The seniority a title tells by the present list, or "" where it tells none."""
    return lists().seniority(title)


def domain_kind(email: str) -> str:
    """The kind of an address's domain by the present list; "" without an address."""
    return lists().domain_kind(email)


def recompute(*, now: datetime, by: User | None = None) -> Job:
    """Derive seniority and domain kind anew for every lead, after a list has changed.

    Works page by page, each its own transaction, so that nothing waits for the whole; the job tells how far it is.
    What changes gets its history row and is judged again.
    """
    job = Job.objects.create(
        kind="derive",
        title="Derive seniority and domain kind anew",
        by=by,
        total=Lead.objects.live().count(),
        started_at=now,
    )
    after, changed, finished = 0, 0, False
    try:
        while not finished:
            seen, after, different = _recompute_page(after, now=now)
            changed, finished = changed + different, seen < PAGE
            job.done += seen
            Job.objects.filter(pk=job.pk).update(done=job.done)
    finally:
        job.state = Job.State.DONE if finished else Job.State.FAILED
        job.finished_at, job.report = now, {"changed": changed}
        job.save(update_fields=["state", "finished_at", "report"])
    return job


@business
def _recompute_page(after: int, *, now: datetime) -> tuple[int, int, int]:
    """One page of leads by id: how many were seen, the last id, how many changed."""
    page = (
        Lead.objects.live()
        .filter(pk__gt=after)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk", "title", "seniority", "email", "domain_kind")[:PAGE]
    )
    rows = list(page)
    known = lists()
    new = [(pk, known.seniority(title), known.domain_kind(email)) for pk, title, _, email, _ in rows]
    history = [(pk, "seniority", now_is) for (pk, now_is, _), old in zip(new, rows, strict=True) if now_is != old[2]]
    history += [(pk, "domain_kind", now_is) for (pk, _, now_is), old in zip(new, rows, strict=True) if now_is != old[4]]
    ids = {pk for pk, _, _ in history}
    changed = [row for row in new if row[0] in ids]
    bulk.update(
        "leads_lead",
        {
            "id": ("bigint", [row[0] for row in changed]),
            "seniority": ("text", [row[1] for row in changed]),
            "domain_kind": ("text", [row[2] for row in changed]),
        },
    )
    write_history("lead", [(pk, name, value or None) for pk, name, value in history], now=now)
    mark(ids, now=now)
    return len(rows), rows[-1][0] if rows else after, len(ids)


def ship_lists(using: str = "default") -> None:
    """Make sure the shipped title words and mail domains are there; what people changed stays as they left it."""
    if connection.alias != using:
        return
    MailDomain.objects.bulk_create(
        [
            MailDomain(domain=domain, kind=kind, is_shipped=True)
            for name, kind in (("free_mail", "free_mail"), ("disposable", "disposable"), ("student", "student"))
            for domain in read_list(name)
        ],
        ignore_conflicts=True,
    )
    TitleWord.objects.bulk_create(
        [
            TitleWord(phrase=phrase, seniority=level, position=10 * place, is_shipped=True)
            for place, (phrase, level) in enumerate((line.split("\t") for line in read_list("titles")), start=1)
        ],
        ignore_conflicts=True,
    )


def read_list(name: str) -> list[str]:
    """The lines of a shipped list, without its comments."""
    lines = (DATA / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
