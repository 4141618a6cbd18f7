"""What plain code says about the demo's answers."""

from django.db import models

from rlmlab.scoping.models import OrgModel
from trajectories.models.runs import Run


class DemoCheck(OrgModel):
    """The expected answer of a demo run, known from plain code; `passed` is None until the run has ended."""

    run = models.OneToOneField(Run, on_delete=models.CASCADE, related_name="demo_check")
    question = models.TextField()
    expected = models.TextField()
    got = models.TextField(blank=True, default="")
    passed = models.BooleanField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
