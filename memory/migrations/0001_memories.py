import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import rlmlab.scoping.ids
from django.db import migrations, models

from rlmlab.scoping import rls


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('tenancy', '0002_roles_invitations_providers'),
    ]

    operations = [
        migrations.CreateModel(
            name='Memory',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('fact', 'Fact'), ('episode', 'Episode'), ('skill', 'Skill'), ('lesson', 'Lesson')], default='fact', max_length=10)),
                ('text', models.TextField(blank=True)),
                ('text_hash', models.CharField(max_length=64)),
                ('trust', models.CharField(choices=[('user_stated', 'Stated by a person'), ('human_edited', 'Edited by a person'), ('agent_inferred', 'Kept by a run')], max_length=16)),
                ('status', models.CharField(choices=[('active', 'Active'), ('forgotten', 'Forgotten'), ('erased', 'Erased')], default='active', max_length=10)),
                ('pinned', models.BooleanField(default=False)),
                ('source_run_id', models.UUIDField(null=True)),
                ('uses', models.PositiveIntegerField(default=0)),
                ('last_used_at', models.DateTimeField(null=True)),
                ('created_by_kind', models.CharField(max_length=10)),
                ('created_by_id', models.UUIDField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('search', models.GeneratedField(db_persist=True, expression=django.contrib.postgres.search.CombinedSearchVector(django.contrib.postgres.search.SearchVector('text', config='english'), '||', django.contrib.postgres.search.SearchVector('text', config='simple'), django.contrib.postgres.search.SearchConfig('english')), output_field=django.contrib.postgres.search.SearchVectorField())),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization')),
                ('project', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.project')),
            ],
            options={
                'verbose_name_plural': 'memories',
            },
        ),
        migrations.CreateModel(
            name='MemoryChange',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('action', models.CharField(max_length=10)),
                ('text', models.TextField(blank=True)),
                ('actor_kind', models.CharField(max_length=10)),
                ('actor_id', models.UUIDField(null=True)),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('memory', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='memory.memory')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='tenancy.organization')),
            ],
        ),
        migrations.AddIndex(
            model_name='memory',
            index=models.Index(fields=['project', '-created_at', '-id'], name='memory_by_project_and_time'),
        ),
        migrations.AddIndex(
            model_name='memory',
            index=models.Index(fields=['source_run_id'], name='memory_by_run'),
        ),
        migrations.AddIndex(
            model_name='memory',
            index=django.contrib.postgres.indexes.GinIndex(fields=['search'], name='memory_search'),
        ),
        migrations.AddConstraint(
            model_name='memory',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'active')), fields=('project', 'text_hash'), name='memory_kept_once_per_project'),
        ),
        migrations.AddConstraint(
            model_name='memory',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['fact', 'episode', 'skill', 'lesson'])), name='memory_kind_is_known'),
        ),
        migrations.AddConstraint(
            model_name='memory',
            constraint=models.CheckConstraint(condition=models.Q(('trust__in', ['user_stated', 'human_edited', 'agent_inferred'])), name='memory_trust_is_known'),
        ),
        migrations.AddConstraint(
            model_name='memory',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['active', 'forgotten', 'erased'])), name='memory_status_is_known'),
        ),
        migrations.AddConstraint(
            model_name='memory',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('pinned', False), ('status', 'erased'), ('text', '')), models.Q(models.Q(('status', 'erased'), _negated=True), models.Q(('text', ''), _negated=True)), _connector='OR'), name='memory_has_text_until_erased'),
        ),
        migrations.AddConstraint(
            model_name='memory',
            constraint=models.CheckConstraint(condition=models.Q(('pinned', False), ('status', 'active'), _connector='OR'), name='memory_pinned_is_active'),
        ),
        migrations.AddIndex(
            model_name='memorychange',
            index=models.Index(fields=['memory', '-at'], name='memory_change_by_memory'),
        ),
        rls.enable_row_level_security('memory_memory'),
        rls.enable_row_level_security('memory_memorychange'),
    ]
