"""Published versions, qualifications and the history of episodes never change: the database refuses it."""

from django.db import migrations

VERSION = """
CREATE FUNCTION baton_guard_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'draft' THEN
        IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
        RETURN NEW;
    END IF;
    -- Only retirement touches a published version.
    IF TG_OP = 'UPDATE' AND OLD.state = 'published' AND NEW.state = 'retired'
       AND (to_jsonb(NEW) - 'state' - 'retired_at') = (to_jsonb(OLD) - 'state' - 'retired_at') THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A published version never changes. Make a new draft.' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER guard_version BEFORE UPDATE OR DELETE ON scoring_definitionversion
    FOR EACH ROW EXECUTE FUNCTION baton_guard_version();

CREATE FUNCTION baton_guard_criterion() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    touched bigint[] := ARRAY[]::bigint[];
BEGIN
    IF TG_OP <> 'INSERT' THEN touched := touched || OLD.version_id; END IF;
    IF TG_OP <> 'DELETE' THEN touched := touched || NEW.version_id; END IF;
    IF EXISTS (SELECT 1 FROM scoring_definitionversion WHERE id = ANY(touched) AND state <> 'draft') THEN
        RAISE EXCEPTION 'Criteria of a published version never change. Make a new draft.' USING ERRCODE = 'check_violation';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER guard_criterion BEFORE INSERT OR UPDATE OR DELETE ON scoring_criterion
    FOR EACH ROW EXECUTE FUNCTION baton_guard_criterion();
"""

QUALIFICATION = """
CREATE FUNCTION baton_guard_qualification() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Whether it waits, and the episode it led to, are settled later; the judgement itself stands.
    IF TG_OP = 'UPDATE'
       AND (to_jsonb(NEW) - 'waiting' - 'settled_as' - 'settled_at' - 'settled_by_id' - 'episode_id')
         = (to_jsonb(OLD) - 'waiting' - 'settled_as' - 'settled_at' - 'settled_by_id' - 'episode_id')
       AND (OLD.episode_id IS NULL OR NEW.episode_id = OLD.episode_id) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A qualification is a fact and never changes.' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER guard_qualification BEFORE UPDATE OR DELETE ON scoring_qualification
    FOR EACH ROW EXECUTE FUNCTION baton_guard_qualification();
CREATE TRIGGER guard_history BEFORE UPDATE OR DELETE ON scoring_episodechange
    FOR EACH ROW EXECUTE FUNCTION baton_refuse_change();
"""


class Migration(migrations.Migration):
    dependencies = [("scoring", "0001_first"), ("leads", "0002_guard_history")]

    operations = [
        migrations.RunSQL(
            VERSION, "DROP FUNCTION baton_guard_version() CASCADE; DROP FUNCTION baton_guard_criterion() CASCADE;"
        ),
        migrations.RunSQL(
            QUALIFICATION,
            "DROP FUNCTION baton_guard_qualification() CASCADE; DROP TRIGGER guard_history ON scoring_episodechange;",
        ),
    ]
