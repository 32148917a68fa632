"""What is adrift is counted off one index, also narrowed by rep, tier or source."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0014_limit_when_to_contest"),
        ("scoring", "0004_read_what_opened_in_a_week"),
        ("sla", "0027_contest_rejections"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="handoff",
            name="handoff_next_step",
        ),
        migrations.AddIndex(
            model_name="handoff",
            index=models.Index(
                condition=models.Q(("state", "accepted")),
                fields=["team", "next_step_at"],
                include=("user", "tier", "source"),
                name="handoff_next_step",
            ),
        ),
    ]
