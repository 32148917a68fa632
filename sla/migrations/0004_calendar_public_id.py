"""Calendars get an id that may be shown: the API asks for it."""

import uuid

import django.contrib.postgres.functions
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sla", "0003_keep_the_history_of_absences")]

    operations = [
        migrations.AddField(
            "calendar",
            "public_id",
            # The database's default gives each calendar that stands an id of its own.
            models.UUIDField(
                db_default=django.contrib.postgres.functions.RandomUUID(),
                default=uuid.uuid4,
                editable=False,
                unique=True,
            ),
        ),
    ]
