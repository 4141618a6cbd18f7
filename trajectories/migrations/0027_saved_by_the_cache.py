from django.db import migrations, models


class Migration(migrations.Migration):
    """Count what a run was answered from the cache of sub-calls."""

    dependencies = [
        ('trajectories', '0026_fair_turns'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='cached_sub_calls',
            field=models.PositiveIntegerField(default=0, help_text='Of the sub-calls, answered from the cache.'),
        ),
        migrations.AddField(
            model_name='run',
            name='saved_usd',
            field=models.FloatField(default=0.0, help_text='What these had cost; null: a price is unknown.', null=True),
        ),
    ]
