"""Promises keep: versions and histories never change, and nobody inactive holds an open hand-off."""

from django.db import migrations

POLICY = """
CREATE TRIGGER guard_version BEFORE UPDATE OR DELETE ON sla_policyversion
    FOR EACH ROW EXECUTE FUNCTION baton_guard_version();

CREATE FUNCTION baton_guard_policy_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    touched bigint[] := ARRAY[]::bigint[];
BEGIN
    IF TG_OP <> 'INSERT' THEN touched := touched || OLD.version_id; END IF;
    IF TG_OP <> 'DELETE' THEN touched := touched || NEW.version_id; END IF;
    IF EXISTS (SELECT 1 FROM sla_policyversion WHERE id = ANY(touched) AND state <> 'draft') THEN
        RAISE EXCEPTION 'A published policy never changes. Make a new draft.' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_line BEFORE INSERT OR UPDATE OR DELETE ON sla_policytarget
    FOR EACH ROW EXECUTE FUNCTION baton_guard_policy_line();
CREATE TRIGGER guard_line BEFORE INSERT OR UPDATE OR DELETE ON sla_ladderstep
    FOR EACH ROW EXECUTE FUNCTION baton_guard_policy_line();
"""

ACTIVE = """
CREATE FUNCTION baton_open_handoff_has_active_rep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- FOR SHARE: a rep can't be deactivated between this look and the commit.
    PERFORM 1 FROM sla_rep WHERE user_id = NEW.user_id AND is_active FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'An open hand-off needs an active rep.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER open_handoff_has_active_rep BEFORE INSERT OR UPDATE OF state, user_id ON sla_handoff
    FOR EACH ROW WHEN (NEW.state IN ('offered', 'accepted'))
    EXECUTE FUNCTION baton_open_handoff_has_active_rep();

CREATE FUNCTION baton_rep_keeps_no_open_handoff() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM sla_handoff WHERE user_id = OLD.user_id AND state IN ('offered', 'accepted')) THEN
        RAISE EXCEPTION 'This rep still has open hand-offs. Move them on first.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER rep_keeps_no_open_handoff BEFORE UPDATE OF is_active ON sla_rep
    FOR EACH ROW WHEN (OLD.is_active AND NOT NEW.is_active)
    EXECUTE FUNCTION baton_rep_keeps_no_open_handoff();
"""

HISTORY = (
    "sla_calendarversion",
    "sla_handoffchange",
    "sla_routingtrace",
    "sla_capacityoverride",
    "sla_clocktiming",
    "sla_clockstep",
)


class Migration(migrations.Migration):
    dependencies = [("sla", "0001_first"), ("scoring", "0002_guard_history")]

    operations = [
        migrations.RunSQL(
            POLICY, "DROP TRIGGER guard_version ON sla_policyversion; DROP FUNCTION baton_guard_policy_line() CASCADE;"
        ),
        migrations.RunSQL(
            ACTIVE,
            "DROP FUNCTION baton_open_handoff_has_active_rep() CASCADE;"
            "DROP FUNCTION baton_rep_keeps_no_open_handoff() CASCADE;",
        ),
        *(
            migrations.RunSQL(
                f"CREATE TRIGGER guard_history BEFORE UPDATE OR DELETE ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION baton_refuse_change();",
                f"DROP TRIGGER guard_history ON {table};",
            )
            for table in HISTORY
        ),
    ]
