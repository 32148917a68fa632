"""Marketing may contest a rejection once; what was decided never changes, only its words can be erased."""

import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models

# Open, it may be decided, once. Then, and before, its words may be emptied; nothing else of it ever changes.
GUARD = """
CREATE TRIGGER guard_history BEFORE UPDATE ON sla_contest
    FOR EACH ROW WHEN (
        (NEW.words <> '' AND NEW.words <> OLD.words)
        OR (OLD.decision <> '' AND NEW.why <> '' AND NEW.why <> OLD.why)
        OR to_jsonb(NEW) - ARRAY['words', 'why', 'decision', 'decided_by_id', 'decided_at', 'became', 'hop_id']
            IS DISTINCT FROM
            to_jsonb(OLD) - ARRAY['words', 'why', 'decision', 'decided_by_id', 'decided_at', 'became', 'hop_id']
        OR (OLD.decision <> '' AND
            to_jsonb(NEW) - ARRAY['words', 'why'] IS DISTINCT FROM to_jsonb(OLD) - ARRAY['words', 'why']))
    EXECUTE FUNCTION baton_refuse_change();
CREATE TRIGGER guard_history_rows BEFORE DELETE ON sla_contest
    FOR EACH ROW EXECUTE FUNCTION baton_refuse_change();
"""
UNGUARD = """
DROP TRIGGER guard_history ON sla_contest;
DROP TRIGGER guard_history_rows ON sla_contest;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("sla", "0026_keep_how_the_floor_stood"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Contest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "words",
                    models.TextField(
                        blank=True, help_text="Why marketing holds the rejection to be wrong.", max_length=2000
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "decision",
                    models.CharField(
                        blank=True,
                        choices=[("upheld", "Upheld"), ("overturned", "Overturned")],
                        default="",
                        max_length=10,
                    ),
                ),
                (
                    "why",
                    models.TextField(blank=True, default="", help_text="Why the manager decided so.", max_length=2000),
                ),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                (
                    "became",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("offered", "Offered again"),
                            ("waits", "Waits for a rep"),
                            ("freed", "At rest no more; offered to nobody"),
                            ("recorded", "Only the record was corrected"),
                        ],
                        default="",
                        help_text="Of the lead, where it was overturned.",
                        max_length=8,
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "handoff",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="contest", to="sla.handoff"
                    ),
                ),
                (
                    "hop",
                    models.OneToOneField(
                        blank=True,
                        help_text="The offer that overturning it led to at once.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offered_by_contest",
                        to="sla.handoff",
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
                "indexes": [
                    models.Index(condition=models.Q(("decision", "")), fields=["at", "id"], name="contest_open")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("decided_by", None), ("decision", "")),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("decision__in", ["upheld", "overturned"]),
                            ),
                            _connector="OR",
                        ),
                        name="contest_open_or_decided",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("became__in", ["offered", "waits", "freed", "recorded"]), ("decision", "overturned")
                            ),
                            models.Q(models.Q(("decision", "overturned"), _negated=True), ("became", "")),
                            _connector="OR",
                        ),
                        name="contest_says_what_became_of_it",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("became", "offered"), ("hop__isnull", False)),
                            models.Q(models.Q(("became", "offered"), _negated=True), ("hop", None)),
                            _connector="OR",
                        ),
                        name="contest_names_its_offer",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decided_at", None), ("decided_at__gte", models.F("at")), _connector="OR"),
                        name="contest_decided_after",
                    ),
                ],
            },
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
