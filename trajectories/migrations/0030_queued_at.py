import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('trajectories', '0027_saved_by_the_cache'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='queued_at',
            field=models.DateTimeField(default=django.utils.timezone.now, help_text='When it began to wait for a worker.'),
        ),
    ]
