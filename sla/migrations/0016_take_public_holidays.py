"""Calendars take public holidays by themselves: the plan stands beside the spec, with the date until which it wrote."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sla", "0015_run_in_shadow"),
    ]

    operations = [
        migrations.AddField(
            model_name="calendarversion",
            name="holidays_until",
            field=models.DateField(help_text="The last date that its plan has written.", null=True),
        ),
        migrations.AddField(
            model_name="calendarversion",
            name="plan",
            field=models.JSONField(
                db_default={},
                default=dict,
                help_text="Whose public holidays it takes by itself, as sla.holidays.plans reads it.",
            ),
        ),
        migrations.AddIndex(
            model_name="calendarversion",
            index=models.Index(
                condition=models.Q(("holidays_until__isnull", False)),
                fields=["holidays_until"],
                name="calendar_runs_out",
            ),
        ),
        migrations.AddConstraint(
            model_name="calendarversion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("holidays_until__isnull", True), ("plan", {})),
                    models.Q(models.Q(("plan", {}), _negated=True), ("holidays_until__isnull", False)),
                    _connector="OR",
                ),
                name="calendar_plan_says_until_when",
            ),
        ),
    ]
