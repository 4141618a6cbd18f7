from django.db import migrations

from rlmlab.scoping import rls


class Migration(migrations.Migration):
    """Rights of the application's role, before the first table of ours."""

    initial = True
    dependencies = []
    operations = [
        rls.grant_application_role(),
        rls.create_refuse_update_function(),
    ]
