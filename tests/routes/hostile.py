"""Every text anybody could have brought in, in every field of every row, made hostile. Fields are read off the models.

A field that is new is hostile by itself. What only programs write and read (`MACHINES`) is left out, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction

# A formula for sheets; an end of any attribute and element; markup that runs; a template; a mirror; a mail header.
FORMULA = "=HYPERLINK(1)"
MARKUP = "\"'><svg onload=canary()><script>canary()</script><a href=javascript:canary()>x</a>"
TEMPLATE = "{{ 7|add:7 }}{% now 'Y' %}${7*7}"
MIRROR, HEADER = "\u202etxt.exe", "\r\nBcc: eve@evil.example"
LONG = FORMULA + MARKUP + TEMPLATE + MIRROR + HEADER
SHORT = '"><svg onload=canary()>'
LEAST = len(SHORT) + 8  # with the number that keeps what must be unique unique

# By the name of the field: nobody types these, and nothing but code reads them.
MACHINES: dict[str, str] = {
    "kinds and codes that code compares": "code kind cause key group what reason_code template part void_reason",
    "secrets and their traces": "password write_key_hash write_key_prefix key_hash prefix value_hash erasure_salt "
    "body_hash fingerprint etag last_modified",
    "names of zones, currencies, fields of conditions and places in them": "time_zone currency language_of attribute "
    "not_since measured_property hand_raised disqualified_by target_amount_of from_state from_phase to_phase override "
    "nobody_ends",
    "addresses that are checked when they are given": "url thank_you_url to_address address domain",
    "ids that are compared": "message_id effect_key",
}
# The same by model and field.
MACHINES_OF: dict[str, str] = {
    "leads.User.email": "the log-in",
    "leads.Upload.name": "a file's, cleaned when it came",
    "leads.StageRule.activity": "the name of a type",
    "leads.WebForm.activity": "the name of a type",
    "leads.Notification.subject": "written by us", "leads.Notification.text": "written by us",
    "leads.Notification.html": "written by us",
    "sla.HandoffChange.why": "a code", "sla.CapacityOverride.why": "a code", "sla.ClockTiming.why": "a code",
    "sla.PaperOffer.why": "a code", "sla.PaperPromise.why": "a code",
}  # fmt: skip
# JSON that came from outside, as it came. Other JSON is ours, and has a form that code relies on.
OUTSIDE_JSON = frozenset(
    {"leads.Lead.traits", "leads.Account.traits", "leads.Activity.properties", "leads.Activity.context",
     "leads.AttributeChange.value", "sla.Handoff.bant"}
)  # fmt: skip
OURS = ("leads", "scoring", "sla")


def fields() -> Iterator[models.Field[Any, Any]]:
    """Every text field of ours into which words of people may come."""
    left = {name for names in MACHINES.values() for name in names.split()}
    for model in apps.get_models():
        if model._meta.app_label not in OURS:
            continue
        for field in model._meta.concrete_fields:
            label = f"{model._meta.label}.{field.name}"
            is_text = isinstance(field, models.CharField | models.TextField) and not field.choices
            if is_text and field.name not in left and label not in MACHINES_OF and (field.max_length or LEAST) >= LEAST:
                yield field


def word(field: models.Field[Any, Any], number: int) -> str:
    """What one row holds: as much of it as fits, whole where it is to run, and another one in each row."""
    room = field.max_length or 10_000
    if isinstance(field, models.EmailField):
        return f'"<svg/onload=canary()>{number}"@brightforge.example'
    text = LONG if len(LONG) + 8 <= room else (FORMULA + MARKUP if len(FORMULA + MARKUP) + 8 <= room else SHORT)
    return f"{text[:1]}{number}{text[1:]}" if text is not SHORT else f"{text}{number}"


def poison() -> set[str]:
    """Make it so, also in rows that never change; returns the fields of which there was a row."""
    reached: set[str] = set()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for field in fields():
            model: Any = field.model
            for pk, value in model._base_manager.values_list("pk", field.attname):
                if value is not None:
                    model._base_manager.filter(pk=pk).update(**{field.attname: word(field, pk)})
                    reached.add(f"{model._meta.label}.{field.name}")
        for label in OUTSIDE_JSON:
            app_model, _, name = label.rpartition(".")
            rows: Any = apps.get_model(app_model)._base_manager
            rows.update(**{name: LONG if name == "value" else {LONG: LONG, "list": [LONG]}})
    return reached
