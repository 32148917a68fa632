"""Each open hand-off says when its nearest clock is due, kept by the database: a board reads it off one index."""

from django.db import migrations, models

KEEP = """
CREATE FUNCTION baton_next_due_of_new() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE sla_handoff AS handoff SET next_due_at = found.due_at
    FROM (SELECT fresh.handoff_id, min(running.due_at) AS due_at FROM fresh
          LEFT JOIN sla_clock AS running ON running.handoff_id = fresh.handoff_id AND running.verdict = ''
          WHERE fresh.handoff_id IS NOT NULL GROUP BY fresh.handoff_id) AS found
    WHERE handoff.id = found.handoff_id AND handoff.next_due_at IS DISTINCT FROM found.due_at;
    RETURN NULL;
END $$;
CREATE TRIGGER next_due_of_new AFTER INSERT ON sla_clock REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION baton_next_due_of_new();

CREATE FUNCTION baton_next_due_of_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Most changes of a clock are its next step: they ask for nothing here.
    UPDATE sla_handoff AS handoff SET next_due_at = found.due_at
    FROM (SELECT touched.handoff_id, min(running.due_at) AS due_at
          FROM (SELECT DISTINCT fresh.handoff_id FROM fresh JOIN stale ON stale.id = fresh.id
                WHERE fresh.handoff_id IS NOT NULL
                  AND (fresh.due_at, fresh.verdict) IS DISTINCT FROM (stale.due_at, stale.verdict)) AS touched
          LEFT JOIN sla_clock AS running ON running.handoff_id = touched.handoff_id AND running.verdict = ''
          GROUP BY touched.handoff_id) AS found
    WHERE handoff.id = found.handoff_id AND handoff.next_due_at IS DISTINCT FROM found.due_at;
    RETURN NULL;
END $$;
CREATE TRIGGER next_due_of_changed AFTER UPDATE ON sla_clock REFERENCING OLD TABLE AS stale NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION baton_next_due_of_changed();

UPDATE sla_handoff AS handoff SET next_due_at = running.due_at
FROM (SELECT handoff_id, min(due_at) AS due_at FROM sla_clock WHERE verdict = '' GROUP BY handoff_id) AS running
WHERE running.handoff_id = handoff.id;
UPDATE sla_handoff AS handoff SET source = lead.source
FROM scoring_episode AS episode JOIN leads_lead AS lead ON lead.id = episode.lead_id
WHERE episode.id = handoff.episode_id AND lead.source <> '';
-- What these changes put off to the end of the transaction is checked now: no index is made before.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
"""
LET_GO = """
DROP FUNCTION baton_next_due_of_new() CASCADE;
DROP FUNCTION baton_next_due_of_changed() CASCADE;
"""


class Migration(migrations.Migration):
    dependencies = [("leads", "0009_write_letters_at_sending"), ("sla", "0017_hold_back_absences_that_fail")]

    operations = [
        migrations.AddField(
            model_name="handoff",
            name="next_due_at",
            field=models.DateTimeField(
                editable=False,
                help_text="Of its running clocks the nearest due: kept by a trigger on the clocks.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="handoff",
            name="source",
            field=models.CharField(
                blank=True, help_text="Where the lead came from first, as it was known at the offer.", max_length=120
            ),
        ),
        migrations.RunSQL(KEEP, LET_GO),
        migrations.AddIndex(
            model_name="handoff",
            index=models.Index(
                condition=models.Q(("state__in", ["offered", "accepted"])),
                fields=["next_due_at", "id"],
                include=("team", "user", "tier", "source", "state"),
                name="handoff_board",
            ),
        ),
    ]
