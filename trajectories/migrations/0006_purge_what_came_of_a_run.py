from importlib import import_module

from django.db import migrations

from rlmlab.scoping import rls

# As the function before, and with it goes what was learnt from the run: ratings, examples, and their use by other runs.
PURGE_RUN = """
CREATE OR REPLACE FUNCTION purge_run(purged uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    doomed trajectories_run;
    freed uuid[];
    counted bigint;
BEGIN
    SELECT * INTO doomed FROM trajectories_run WHERE id = purged
        AND (organization_id = NULLIF(current_setting('rlmlab.organization', true), '')::uuid
             OR current_setting('rlmlab.system', true) = 'on')
        FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no run % in this scope', purged USING ERRCODE = 'no_data_found';
    END IF;
    IF doomed.status NOT IN ('succeeded', 'failed', 'cancelled') THEN
        RAISE EXCEPTION 'run % has not ended', purged USING ERRCODE = 'object_in_use';
    END IF;
    DELETE FROM trajectories_event WHERE run_id = purged;
    GET DIAGNOSTICS counted = ROW_COUNT;
    DELETE FROM trajectories_span WHERE run_id = purged;
    DELETE FROM trajectories_democheck WHERE run_id = purged;
    DELETE FROM trajectories_idempotencykey WHERE run_id = purged;
    DELETE FROM trajectories_runexample WHERE run_id = purged
        OR example_id IN (SELECT id FROM trajectories_example WHERE run_id = purged);
    DELETE FROM trajectories_example WHERE run_id = purged;
    DELETE FROM trajectories_rating WHERE run_id = purged;
    DELETE FROM trajectories_experimentrun WHERE run_id = purged;
    UPDATE trajectories_item SET source_run_id = NULL WHERE source_run_id = purged;
    SELECT array_agg(DISTINCT blob_id) INTO freed FROM trajectories_runinput WHERE run_id = purged;
    DELETE FROM trajectories_runinput WHERE run_id = purged;
    DELETE FROM trajectories_run WHERE id = purged;
    SELECT array_agg(blob.id) INTO freed FROM trajectories_blob AS blob WHERE blob.id = ANY (freed)
        AND NOT EXISTS (SELECT FROM trajectories_runinput AS used WHERE used.blob_id = blob.id)
        AND NOT EXISTS (SELECT FROM trajectories_file AS used WHERE used.blob_id = blob.id)
        AND NOT EXISTS (SELECT FROM trajectories_item AS used WHERE used.blob_id = blob.id);
    DELETE FROM trajectories_blobchunk WHERE blob_id = ANY (freed);
    DELETE FROM trajectories_blob WHERE id = ANY (freed);
    INSERT INTO trajectories_tombstone (id, organization_id, run_id, events, created_at, purged_at)
        VALUES (gen_random_uuid(), doomed.organization_id, purged, counted, doomed.created_at, now());
    RETURN counted;
END $$
"""
BEFORE = import_module('trajectories.migrations.0003_purge_run').PURGE_RUN.replace('CREATE FUNCTION', 'CREATE OR REPLACE FUNCTION')


class Migration(migrations.Migration):
    """Purge with a run its ratings and examples; an item made from it stays, without the run's id."""

    dependencies = [
        ('trajectories', '0005_ratings_prompts_datasets'),
    ]

    operations = [
        rls.role_sql([PURGE_RUN], [BEFORE]),
    ]
