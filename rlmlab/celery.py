"""The Celery app. The broker only says that a run waits: the database owns the run, and says whose turn it is."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "rlmlab.settings")

app = Celery("rlmlab")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
