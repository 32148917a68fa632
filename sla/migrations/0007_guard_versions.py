"""Rules and reasons keep their versions: whoever changes a row, by whatever door, leaves what it said, who and why."""

from django.db import migrations

KEEP = """
CREATE FUNCTION baton_count_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.version := 1;
    ELSIF to_jsonb(NEW) - 'version' IS DISTINCT FROM to_jsonb(OLD) - 'version' THEN
        NEW.version := OLD.version + 1;
    ELSE
        NEW.version := OLD.version;
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION baton_keep_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.version = OLD.version THEN RETURN NULL; END IF;
    -- The verb that changes the row has said who, why and when; who did not come by a verb is told apart.
    EXECUTE format('INSERT INTO %I (%I, number, content, why, at, by_id) VALUES ($1, $2, $3, $4, $5, $6)',
                   TG_ARGV[0], TG_ARGV[1])
    USING NEW.id, NEW.version, to_jsonb(NEW) - 'id' - 'version',
          CASE WHEN coalesce(current_setting('baton.at', true), '') = '' THEN 'Changed in the database, by hand'
               ELSE current_setting('baton.why', true) END,
          coalesce(nullif(current_setting('baton.at', true), '')::timestamptz, clock_timestamp()),
          nullif(current_setting('baton.by', true), '')::bigint;
    RETURN NULL;
END $$;
"""
ROWS = (("sla_routingrule", "sla_ruleversion", "rule_id"), ("sla_reason", "sla_reasonversion", "reason_id"))
GUARD = """
CREATE TRIGGER count_version BEFORE INSERT OR UPDATE ON {row}
    FOR EACH ROW EXECUTE FUNCTION baton_count_version();
CREATE TRIGGER keep_version AFTER INSERT OR UPDATE ON {row}
    FOR EACH ROW EXECUTE FUNCTION baton_keep_version('{version}', '{column}');
CREATE TRIGGER guard_history BEFORE UPDATE OR DELETE ON {version}
    FOR EACH ROW EXECUTE FUNCTION baton_refuse_change();
INSERT INTO {version} ({column}, number, content, why, at)
    SELECT id, version, to_jsonb({row}) - 'id' - 'version', 'As it stood when versions began', now() FROM {row};
"""
UNGUARD = """
DROP TRIGGER count_version ON {row};
DROP TRIGGER keep_version ON {row};
DROP TRIGGER guard_history ON {version};
"""


class Migration(migrations.Migration):
    dependencies = [("sla", "0006_keep_versions"), ("leads", "0002_guard_history")]

    operations = [
        migrations.RunSQL(KEEP, "DROP FUNCTION baton_count_version(); DROP FUNCTION baton_keep_version();"),
        *(
            migrations.RunSQL(
                GUARD.format(row=row, version=version, column=column), UNGUARD.format(row=row, version=version)
            )
            for row, version, column in ROWS
        ),
    ]
