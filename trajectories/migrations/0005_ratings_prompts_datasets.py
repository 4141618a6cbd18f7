import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.text
import rlmlab.scoping.ids
from django.db import migrations, models

from rlmlab.scoping import rls


class Migration(migrations.Migration):

    dependencies = [
        ('tenancy', '0003_api_key_rate'),
        ('trajectories', '0004_tombstone_once_per_run'),
    ]

    operations = [
        migrations.CreateModel(
            name='Rating',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('span_id', models.CharField(blank=True, default='', max_length=32)),
                ('dimension', models.CharField(choices=[('correct', 'Correct'), ('helpful', 'Helpful'), ('format', 'Format'), ('safety', 'Safety'), ('efficiency', 'Efficiency')], max_length=12)),
                ('value', models.FloatField()),
                ('rater_kind', models.CharField(choices=[('human', 'Human'), ('checker', 'Checker'), ('judge', 'Judge'), ('implicit', 'Implicit')], max_length=10)),
                ('rater_actor', models.CharField(max_length=10)),
                ('rater_id', models.UUIDField(null=True)),
                ('version', models.PositiveIntegerField(default=1)),
                ('current', models.BooleanField(default=True)),
                ('comment', models.TextField(blank=True, default='')),
                ('correction', models.JSONField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='RunExample',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('position', models.PositiveIntegerField()),
                ('score', models.FloatField()),
                ('reason', models.CharField(max_length=500)),
            ],
        ),
        migrations.AddField(
            model_name='run',
            name='fallback_models',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=200), blank=True, default=list, size=None),
        ),
        migrations.AddField(
            model_name='run',
            name='purpose',
            field=models.CharField(choices=[('user', 'User'), ('evaluation', 'Evaluation')], default='user', max_length=12),
        ),
        migrations.AddField(
            model_name='run',
            name='use_examples',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='run',
            name='use_memory',
            field=models.BooleanField(default=False),
        ),
        migrations.CreateModel(
            name='Dataset',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=50)),
                ('description', models.CharField(blank=True, default='', max_length=500)),
                ('checker', models.CharField(choices=[('exact', 'Same text, but for case and space'), ('contains', 'Contains the expected text'), ('number', 'Same number'), ('json', 'Same JSON value')], default='exact', max_length=10)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization')),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.project')),
            ],
        ),
        migrations.CreateModel(
            name='Example',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('good', 'Good run'), ('corrected', 'Corrected run')], max_length=10)),
                ('task', models.TextField()),
                ('text', models.TextField()),
                ('input_hash', models.CharField(max_length=64)),
                ('created_by_kind', models.CharField(max_length=10)),
                ('created_by_id', models.UUIDField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('retired_at', models.DateTimeField(null=True)),
                ('search', models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.SearchVector(django.db.models.functions.text.Left('task', 20000), config='english'), output_field=django.contrib.postgres.search.SearchVectorField())),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization')),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.project')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.run')),
            ],
        ),
        migrations.CreateModel(
            name='Experiment',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('split', models.CharField(choices=[('train', 'Train'), ('dev', 'Dev'), ('holdout', 'Holdout')], max_length=10)),
                ('name', models.CharField(max_length=120)),
                ('baseline_examples', models.BooleanField()),
                ('candidate_examples', models.BooleanField()),
                ('model', models.CharField(max_length=200)),
                ('sub_model', models.CharField(blank=True, default='', max_length=200)),
                ('environment', models.CharField(choices=[('auto', 'Auto'), ('restricted', 'Restricted'), ('native', 'Native'), ('docker', 'Docker'), ('monty', 'Monty'), ('wasm', 'Wasm')], max_length=20)),
                ('plan', models.JSONField()),
                ('plan_hash', models.CharField(max_length=64)),
                ('created_by_kind', models.CharField(max_length=10)),
                ('created_by_id', models.UUIDField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.dataset')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization')),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.project')),
            ],
        ),
        migrations.CreateModel(
            name='Item',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('split', models.CharField(choices=[('train', 'Train'), ('dev', 'Dev'), ('holdout', 'Holdout')], max_length=10)),
                ('task', models.TextField()),
                ('context_kind', models.CharField(blank=True, choices=[('', 'None'), ('text', 'Text'), ('json', 'Json'), ('files', 'Files'), ('mixed', 'Mixed')], default='', max_length=10)),
                ('expected', models.JSONField()),
                ('input_hash', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('retired_at', models.DateTimeField(null=True)),
                ('blob', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.blob')),
                ('dataset', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.dataset')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization')),
                ('source_run', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='trajectories.run')),
            ],
        ),
        migrations.CreateModel(
            name='ExperimentRun',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('arm', models.CharField(choices=[('baseline', 'Baseline'), ('candidate', 'Candidate')], max_length=10)),
                ('experiment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='trajectories.experiment')),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization')),
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='experiment_run', to='trajectories.run')),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.item')),
            ],
        ),
        migrations.CreateModel(
            name='Prompt',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=50)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization')),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.project')),
            ],
        ),
        migrations.CreateModel(
            name='PromptVersion',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveIntegerField()),
                ('text', models.TextField()),
                ('note', models.CharField(blank=True, default='', max_length=500)),
                ('builtin', models.BooleanField(default=False)),
                ('created_by_kind', models.CharField(max_length=10)),
                ('created_by_id', models.UUIDField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization')),
                ('prompt', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.prompt')),
            ],
        ),
        migrations.CreateModel(
            name='PromptLabel',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=50)),
                ('moved_at', models.DateTimeField()),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization')),
                ('prompt', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.prompt')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.promptversion')),
            ],
        ),
        migrations.CreateModel(
            name='Promotion',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('label', models.CharField(max_length=50)),
                ('evidence', models.JSONField(default=dict)),
                ('overridden', models.BooleanField()),
                ('reason', models.TextField()),
                ('created_by_kind', models.CharField(max_length=10)),
                ('created_by_id', models.UUIDField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('experiment', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.experiment')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization')),
                ('prompt', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.prompt')),
                ('from_version', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.promptversion')),
                ('to_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.promptversion')),
            ],
        ),
        migrations.AddField(
            model_name='experiment',
            name='baseline',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.promptversion'),
        ),
        migrations.AddField(
            model_name='experiment',
            name='candidate',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.promptversion'),
        ),
        migrations.AddField(
            model_name='run',
            name='prompt_version',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.promptversion'),
        ),
        migrations.AddConstraint(
            model_name='run',
            constraint=models.CheckConstraint(condition=models.Q(('purpose__in', ['user', 'evaluation'])), name='run_purpose_is_known'),
        ),
        migrations.AddField(
            model_name='rating',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization'),
        ),
        migrations.AddField(
            model_name='rating',
            name='run',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='trajectories.run'),
        ),
        migrations.AddField(
            model_name='example',
            name='rating',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.rating'),
        ),
        migrations.AddField(
            model_name='runexample',
            name='example',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='trajectories.example'),
        ),
        migrations.AddField(
            model_name='runexample',
            name='organization',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization'),
        ),
        migrations.AddField(
            model_name='runexample',
            name='run',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='trajectories.run'),
        ),
        migrations.AddConstraint(
            model_name='dataset',
            constraint=models.UniqueConstraint(fields=('project', 'name'), name='dataset_name_once_per_project'),
        ),
        migrations.AddConstraint(
            model_name='dataset',
            constraint=models.CheckConstraint(condition=models.Q(('name__regex', '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')), name='dataset_name_is_valid'),
        ),
        migrations.AddConstraint(
            model_name='dataset',
            constraint=models.CheckConstraint(condition=models.Q(('checker__in', ['exact', 'contains', 'number', 'json'])), name='dataset_checker_is_known'),
        ),
        migrations.AddConstraint(
            model_name='item',
            constraint=models.UniqueConstraint(fields=('dataset', 'number'), name='item_number_once_per_dataset'),
        ),
        migrations.AddConstraint(
            model_name='item',
            constraint=models.UniqueConstraint(condition=models.Q(('retired_at', None)), fields=('dataset', 'input_hash'), name='item_input_once_per_dataset'),
        ),
        migrations.AddConstraint(
            model_name='item',
            constraint=models.CheckConstraint(condition=models.Q(('split__in', ['train', 'dev', 'holdout'])), name='item_split_is_known'),
        ),
        migrations.AddConstraint(
            model_name='item',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('blob', None), ('context_kind', '')), models.Q(('blob__isnull', False), ('context_kind__in', ['text', 'json'])), _connector='OR'), name='item_has_its_input'),
        ),
        migrations.AddConstraint(
            model_name='experimentrun',
            constraint=models.UniqueConstraint(fields=('experiment', 'item', 'arm'), name='experiment_run_once_per_item_and_arm'),
        ),
        migrations.AddConstraint(
            model_name='experimentrun',
            constraint=models.CheckConstraint(condition=models.Q(('arm__in', ['baseline', 'candidate'])), name='experiment_run_arm_is_known'),
        ),
        migrations.AddConstraint(
            model_name='prompt',
            constraint=models.UniqueConstraint(fields=('project', 'name'), name='prompt_name_once_per_project'),
        ),
        migrations.AddConstraint(
            model_name='prompt',
            constraint=models.CheckConstraint(condition=models.Q(('name__regex', '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')), name='prompt_name_is_valid'),
        ),
        migrations.AddConstraint(
            model_name='promptversion',
            constraint=models.UniqueConstraint(fields=('prompt', 'number'), name='prompt_version_number_once'),
        ),
        migrations.AddConstraint(
            model_name='promptversion',
            constraint=models.CheckConstraint(condition=models.Q(('number__gte', 1)), name='prompt_version_counts_from_one'),
        ),
        migrations.AddConstraint(
            model_name='promptversion',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='prompt_version_has_text'),
        ),
        migrations.AddConstraint(
            model_name='promptlabel',
            constraint=models.UniqueConstraint(fields=('prompt', 'name'), name='prompt_label_once_per_prompt'),
        ),
        migrations.AddConstraint(
            model_name='promptlabel',
            constraint=models.CheckConstraint(condition=models.Q(('name__regex', '^[a-z0-9]([a-z0-9-]*[a-z0-9])?$')), name='prompt_label_name_is_valid'),
        ),
        migrations.AddConstraint(
            model_name='promotion',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='promotion_has_a_reason'),
        ),
        migrations.AddIndex(
            model_name='experiment',
            index=models.Index(fields=['project', '-created_at', '-id'], name='experiment_by_project_and_time'),
        ),
        migrations.AddConstraint(
            model_name='experiment',
            constraint=models.CheckConstraint(condition=models.Q(('baseline', models.F('candidate')), ('baseline_examples', models.F('candidate_examples')), _negated=True), name='experiment_arms_differ'),
        ),
        migrations.AddConstraint(
            model_name='experiment',
            constraint=models.CheckConstraint(condition=models.Q(('split__in', ['train', 'dev', 'holdout'])), name='experiment_split_is_known'),
        ),
        migrations.AddConstraint(
            model_name='experiment',
            constraint=models.CheckConstraint(condition=models.Q(('environment__in', ['auto', 'restricted', 'native', 'docker', 'monty', 'wasm'])), name='experiment_environment_is_known'),
        ),
        migrations.AddIndex(
            model_name='rating',
            index=models.Index(fields=['run', '-created_at'], name='rating_by_run'),
        ),
        migrations.AddConstraint(
            model_name='rating',
            constraint=models.UniqueConstraint(condition=models.Q(('current', True)), fields=('run', 'span_id', 'dimension', 'rater_kind', 'rater_actor', 'rater_id'), name='rating_current_once_per_rater', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='rating',
            constraint=models.CheckConstraint(condition=models.Q(('value__gte', 0), ('value__lte', 1)), name='rating_value_is_a_share'),
        ),
        migrations.AddConstraint(
            model_name='rating',
            constraint=models.CheckConstraint(condition=models.Q(('dimension__in', ['correct', 'helpful', 'format', 'safety', 'efficiency'])), name='rating_dimension_is_known'),
        ),
        migrations.AddConstraint(
            model_name='rating',
            constraint=models.CheckConstraint(condition=models.Q(('rater_kind__in', ['human', 'checker', 'judge', 'implicit'])), name='rating_rater_is_known'),
        ),
        migrations.AddIndex(
            model_name='example',
            index=models.Index(fields=['project', '-created_at', '-id'], name='example_by_project_and_time'),
        ),
        migrations.AddIndex(
            model_name='example',
            index=django.contrib.postgres.indexes.GinIndex(fields=['search'], name='example_search'),
        ),
        migrations.AddConstraint(
            model_name='example',
            constraint=models.UniqueConstraint(condition=models.Q(('retired_at', None)), fields=('run',), name='example_once_per_run'),
        ),
        migrations.AddConstraint(
            model_name='example',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['good', 'corrected'])), name='example_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='example',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='example_has_text'),
        ),
        migrations.AddConstraint(
            model_name='runexample',
            constraint=models.UniqueConstraint(fields=('run', 'position'), name='run_example_position_once'),
        ),
        migrations.AddConstraint(
            model_name='runexample',
            constraint=models.UniqueConstraint(fields=('run', 'example'), name='run_example_once'),
        ),
        rls.enable_row_level_security('trajectories_rating'),
        rls.enable_row_level_security('trajectories_example'),
        rls.enable_row_level_security('trajectories_runexample'),
        rls.enable_row_level_security('trajectories_prompt'),
        rls.enable_row_level_security('trajectories_promptversion'),
        rls.enable_row_level_security('trajectories_promptlabel'),
        rls.enable_row_level_security('trajectories_promotion'),
        rls.enable_row_level_security('trajectories_dataset'),
        rls.enable_row_level_security('trajectories_item'),
        rls.enable_row_level_security('trajectories_experiment'),
        rls.enable_row_level_security('trajectories_experimentrun'),
        rls.append_only('trajectories_promptversion'),
        rls.append_only('trajectories_promotion'),
    ]
