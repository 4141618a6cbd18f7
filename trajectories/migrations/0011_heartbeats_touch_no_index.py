from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trajectories', '0010_search_runs'),
    ]

    # A column in any index, even a partial one, makes PostgreSQL write each new version of a row to all indexes of the
    # table, those of texts included. Running and waiting runs are few: their times need no order.
    operations = [
        migrations.RemoveIndex(model_name='run', name='run_lease'),
        migrations.RemoveIndex(model_name='run', name='run_waiting'),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('status', 'running')), fields=['id'], name='run_at_work'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('status', 'queued')), fields=['created_at'], name='run_in_queue'),
        ),
    ]
