import django.contrib.postgres.fields
import django.db.models.deletion
import rlmlab.scoping.ids
from django.db import migrations, models

from rlmlab.scoping import rls


class Migration(migrations.Migration):

    dependencies = [
        ('tenancy', '0004_tools_and_sub_call_cache'),
        ('trajectories', '0011_heartbeats_touch_no_index'),
    ]

    operations = [
        migrations.CreateModel(
            name='CachedAnswer',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=64)),
                ('model', models.CharField(max_length=200)),
                ('answer', models.TextField()),
                ('input_tokens', models.BigIntegerField()),
                ('output_tokens', models.BigIntegerField()),
                ('cost_usd', models.FloatField(null=True)),
                ('run_id', models.UUIDField()),
                ('span_id', models.CharField(max_length=32)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.AddField(
            model_name='run',
            name='cache_write_tokens',
            field=models.BigIntegerField(default=0, help_text="Of the input, written to a provider's cache."),
        ),
        migrations.AddField(
            model_name='run',
            name='cached_tokens',
            field=models.BigIntegerField(default=0, help_text="Of the input, read from a provider's cache."),
        ),
        migrations.AddField(
            model_name='run',
            name='depth_models',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), blank=True, default=list, help_text="By depth, the root's first.", size=None),
        ),
        migrations.AddField(
            model_name='run',
            name='edited_code',
            field=models.TextField(blank=True, default='', help_text='What a fork runs instead of the next reply.'),
        ),
        migrations.AddField(
            model_name='run',
            name='mode',
            field=models.CharField(choices=[('direct', 'Direct'), ('repl', 'Repl'), ('rlm', 'Rlm'), ('auto', 'Auto')], default='rlm', max_length=10),
        ),
        migrations.AddField(
            model_name='run',
            name='origin',
            field=models.CharField(blank=True, choices=[('', 'None'), ('fork', 'Fork'), ('retry', 'Retry'), ('continue', 'Continue')], default='', max_length=10),
        ),
        migrations.AddField(
            model_name='run',
            name='origin_run_id',
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name='run',
            name='origin_seq',
            field=models.BigIntegerField(default=0, help_text='The last event that is shared.'),
        ),
        migrations.AddField(
            model_name='run',
            name='pause_requested',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='run',
            name='priority',
            field=models.SmallIntegerField(default=0, help_text='Higher is claimed earlier, within an organization.'),
        ),
        migrations.AddField(
            model_name='run',
            name='reasoning_tokens',
            field=models.BigIntegerField(default=0, help_text='Of the output.'),
        ),
        migrations.AddField(
            model_name='run',
            name='takeover_progress',
            field=models.BigIntegerField(default=0, help_text='What had been done at the last of them.'),
        ),
        migrations.AddField(
            model_name='run',
            name='takeovers',
            field=models.PositiveIntegerField(default=0, help_text='Workers lost in a row without any progress.'),
        ),
        migrations.AddField(
            model_name='run',
            name='tools',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, size=None),
        ),
        migrations.AddField(
            model_name='run',
            name='use_cache',
            field=models.BooleanField(default=False, help_text='As the project had it when the run was made.'),
        ),
        migrations.AddField(
            model_name='runinput',
            name='media_type',
            field=models.CharField(blank=True, default='', help_text='Empty: text.', max_length=60),
        ),
        migrations.AddField(
            model_name='span',
            name='cache_write_tokens',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='span',
            name='cached_tokens',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='span',
            name='coverage',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, help_text='Bytes of the input it saw: start, end, start, …', size=None),
        ),
        migrations.AddField(
            model_name='span',
            name='reasoning_tokens',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(condition=models.Q(('origin', ''), _negated=True), fields=['origin_run_id'], name='run_by_origin'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('mode__in', ['direct', 'repl', 'rlm', 'auto'])), name='run_mode_is_known'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('origin', ''), ('origin_run_id', None)), models.Q(('origin__in', ('fork', 'retry', 'continue')), ('origin_run_id__isnull', False)), _connector='OR'), name='run_origin_names_a_run'),
        ),
        migrations.AddField(
            model_name='cachedanswer',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization'),
        ),
        migrations.AddConstraint(
            model_name='cachedanswer',
            constraint=models.UniqueConstraint(fields=('organization', 'key'), name='cached_answer_once_per_organization'),
        ),
        rls.enable_row_level_security('trajectories_cachedanswer'),
    ]
