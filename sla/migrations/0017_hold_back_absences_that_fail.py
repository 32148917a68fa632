from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sla", "0016_take_public_holidays"),
    ]

    operations = [
        migrations.AddField(
            model_name="absence",
            name="held_back_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Its beginning failed then; it is tried again a minute later.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="absence",
            name="held_back_why",
            field=models.CharField(blank=True, editable=False, max_length=300),
        ),
        migrations.AddField(
            model_name="leftbehind",
            name="held_back_at",
            field=models.DateTimeField(
                blank=True, editable=False, help_text="It failed then; it is tried again a minute later.", null=True
            ),
        ),
        migrations.AddField(
            model_name="leftbehind",
            name="held_back_why",
            field=models.CharField(blank=True, editable=False, max_length=300),
        ),
    ]
