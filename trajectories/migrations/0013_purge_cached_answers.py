from importlib import import_module

from django.db import migrations

from rlmlab.scoping import rls

BEFORE = import_module('trajectories.migrations.0006_purge_what_came_of_a_run').PURGE_RUN
PURGE_RUN = BEFORE.replace(
    '    DELETE FROM trajectories_rating WHERE run_id = purged;',
    '    DELETE FROM trajectories_rating WHERE run_id = purged;\n'
    '    DELETE FROM trajectories_cachedanswer WHERE run_id = purged;',
)


class Migration(migrations.Migration):
    """Purge with a run the answers that it paid for."""

    dependencies = [
        ('trajectories', '0012_forks_modes_and_caches'),
    ]

    operations = [
        rls.role_sql([PURGE_RUN], [BEFORE]),
    ]
