"""The organization: what it is called, where its days begin, and in what it counts money."""

from __future__ import annotations

import zoneinfo

from leads.errors import Invalid
from leads.models import Organization
from leads.transactions import business


@business
def describe(name: str, *, time_zone: str, currency: str) -> Organization:
    """Write name, zone and currency. Raises Invalid naming the field."""
    name, currency = " ".join(name.split()), currency.strip().upper()
    if not name or len(name) > 200:
        raise Invalid("Give your organization's name, in at most 200 characters.", field="name")
    if time_zone not in zoneinfo.available_timezones():
        raise Invalid("Choose a time zone from the list.", field="time_zone")
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
        raise Invalid("Write the currency in three letters, such as USD or EUR.", field="currency")
    row = Organization.objects.select_for_update().get(pk=1)
    row.name, row.time_zone, row.currency = name, time_zone, currency
    row.save(update_fields=["name", "time_zone", "currency"])
    return row
