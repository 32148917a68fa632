"""A signal is held by any active person; every other open hand-off by an active rep. Nobody leaves with one in hand."""

from django.db import migrations

HELD = """
CREATE OR REPLACE FUNCTION baton_open_handoff_has_active_rep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- FOR SHARE: nobody can be deactivated between this look and the commit.
    IF NEW.lane = 'signal' THEN
        PERFORM 1 FROM leads_user WHERE id = NEW.user_id AND is_active FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'An open signal needs an active person.' USING ERRCODE = 'check_violation';
        END IF;
        RETURN NEW;
    END IF;
    PERFORM 1 FROM sla_rep WHERE user_id = NEW.user_id AND is_active FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'An open hand-off needs an active rep.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION baton_rep_keeps_no_open_handoff() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM sla_handoff
               WHERE user_id = OLD.user_id AND state IN ('offered', 'accepted') AND lane <> 'signal') THEN
        RAISE EXCEPTION 'This rep still has open hand-offs. Move them on first.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
BEFORE = """
CREATE OR REPLACE FUNCTION baton_open_handoff_has_active_rep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM sla_rep WHERE user_id = NEW.user_id AND is_active FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'An open hand-off needs an active rep.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION baton_rep_keeps_no_open_handoff() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM sla_handoff WHERE user_id = OLD.user_id AND state IN ('offered', 'accepted')) THEN
        RAISE EXCEPTION 'This rep still has open hand-offs. Move them on first.' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("sla", "0011_agree_upon_time_and_spread_promises"), ("scoring", "0003_let_colleagues_join")]

    operations = [migrations.RunSQL(HELD, BEFORE)]
