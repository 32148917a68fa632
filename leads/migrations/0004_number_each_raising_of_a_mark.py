from django.db import migrations, models
from django.db.models import Func, Value


class Migration(migrations.Migration):
    dependencies = [
        ("leads", "0003_let_leads_rest_after_a_lost_deal"),
    ]

    operations = [
        migrations.RunSQL("CREATE SEQUENCE leads_mark_seq", "DROP SEQUENCE leads_mark_seq"),
        migrations.AlterField(
            model_name="awaitingassessment",
            name="seq",
            field=models.BigIntegerField(
                db_default=Func(Value("leads_mark_seq"), function="nextval", output_field=models.BigIntegerField())
            ),
        ),
        # Of the marks that stand, the reasons are known by now.
        migrations.AddField(
            model_name="awaitingassessment",
            name="known_at",
            field=models.DateTimeField(null=True, help_text="When the newest of its reasons was known."),
        ),
        migrations.RunSQL("UPDATE leads_awaitingassessment SET known_at = statement_timestamp()", ""),
        migrations.AlterField(
            model_name="awaitingassessment",
            name="known_at",
            field=models.DateTimeField(help_text="When the newest of its reasons was known."),
        ),
        migrations.AlterField(
            model_name="awaitingassessment",
            name="since",
            field=models.DateTimeField(help_text="How long it waits."),
        ),
    ]
