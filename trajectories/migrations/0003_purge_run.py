from django.db import migrations

from rlmlab.scoping import rls

# Runs as the owner, whom no policy stops, so it looks at the caller's scope itself. A run that still works is left alone.
PURGE_RUN = """
CREATE FUNCTION purge_run(purged uuid) RETURNS bigint
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
    SELECT array_agg(DISTINCT blob_id) INTO freed FROM trajectories_runinput WHERE run_id = purged;
    DELETE FROM trajectories_runinput WHERE run_id = purged;
    DELETE FROM trajectories_run WHERE id = purged;
    SELECT array_agg(blob.id) INTO freed FROM trajectories_blob AS blob WHERE blob.id = ANY (freed)
        AND NOT EXISTS (SELECT FROM trajectories_runinput AS used WHERE used.blob_id = blob.id)
        AND NOT EXISTS (SELECT FROM trajectories_file AS used WHERE used.blob_id = blob.id);
    DELETE FROM trajectories_blobchunk WHERE blob_id = ANY (freed);
    DELETE FROM trajectories_blob WHERE id = ANY (freed);
    INSERT INTO trajectories_tombstone (id, organization_id, run_id, events, created_at, purged_at)
        VALUES (gen_random_uuid(), doomed.organization_id, purged, counted, doomed.created_at, now());
    RETURN counted;
END $$
"""


class Migration(migrations.Migration):
    """The only way to remove a run: its events and unshared inputs go, a tombstone stays."""

    dependencies = [
        ('trajectories', '0002_append_only_events'),
    ]

    operations = [
        rls.role_sql(
            [
                PURGE_RUN,
                'REVOKE EXECUTE ON FUNCTION purge_run(uuid) FROM PUBLIC',
                'GRANT EXECUTE ON FUNCTION purge_run(uuid) TO {app}',
            ],
            ['DROP FUNCTION purge_run(uuid)'],
        ),
    ]
