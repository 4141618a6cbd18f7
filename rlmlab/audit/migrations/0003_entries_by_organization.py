from django.db import migrations, models


class Migration(migrations.Migration):
    """A page of a small organization's log does not pass over everybody else's entries."""

    dependencies = [
        ('audit', '0002_chain'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='auditentry',
            index=models.Index(fields=['organization_id', '-id'], name='audit_entry_by_organization'),
        ),
    ]
