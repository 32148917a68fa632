"""What comes in at the door: sources with their write keys, receipts of what was taken in, and what was refused."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Source(models.Model):
    """Where activities come from. A server's key is a secret; a browser's is public and may do less."""

    class Kind(models.TextChoices):
        SERVER = "server", "Server (trusted, may identify and merge)"
        BROWSER = "browser", "Browser (public, may record and fill empty attributes)"
        IMPORT = "import", "Import (files; never opens an episode by itself)"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    write_key_hash = models.CharField(max_length=64, unique=True, null=True, editable=False)  # noqa: DJ001  (null keeps it unique where there is none)
    write_key_prefix = models.CharField(max_length=12, blank=True, editable=False)
    origins = ArrayField(
        models.CharField(max_length=260),
        default=list,
        blank=True,
        help_text="The sites it is on, such as https://www.example.com, separated by commas. Their scripts may read "
        "what a form answers, and people may be sent back there.",
    )
    asks_consent = models.BooleanField(
        "waits for consent",
        default=False,
        help_text="The page tag keeps and sends nothing before the site calls baton.consent().",
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind="import") | models.Q(write_key_hash__isnull=False),
                name="source_that_sends_has_a_key",
            ),
            models.CheckConstraint(condition=models.Q(kind__in=["server", "browser", "import"]), name="source_kind"),
        ]

    def __str__(self) -> str:
        return self.name


class Receipt(models.Model):
    """One message taken in once: the primary key is (source, message id)."""

    pk = models.CompositePrimaryKey("source_id", "message_id")
    source = models.ForeignKey(Source, models.PROTECT, related_name="+", db_index=False)
    message_id = models.CharField(max_length=100)
    body_hash = models.CharField(max_length=32, help_text="Of the event without its sending times.")
    received_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.message_id


class RefusedItem(models.Model):
    """One item that was not taken in, whole, with the reason why."""

    source = models.ForeignKey(Source, models.PROTECT, related_name="refused")
    received_at = models.DateTimeField()
    index = models.IntegerField(default=0, help_text="Position in its batch, or line of its file.")
    code = models.CharField(max_length=40)
    sentence = models.CharField(max_length=500)
    message_id = models.CharField(max_length=100, blank=True)
    body = models.BinaryField(help_text="As received, up to 32 KB.")

    class Meta:
        indexes = [
            # Reader: the admin's list of what was refused, newest first.
            models.Index(fields=["-received_at"], name="refused_newest_first"),
            # Reader: what is known of a line already, and the refused lines of one file.
            models.Index(fields=["message_id"], name="refused_of_file", opclasses=["varchar_pattern_ops"]),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.sentence}"
