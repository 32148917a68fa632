"""The board of a few teams reads each lane off one index, team by team."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0016_find_by_words"),
        ("scoring", "0004_read_what_opened_in_a_week"),
        ("sla", "0031_ask_a_next_owner_to_close"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="handoff",
            index=models.Index(
                condition=models.Q(("state__in", ["offered", "accepted"])),
                fields=["team", "next_due_at", "id"],
                include=("user", "tier", "source", "state"),
                name="handoff_of_team",
            ),
        ),
    ]
