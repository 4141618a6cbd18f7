"""The form of a new experiment."""

from collections.abc import Sequence
from typing import Any, Final

from django import forms

from rlmlab.tenancy.models import EnvironmentName
from trajectories.improvement.plans import ExperimentRequest
from trajectories.models.datasets import Split

LIMITS: Final = ("max_tokens", "max_cost_usd", "max_seconds", "max_steps", "max_sub_calls")


class ExperimentForm(forms.Form):
    """A new experiment; what is valid, the action decides."""

    name = forms.CharField(label="Name", required=False)
    dataset = forms.ChoiceField(label="Dataset")
    split = forms.ChoiceField(label="Split", choices=Split.choices, initial=Split.HOLDOUT)
    baseline = forms.ChoiceField(label="Baseline", help_text="What is in use now.")
    baseline_examples = forms.BooleanField(label="with examples", required=False)
    candidate = forms.ChoiceField(label="Candidate", help_text="What might take its place.")
    candidate_examples = forms.BooleanField(label="with examples", required=False)
    model = forms.CharField(label="Model", required=False)
    sub_model = forms.CharField(label="Model of sub-calls", required=False)
    environment = forms.ChoiceField(
        label="Environment", choices=[("", "the project's"), *EnvironmentName.choices], required=False
    )
    max_tokens = forms.IntegerField(label="Tokens", required=False)
    max_cost_usd = forms.FloatField(label="Cost in USD", required=False)
    max_seconds = forms.FloatField(label="Seconds", required=False)
    max_steps = forms.IntegerField(label="Steps", required=False)
    max_sub_calls = forms.IntegerField(label="Sub-calls", required=False)
    seed = forms.IntegerField(label="Seed", required=False)

    def __init__(
        self, *args: Any, datasets: Sequence[tuple[str, str]], versions: Sequence[tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        choices = {"dataset": datasets, "baseline": versions, "candidate": versions}
        for name, offered in choices.items():
            field = self.fields[name]
            if isinstance(field, forms.ChoiceField):
                field.choices = list(offered)

    def request(self) -> ExperimentRequest:
        """Return what is asked for, in the domain's words."""
        found = dict(self.cleaned_data)
        budget = {name: found.pop(name) for name in LIMITS}
        return ExperimentRequest(**found, budget={name: value for name, value in budget.items() if value is not None})
