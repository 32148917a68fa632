import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0007_let_people_choose_how_they_are_told"),
    ]

    operations = [
        migrations.CreateModel(
            name="EndpointChange",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "what",
                    models.CharField(
                        choices=[
                            ("added", "Added"),
                            ("changed", "Changed"),
                            ("renewed", "Given a new secret"),
                            ("off", "Switched off"),
                            ("on", "Switched on"),
                        ],
                        max_length=7,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("said", models.CharField(blank=True, max_length=300, verbose_name="what exactly")),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "endpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="changes", to="leads.endpoint"
                    ),
                ),
            ],
            options={
                "ordering": ["at", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("what__in", ["added", "changed", "renewed", "off", "on"])),
                        name="endpoint_change_known",
                    )
                ],
            },
        ),
        migrations.RunSQL(
            "CREATE TRIGGER guard_history BEFORE UPDATE OR DELETE ON leads_endpointchange "
            "FOR EACH ROW EXECUTE FUNCTION baton_refuse_change();",
            "DROP TRIGGER guard_history ON leads_endpointchange;",
        ),
    ]
