from django.db import migrations

from rlmlab.scoping import rls


class Migration(migrations.Migration):
    """Events are never changed; blob chunks are stored as they are, since compressing them costs more than it saves."""

    dependencies = [
        ('trajectories', '0001_runs_and_events'),
    ]

    operations = [
        rls.append_only('trajectories_event'),
        rls.append_only('trajectories_tombstone'),
        rls.role_sql(
            ['REVOKE INSERT ON trajectories_tombstone FROM {app}', 'REVOKE DELETE ON trajectories_run FROM {app}'],
            ['GRANT DELETE ON trajectories_run TO {app}', 'GRANT INSERT ON trajectories_tombstone TO {app}'],
        ),
        rls.role_sql(
            ['ALTER TABLE trajectories_blobchunk ALTER COLUMN data SET STORAGE EXTERNAL'],
            ['ALTER TABLE trajectories_blobchunk ALTER COLUMN data SET STORAGE EXTENDED'],
        ),
    ]
