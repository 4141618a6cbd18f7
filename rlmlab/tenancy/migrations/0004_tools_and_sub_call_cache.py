import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tenancy', '0003_api_key_rate'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='modelprice',
            name='model_price_is_not_negative',
        ),
        migrations.AddField(
            model_name='modelprice',
            name='cache_write_usd',
            field=models.DecimalField(blank=True, decimal_places=6, max_digits=14, null=True),
        ),
        migrations.AddField(
            model_name='project',
            name='allowed_hosts',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=253), blank=True, default=list, help_text='What the tool http_fetch may reach.', size=None),
        ),
        migrations.AddField(
            model_name='project',
            name='cache_sub_calls',
            field=models.BooleanField(default=False, help_text='Answer a sub-call that the organization has paid for already from its record.'),
        ),
        migrations.AddConstraint(
            model_name='modelprice',
            constraint=models.CheckConstraint(condition=models.Q(('input_usd__gte', 0), ('output_usd__gte', 0), models.Q(('cached_input_usd', None), ('cached_input_usd__gte', 0), _connector='OR'), models.Q(('cache_write_usd', None), ('cache_write_usd__gte', 0), _connector='OR')), name='model_price_is_not_negative'),
        ),
    ]
