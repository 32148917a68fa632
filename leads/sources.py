"""Sources: who may send activities, and with which key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final
from uuid import UUID

from leads.errors import Invalid
from leads.keys import digest, new_key
from leads.models import Source, WebForm
from leads.transactions import business
from leads.webform.origins import read_origins

PUBLIC_ID_LENGTH: Final = 36


class SourceExists(Invalid):
    """There is a source of this name."""

    title: ClassVar[str] = "Source not made"
    code: ClassVar[str] = "source_exists"


@business
def create_source(name: str, *, kind: str) -> tuple[Source, str]:
    """Make a source and its write key. The key is returned this once; only its hash is kept.

    An import takes files, not requests, and has no key: its key is "". Raises SourceExists for a name that is taken.
    """
    if Source.objects.filter(name=name).exists():
        raise SourceExists(f"There is a source called {name} already. Choose another name.")
    kind = Source.Kind(kind).value
    if kind == Source.Kind.IMPORT:
        return Source.objects.create(name=name, kind=kind), ""
    key = new_key("wk")
    source = Source.objects.create(name=name, kind=kind, write_key_hash=digest(key), write_key_prefix=key[:10])
    return source, key


@business
def renew_key(source: Source) -> str:
    """Give a source another key, returned this once; the former stops working at commit."""
    if source.kind == Source.Kind.IMPORT:
        raise Invalid("A source of files has no write key.")
    key = new_key("wk")
    source.write_key_hash, source.write_key_prefix = digest(key), key[:10]
    source.save(update_fields=["write_key_hash", "write_key_prefix"])
    return key


def source_of(key: str) -> Source | None:
    """The active source a write key belongs to. A browser's is known by its public id, too: both stand in its pages."""
    if len(key) == PUBLIC_ID_LENGTH:
        try:
            return Source.objects.filter(public_id=UUID(key), kind=Source.Kind.BROWSER, is_active=True).first()
        except ValueError:
            return None
    return Source.objects.filter(write_key_hash=digest(key), is_active=True).first()


@business
def create_website(
    name: str, *, origins: Iterable[str], asks_consent: bool = False, activity: str = "Requested Demo"
) -> tuple[Source, str, WebForm]:
    """Make a website's source with its write key and a first form. Raises SourceExists, BadOrigin."""
    sites = read_origins(origins)
    source, key = create_source(name, kind=Source.Kind.BROWSER)
    source.origins, source.asks_consent = sites, asks_consent
    source.save(update_fields=["origins", "asks_consent"])
    return source, key, WebForm.objects.create(source=source, name="Contact", activity=activity)
