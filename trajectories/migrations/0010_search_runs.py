import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import rlmlab.scoping.ids
from django.contrib.postgres.operations import BtreeGinExtension, TrigramExtension
from django.db import migrations, models

from rlmlab.scoping import rls

WORDS = "lower(title || E'\\n' || left(task, 10000))"

# PostgreSQL uses no index for LIKE and @> behind a row-level security policy, since these operators might leak rows that
# the policy hides. The view reads as the owner, whom the policies let see all rows, and states the policy as its own
# condition, which the planner may test in any order. It shows one organization, also to a system scope. `read_words` is
# `words` again, but nothing that an index knows: the planner has no statistics of texts behind a policy, takes each word
# to be rare, and would fetch all the runs that have a common one.
VIEW = f"""
CREATE VIEW trajectories_searchedrun AS
SELECT id, organization_id, project_id, purpose, status, finish_reason, model, prompt_version_id, tags, created_at,
       reached_depth AS depth, model_calls AS calls, input_tokens + output_tokens AS tokens, cost_usd, seconds,
       {WORDS} AS words, {WORDS} || '' AS read_words
FROM trajectories_run
WHERE organization_id = (SELECT NULLIF(current_setting('rlmlab.organization', true), '')::uuid)
"""

# One tenant's rows are one project's as well: without this, the planner multiplies the two shares.
STATISTICS = (
    'CREATE STATISTICS run_project_tells_organization (dependencies) ON project_id, organization_id FROM trajectories_run'
)


class Migration(migrations.Migration):

    dependencies = [
        ('tenancy', '0003_api_key_rate'),
        ('trajectories', '0006_purge_what_came_of_a_run'),
    ]

    operations = [
        TrigramExtension(),
        BtreeGinExtension(),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['project', 'purpose', '-created_at', '-id'], name='run_by_purpose'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['project', 'status', '-created_at', '-id'], name='run_by_status'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['project', 'model', '-created_at', '-id'], name='run_by_model'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=django.contrib.postgres.indexes.GinIndex(fields=['project', 'tags'], name='run_by_tag'),
        ),
        migrations.AddIndex(
            model_name='rating',
            index=models.Index(condition=models.Q(('current', True), ('span_id', '')), fields=['organization', 'dimension', 'run'], include=['rater_kind', 'value'], name='rating_of_whole_runs'),
        ),
        rls.role_sql(
            forward=[
                f'CREATE INDEX run_by_words ON trajectories_run USING gin (project_id, ({WORDS}) gin_trgm_ops)',
                STATISTICS,
                VIEW,
                'REVOKE ALL ON trajectories_searchedrun FROM {app}',
                'GRANT SELECT ON trajectories_searchedrun TO {app}',
            ],
            backward=[
                'DROP VIEW trajectories_searchedrun',
                'DROP STATISTICS run_project_tells_organization',
                'DROP INDEX run_by_words',
            ],
        ),
        migrations.CreateModel(
            name='SearchedRun',
            fields=[
                ('id', models.UUIDField(default=rlmlab.scoping.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('purpose', models.CharField(max_length=12)),
                ('status', models.CharField(max_length=12)),
                ('finish_reason', models.CharField(max_length=12)),
                ('model', models.CharField(max_length=200)),
                ('tags', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=50), size=None)),
                ('created_at', models.DateTimeField()),
                ('depth', models.PositiveIntegerField()),
                ('calls', models.PositiveIntegerField()),
                ('tokens', models.BigIntegerField()),
                ('cost_usd', models.FloatField(null=True)),
                ('seconds', models.FloatField()),
                ('words', models.TextField()),
                ('read_words', models.TextField()),
            ],
            options={
                'managed': False,
            },
        ),
    ]
