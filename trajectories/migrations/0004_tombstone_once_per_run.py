from django.db import migrations, models


class Migration(migrations.Migration):
    """Name the constraint that a purged run leaves one tombstone."""

    dependencies = [
        ('trajectories', '0003_purge_run'),
    ]

    operations = [
        migrations.AlterField(
            model_name='tombstone',
            name='run_id',
            field=models.UUIDField(),
        ),
        migrations.AddConstraint(
            model_name='tombstone',
            constraint=models.UniqueConstraint(fields=('run_id',), name='tombstone_once_per_run'),
        ),
    ]
