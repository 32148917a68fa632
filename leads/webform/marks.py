"""Marks of time: a signed word by which a form shows when it was opened, and that it was opened at all."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.core import signing

from leads.models import WebForm

SALT: Final = "leads.webform"
GOOD_FOR: Final = timedelta(days=1)


def mark(form: WebForm, *, now: datetime) -> str:
    """A word that says: this form was opened now."""
    return signing.dumps([form.public_id.hex, int(now.timestamp())], salt=SALT)


def is_slow_enough(form: WebForm, word: str, *, now: datetime) -> bool:
    """Whether a person may have filled it in since it was opened; not one of yesterday, nor one of another form."""
    try:
        name, opened = signing.loads(word, salt=SALT)
        took = now.timestamp() - int(opened)
    except (signing.BadSignature, ValueError, TypeError):
        return False
    return bool(name == form.public_id.hex) and form.min_seconds <= took <= GOOD_FOR.total_seconds()
