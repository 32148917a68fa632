"""The lane of a signal has its name."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sla", "0008_watch_the_watch"),
    ]

    operations = [
        migrations.AlterField(
            model_name="handoff",
            name="lane",
            field=models.CharField(
                choices=[("normal", "Normal"), ("fast", "Fast (hand-raise)"), ("signal", "Signal (to the owner)")],
                max_length=6,
            ),
        ),
    ]
