"""History rows are never changed: the database refuses it, whoever asks."""

from django.db import migrations

REFUSE = """
CREATE FUNCTION baton_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Rows of % are history and never change.', TG_TABLE_NAME USING ERRCODE = 'check_violation';
END $$;
"""

ATTRIBUTE = """
CREATE FUNCTION baton_guard_attribute() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Erasing a person empties the value; nothing else may change.
    IF TG_OP = 'UPDATE' AND NEW.value IS NULL
       AND (NEW.id, NEW.lead_id, NEW.account_id, NEW.attribute, NEW.known_at)
           IS NOT DISTINCT FROM (OLD.id, OLD.lead_id, OLD.account_id, OLD.attribute, OLD.known_at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Attribute changes are history and never change.' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER guard_attribute BEFORE UPDATE OR DELETE ON leads_attributechange
    FOR EACH ROW EXECUTE FUNCTION baton_guard_attribute();
"""

ACTIVITY = """
CREATE FUNCTION baton_guard_activity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Merging moves it, a scanner's click is discounted, erasing empties it; what happened stays.
    IF TG_OP = 'UPDATE'
       AND (NEW.id, NEW.type_id, NEW.occurred_at, NEW.received_at, NEW.source_id, NEW.message_id)
           IS NOT DISTINCT FROM (OLD.id, OLD.type_id, OLD.occurred_at, OLD.received_at, OLD.source_id, OLD.message_id)
       AND (NEW.properties = OLD.properties OR NEW.properties = '{}'::jsonb)
       AND (NEW.context = OLD.context OR NEW.context = '{}'::jsonb) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'Activities are append-only.' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER guard_activity BEFORE UPDATE OR DELETE ON leads_activity
    FOR EACH ROW EXECUTE FUNCTION baton_guard_activity();
"""


def guard(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER guard_history BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION baton_refuse_change();",
        f"DROP TRIGGER guard_history ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("leads", "0001_first")]

    operations = [
        migrations.RunSQL(REFUSE, "DROP FUNCTION baton_refuse_change();"),
        migrations.RunSQL(ATTRIBUTE, "DROP FUNCTION baton_guard_attribute() CASCADE;"),
        migrations.RunSQL(ACTIVITY, "DROP FUNCTION baton_guard_activity() CASCADE;"),
        guard("leads_stagechange"),
        guard("leads_restchange"),
        guard("leads_holderchange"),
    ]
