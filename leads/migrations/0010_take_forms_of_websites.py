"""Forms of websites, and the sites a source is on."""

import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0009_write_letters_at_sending"),
    ]

    operations = [
        migrations.AddField(
            model_name="source",
            name="asks_consent",
            field=models.BooleanField(
                default=False,
                help_text="The page tag keeps and sends nothing before the site calls baton.consent().",
                verbose_name="waits for consent",
            ),
        ),
        migrations.AddField(
            model_name="source",
            name="origins",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=260),
                blank=True,
                default=list,
                help_text="The sites it is on, such as https://www.example.com, separated by commas. Their scripts may read what a form answers, and people may be sent back there.",
                size=None,
            ),
        ),
        migrations.CreateModel(
            name="WebForm",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "name",
                    models.CharField(help_text="Where it stands or what it is for; people read it.", max_length=120),
                ),
                (
                    "activity",
                    models.CharField(
                        default="Requested Demo",
                        help_text="The activity that is recorded. It raises a hand where the definition says that this activity does.",
                        max_length=200,
                    ),
                ),
                (
                    "thank_you_url",
                    models.CharField(
                        blank=True,
                        help_text="Where people go afterwards; empty: a page of Baton's.",
                        max_length=500,
                        verbose_name="thank-you page",
                    ),
                ),
                (
                    "min_seconds",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="Seconds a person takes at least; sent sooner, or from nowhere, it is asked again. Needs the page tag beside the form, or one more click. 0: not looked at.",
                        validators=[django.core.validators.MaxValueValidator(60)],
                        verbose_name="fill time",
                    ),
                ),
                (
                    "per_minute",
                    models.PositiveSmallIntegerField(
                        default=60,
                        help_text="How often it may be sent in a minute, by everybody together.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(6000),
                        ],
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="forms", to="leads.source"
                    ),
                ),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(fields=("source", "name"), name="form_name_once_in_a_source"),
                    models.CheckConstraint(
                        condition=models.Q(("activity", ""), _negated=True), name="form_records_an_activity"
                    ),
                    models.CheckConstraint(condition=models.Q(("per_minute__gte", 1)), name="form_may_be_sent"),
                    models.CheckConstraint(
                        condition=models.Q(("min_seconds__lte", 60)), name="form_waits_a_minute_at_most"
                    ),
                ],
            },
        ),
    ]
