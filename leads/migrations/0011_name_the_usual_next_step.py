from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0010_take_forms_of_websites"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="next_step_days",
            field=models.PositiveSmallIntegerField(
                db_default=2,
                default=2,
                help_text="Business days of the rep after which an accepted lead is looked at again, where no promise says so.",
            ),
        ),
        migrations.AddConstraint(
            model_name="organization",
            constraint=models.CheckConstraint(
                condition=models.Q(("next_step_days__gte", 1), ("next_step_days__lte", 60)),
                name="next_step_within_60_days",
                violation_error_message="A next step lies 1 to 60 business days ahead.",
            ),
        ),
    ]
