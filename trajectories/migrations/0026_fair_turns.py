import django.db.models.deletion
import rlmlab.scoping.ids
from django.db import migrations, models

from rlmlab.scoping import rls


class Migration(migrations.Migration):

    dependencies = [
        ('tenancy', '0026_concurrent_runs'),
        ('trajectories', '0024_modes'),
    ]

    operations = [
        migrations.CreateModel(
            name='Turn',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization')),
                ('served_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddConstraint(
            model_name='turn',
            constraint=models.UniqueConstraint(fields=('organization',), name='turn_once_per_organization'),
        ),
        rls.enable_row_level_security('trajectories_turn'),
        migrations.RemoveIndex(
            model_name='run',
            name='run_in_queue',
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('status', 'queued')), fields=['organization', '-priority', 'created_at', 'id'], name='run_waiting_in_order'),
        ),
    ]
