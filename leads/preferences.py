"""How one person wants their desk, and how they want to be told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time

from leads.errors import Invalid
from leads.models import MailHours, MailPreference, User
from leads.transactions import business


@business
def choose(
    user: User,
    *,
    theme: str | None = None,
    single_keys: bool | None = None,
    clock: str | None = None,
    date_order: str | None = None,
) -> None:
    """Keep a preference; what is None stays. Raises Invalid for a theme, a clock or an order of dates there is not."""
    if theme is not None:
        if theme not in User.Theme.values:
            raise Invalid("A theme is light, dark, or as the system.", field="theme")
        user.theme = theme
    if single_keys is not None:
        user.single_keys = single_keys
    if clock is not None:
        if clock not in User.Clock.values:
            raise Invalid("A clock has 24 or 12 hours.", field="clock")
        user.clock = clock
    if date_order is not None:
        if date_order not in User.DateOrder.values:
            raise Invalid("A date begins with the day, the month or the year.", field="date_order")
        user.date_order = date_order
    user.save(update_fields=["theme", "single_keys", "clock", "date_order"])


@business
def choose_mail(
    user: User,
    *,
    how: Mapping[str, str],
    quiet_from: time | None,
    quiet_until: time | None,
    digest_at: time,
) -> None:
    """Keep how this person is told of each topic, their quiet hours, and when their digest comes, in their own zone.

    It holds for what leaves from now on, also for what waits already. Raises Invalid naming the field.
    """
    topics = dict(MailPreference._meta.get_field("topic").flatchoices)
    for topic, chosen in how.items():
        if topic not in topics or chosen not in MailPreference.How.values:
            raise Invalid("Choose for each topic: at once, in a daily digest, or not by mail.", field=topic)
    if (quiet_from is None) != (quiet_until is None):
        raise Invalid(
            "Quiet hours have a beginning and an end: give both, or neither.",
            field="quiet_until" if quiet_until is None else "quiet_from",
        )
    if quiet_from is not None and quiet_from == quiet_until:
        sentence = "Quiet hours begin and end at different times; to be told nothing, choose that by topic."
        raise Invalid(sentence, field="quiet_until")
    for topic, chosen in how.items():
        MailPreference.objects.update_or_create(user=user, topic=topic, defaults={"how": chosen})
    MailHours.objects.update_or_create(
        user=user, defaults={"quiet_from": quiet_from, "quiet_until": quiet_until, "digest_at": digest_at}
    )
