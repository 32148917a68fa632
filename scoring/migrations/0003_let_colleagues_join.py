"""Colleagues join a matter, each with the stage it came from; a matter may be split off another."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("scoring", "0002_guard_history"),
    ]

    operations = [
        migrations.AddField(
            model_name="episode",
            name="split_from",
            field=models.ForeignKey(
                blank=True,
                help_text="A colleague's matter that was open: the same rep is to have both.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="beside",
                to="scoring.episode",
            ),
        ),
        migrations.AddField(
            model_name="episodemember",
            name="stage_before",
            field=models.CharField(
                choices=[
                    ("SUBSCRIBER", "Subscriber"),
                    ("LEAD", "Lead"),
                    ("MQL", "Marketing-qualified"),
                    ("SAL", "Sales-accepted"),
                    ("SQL", "Sales-qualified"),
                    ("OPPORTUNITY", "Opportunity"),
                    ("CUSTOMER", "Customer"),
                    ("NURTURE", "Nurture"),
                    ("DISQUALIFIED", "Disqualified"),
                ],
                default="",
                max_length=12,
            ),
            preserve_default=False,
        ),
        migrations.RunSQL(
            "UPDATE scoring_episodemember AS member SET stage_before = episode.stage_before "
            "FROM scoring_episode AS episode WHERE episode.id = member.episode_id",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            model_name="episode",
            name="lane",
            field=models.CharField(
                choices=[("normal", "Normal"), ("fast", "Fast (hand-raise)"), ("signal", "Signal (to the owner)")],
                default="normal",
                max_length=6,
            ),
        ),
        migrations.AlterField(
            model_name="episode",
            name="opened_by",
            field=models.CharField(
                choices=[
                    ("evidence", "Evidence"),
                    ("hand_raise", "Hand-raise"),
                    ("date", "A date the person named"),
                    ("release", "Released by a person"),
                    ("split", "Split off a colleague's"),
                    ("signal", "Signal of somebody known"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="episodechange",
            name="what",
            field=models.CharField(
                help_text="opened, phase, tier_rose, hand_raised, joined, left, cooled, closed …", max_length=30
            ),
        ),
    ]
