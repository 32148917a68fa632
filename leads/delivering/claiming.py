"""Claiming: what is due is taken for a lease, and committed, before any conversation. SKIP LOCKED keeps workers apart.

Mail is looked at person by person first (`pacing`); endpoints are taken each by itself, so that none waits for another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Exists, Max, OuterRef, Q

from leads import outbox
from leads.delivering import pacing
from leads.models import DeliveryStep, Endpoint, MailHours, MailPreference, MailRelay, Notification, Topic, User
from leads.transactions import business

# Longer than a batch takes before it lets go, and one last conversation.
LEASE: Final = timedelta(minutes=2)
DIGEST: Final = "digest"
OF_ONE_ENDPOINT: Final = 20

State = Notification.State
Promise = Notification.Promise


@business
def claim_mail(*, now: datetime, limit: int) -> list[Notification]:
    """Take mail that is due, the longest due first, as each person wants it; only probes while the relay is held."""
    due = Notification.objects.filter(state=State.QUEUED, endpoint=None, not_before__lte=now)
    if MailRelay.objects.filter(held_until__gt=now).exists():
        due = due.filter(recipient=None, to_address="")
    page = list(due.order_by("not_before", "id").values_list("pk", "recipient")[:limit])
    people = {recipient for _, recipient in page if recipient is not None}
    # A person's mail is planned by one worker at a time; another takes other people's.
    free = User.objects.select_for_update(skip_locked=True, no_key=True, of=("self",)).filter(pk__in=people)
    users = {user.pk: user for user in free.order_by("pk")}
    theirs = Q(recipient__in=users) | Q(recipient=None, pk__in=[pk for pk, _ in page])
    rows = list(due.select_for_update(skip_locked=True, of=("self",)).filter(theirs).order_by("not_before", "id"))
    leaving = [row for row in rows if row.recipient_id is None]
    of_person: dict[int, list[Notification]] = defaultdict(list)
    for row in rows:
        if row.recipient_id is not None:
            of_person[row.recipient_id].append(row)
    wishes = _wishes(users.values(), now=now)
    for user_id, mails in of_person.items():
        leaving += _plan(users[user_id], mails, wishes[user_id], now=now)
    leaving.sort(key=lambda row: (row.not_before, row.pk))
    return _take(leaving[:limit], now=now)


@business
def claim_endpoints(*, now: datetime, busy: Collection[int], limit: int) -> list[tuple[Endpoint, list[Notification]]]:
    """Take what is due for up to `limit` endpoints that are free: a few messages of each, the longest due first."""
    due = Notification.objects.filter(state=State.QUEUED, endpoint__isnull=False, not_before__lte=now)
    # Endpoints are few: one look at each finds its longest due, whatever waits at the others.
    free = Endpoint.objects.filter(Q(held_until=None) | Q(held_until__lte=now), is_active=True).exclude(pk__in=busy)
    waiting = free.filter(Exists(due.filter(endpoint=OuterRef("pk")))).order_by("pk")
    taken: list[tuple[Endpoint, list[Notification]]] = []
    for endpoint in waiting:
        rows = due.select_for_update(skip_locked=True, of=("self",)).filter(endpoint=endpoint)
        batch = list(rows.order_by("not_before", "id")[:OF_ONE_ENDPOINT])
        if batch:
            taken.append((endpoint, _take(batch, now=now)))
        if len(taken) == limit:
            break
    return taken


@business
def recover(*, now: datetime) -> int:
    """Find what a dead worker left in the middle: queue it again, or call it unknown. Returns how many.

    What was queued for an endpoint that is off by now is given up.
    """
    off = Notification.objects.filter(state=State.QUEUED, endpoint__is_active=False)
    outbox.give_up(off, now=now, why="The endpoint is switched off.")
    lapsed = Notification.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        state=State.SENDING, not_before__lte=now
    )
    keys = list(lapsed.order_by("not_before", "id").values_list("pk", "promise")[:500])
    again = [pk for pk, promise in keys if promise == Promise.AT_LEAST_ONCE]
    once = [pk for pk, promise in keys if promise == Promise.AT_MOST_ONCE]
    Notification.objects.filter(pk__in=again).update(state=State.QUEUED)
    outbox.note(again, DeliveryStep.What.LOST, now=now)
    Notification.objects.filter(pk__in=once).update(state=State.UNKNOWN, settled_at=now)
    outbox.note(once, DeliveryStep.What.UNKNOWN, now=now, said="The process that sent it ended in the middle.")
    return len(keys)


def _take(rows: list[Notification], *, now: datetime) -> list[Notification]:
    """Mark these as being sent; each keeps in memory when it was due."""
    for row in rows:
        row.due_at = row.not_before
        row.state, row.attempts, row.not_before = State.SENDING, row.attempts + 1, now + LEASE
    Notification.objects.bulk_update(rows, ["state", "attempts", "not_before"])
    return rows


def _wishes(users: Iterable[User], *, now: datetime) -> dict[int, pacing.Wishes]:
    """What these people have chosen and what they were sent lately, in three questions."""
    people = {user.pk: user for user in users}
    how: dict[int, dict[str, str]] = defaultdict(dict)
    for preference in MailPreference.objects.filter(user__in=people):
        how[preference.user_id][preference.topic] = preference.how
    hours = MailHours.objects.in_bulk(people)
    lately = (
        Notification.objects.filter(
            recipient__in=people, endpoint=None, state=State.SENT, settled_at__gt=now - pacing.WINDOW
        )
        .values("recipient")
        .annotate(n=Count("pk"), last=Max("settled_at"))
    )
    sent = {row["recipient"]: row for row in lately.order_by()}
    found = {}
    for pk, user in people.items():
        quiet = hours.get(pk, MailHours())
        found[pk] = pacing.Wishes(
            zone=user.time_zone,
            how=how[pk],
            quiet_from=quiet.quiet_from,
            quiet_until=quiet.quiet_until,
            digest_at=quiet.digest_at,
            sent_lately=sent[pk]["n"] if pk in sent else 0,
            last_sent_at=sent[pk]["last"] if pk in sent else None,
        )
    return found


def _plan(user: User, mails: list[Notification], wishes: pacing.Wishes, *, now: datetime) -> list[Notification]:
    """Do for one person what pacing says; returns what leaves now, the digest included."""
    by_id = {mail.pk: mail for mail in mails}
    made = pacing.plan([_due(mail) for mail in mails], wishes, now=now)
    if made.drop:
        dropped = Notification.objects.filter(pk__in=made.drop)
        outbox.cancel_all(dropped, now=now, why="They don't want this by mail.")
    for pk, until in made.wait.items():
        by_id[pk].not_before, by_id[pk].for_digest = until, True
    Notification.objects.bulk_update([by_id[pk] for pk in made.wait], ["not_before", "for_digest"])
    outbox.note(made.wait, DeliveryStep.What.HELD, now=now, said="To leave together with others, when they want it.")
    leaving = [by_id[pk] for pk in made.leave]
    if made.together:
        leaving.append(_digest(user, [by_id[pk] for pk in made.together], now=now))
    return leaving


def _due(mail: Notification) -> pacing.Due:
    tried = mail.attempts > 0 or mail.promise == Promise.AT_MOST_ONCE or mail.kind == DIGEST
    return pacing.Due(mail.pk, mail.topic, is_urgent=mail.is_urgent, for_digest=mail.for_digest, alone=tried)


def _digest(user: User, mails: list[Notification], *, now: datetime) -> Notification:
    """One mail that carries all of these; each of them keeps its row and points to it."""
    carrier = Notification.objects.create(
        effect_key=f"digest:{user.pk}:{mails[0].pk}:{mails[-1].pk}",
        kind=DIGEST,
        topic=Topic.OPERATIONS,
        is_urgent=any(mail.is_urgent for mail in mails),
        recipient=user,
        to_address=user.email,
        subject=f"{len(mails)} messages",
        created_at=now,
        not_before=min(mail.not_before for mail in mails),
    )
    ids = [mail.pk for mail in mails]
    Notification.objects.filter(pk__in=ids).update(state=State.DIGESTED, settled_at=now, carrier=carrier)
    outbox.note(ids, DeliveryStep.What.DIGESTED, now=now)
    return carrier
