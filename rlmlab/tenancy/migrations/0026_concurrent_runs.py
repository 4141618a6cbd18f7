from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenancy', '0004_tools_and_sub_call_cache'),
    ]

    operations = [
        migrations.AddField(
            model_name='organization',
            name='max_concurrent_runs',
            field=models.PositiveIntegerField(blank=True, help_text='Runs at work at the same time; more wait. Empty: as many as the workers have places.', null=True),
        ),
    ]
