"""Every accepted lead has a next step, and rows may be out of sight for a while; each change of either is kept."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# The words of a step may be erased; nothing else of it ever changes.
GUARD = """
CREATE TRIGGER guard_history BEFORE UPDATE ON sla_nextstepchange
    FOR EACH ROW WHEN (NEW.step <> '' OR to_jsonb(NEW) - 'step' IS DISTINCT FROM to_jsonb(OLD) - 'step')
    EXECUTE FUNCTION baton_refuse_change();
CREATE TRIGGER guard_history_rows BEFORE DELETE ON sla_nextstepchange
    FOR EACH ROW EXECUTE FUNCTION baton_refuse_change();
"""
UNGUARD = """
DROP TRIGGER guard_history ON sla_nextstepchange;
DROP TRIGGER guard_history_rows ON sla_nextstepchange;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0011_name_the_usual_next_step"),
        ("scoring", "0003_let_colleagues_join"),
        ("sla", "0021_release_by_order"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="NextStepChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "why",
                    models.CharField(
                        choices=[
                            ("accepted", "Accepted"),
                            ("touch", "After a touch"),
                            ("hand-raise", "Raised a hand"),
                            ("re-timed", "Its promise was timed anew"),
                            ("set", "Set by hand"),
                            ("snoozed", "Snoozed"),
                            ("woken", "Brought back"),
                            ("cut", "Cut to the next warning"),
                            ("undo", "Undone"),
                        ],
                        max_length=10,
                    ),
                ),
                ("step_at", models.DateTimeField(null=True)),
                ("step", models.CharField(blank=True, max_length=120)),
                (
                    "is_own",
                    models.BooleanField(
                        default=False, help_text="A person set it; the cadence leaves it alone until then."
                    ),
                ),
                ("snoozed_until", models.DateTimeField(null=True)),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddField(
            model_name="handoff",
            name="next_step",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
        migrations.AddField(
            model_name="handoff",
            name="next_step_at",
            field=models.DateTimeField(blank=True, help_text="When the next step is due, once accepted.", null=True),
        ),
        migrations.AddField(
            model_name="handoff",
            name="next_step_is_own",
            field=models.BooleanField(db_default=False, default=False, help_text="A person set it, not the cadence."),
        ),
        migrations.AddField(
            model_name="handoff",
            name="snoozed_until",
            field=models.DateTimeField(blank=True, help_text="Until then the inbox keeps it out of sight.", null=True),
        ),
        migrations.AddIndex(
            model_name="handoff",
            index=models.Index(
                condition=models.Q(("state", "accepted")), fields=["team", "next_step_at"], name="handoff_next_step"
            ),
        ),
        migrations.AddConstraint(
            model_name="handoff",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "offered"), _negated=True), ("next_step_at__isnull", True), _connector="OR"
                ),
                name="an_offer_has_no_next_step",
            ),
        ),
        migrations.AddField(
            model_name="nextstepchange",
            name="by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="nextstepchange",
            name="handoff",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="next_steps", to="sla.handoff"
            ),
        ),
        migrations.AddConstraint(
            model_name="nextstepchange",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "why__in",
                        ["accepted", "touch", "hand-raise", "re-timed", "set", "snoozed", "woken", "cut", "undo"],
                    )
                ),
                name="next_step_why",
            ),
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
