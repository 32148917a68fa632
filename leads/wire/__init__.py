"""The bytes of a Segment-compatible body, turned into validated events or refusals one by one; no models, no clock."""

from leads.wire.attributes import Attributes, Company, attributes_of, company_attributes_of
from leads.wire.contacts import as_domain, as_email
from leads.wire.contexts import Campaign, Origin
from leads.wire.inflation import inflate
from leads.wire.items import KINDS, Event, read_event, read_item
from leads.wire.refusals import (
    MAX_BATCH_BYTES,
    MAX_EVENT_BYTES,
    MAX_EVENTS,
    Refusal,
    TooLarge,
    Unreadable,
    WireError,
)
from leads.wire.scan import Envelope, Ignored, Item, split_batch, split_single
from leads.wire.times import occurred, parse_time
from leads.wire.values import parse_value

__all__ = [
    "KINDS",
    "MAX_BATCH_BYTES",
    "MAX_EVENTS",
    "MAX_EVENT_BYTES",
    "Attributes",
    "Campaign",
    "Company",
    "Envelope",
    "Event",
    "Ignored",
    "Item",
    "Origin",
    "Refusal",
    "TooLarge",
    "Unreadable",
    "WireError",
    "as_domain",
    "as_email",
    "attributes_of",
    "company_attributes_of",
    "inflate",
    "occurred",
    "parse_time",
    "parse_value",
    "read_event",
    "read_item",
    "split_batch",
    "split_single",
]
