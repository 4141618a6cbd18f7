from django.db import migrations, models

from rlmlab.scoping import rls

WORDS = "lower(title || E'\\n' || left(task, 10000))"
COLUMNS = """id, organization_id, project_id, purpose, status, finish_reason, model, prompt_version_id, tags, created_at,
       reached_depth AS depth, model_calls AS calls, input_tokens + output_tokens AS tokens, cost_usd, seconds"""
OF_THE_ORGANIZATION = "organization_id = (SELECT NULLIF(current_setting('rlmlab.organization', true), '')::uuid)"


def view(more: str) -> list[str]:
    """Return what makes the view that searches read, with more columns."""
    return [
        'DROP VIEW trajectories_searchedrun',
        f"CREATE VIEW trajectories_searchedrun AS SELECT {COLUMNS}, {WORDS} AS words, {WORDS} || '' AS read_words{more} "
        f'FROM trajectories_run WHERE {OF_THE_ORGANIZATION}',
        'REVOKE ALL ON trajectories_searchedrun FROM {app}',
        'GRANT SELECT ON trajectories_searchedrun TO {app}',
    ]


class Migration(migrations.Migration):
    """Say why a mode was chosen, and let runs be searched by it."""

    dependencies = [
        ('trajectories', '0013_purge_cached_answers'),
    ]

    operations = [
        migrations.AddField(
            model_name='run',
            name='mode_reason',
            field=models.TextField(blank=True, default='', help_text='Why `auto` chose the mode; empty where it was asked for.'),
        ),
        migrations.AddIndex(
            model_name='run',
            index=models.Index(fields=['project', 'mode', '-created_at', '-id'], name='run_by_mode'),
        ),
        rls.role_sql(forward=view(', mode'), backward=view('')),
    ]
