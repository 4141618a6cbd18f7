"""The form of a project's settings."""

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.forms.boundfield import BoundField

from rlmlab.engine.types import Budget
from rlmlab.tenancy.limits import HIGHEST, highest_of
from rlmlab.tenancy.models import EnvironmentName, Organization, Project

LABELS: Final = {
    "max_tokens": ("Tokens", "Input and output, over the whole tree"),
    "max_cost_usd": ("Cost in USD", "Where all of a run's models have a price"),
    "max_seconds": ("Seconds", "Without queueing"),
    "max_steps": ("Steps", "On each level"),
    "max_sub_calls": ("Sub-calls", "Over the whole tree"),
    "max_depth": ("Depth", "Deeper rlm_query calls are answered plainly"),
}
WITH_FRACTION: Final = {"max_cost_usd", "max_seconds"}
LINES: Final = ("fallback_models", "allowed_hosts")


class ProjectSettingsForm(forms.Form):
    """What a project's runs start from; limits are fields called `budget.<limit>`, as in the API."""

    name = forms.CharField(label="Name", help_text="How people call it.")
    default_model = forms.CharField(label="Model", required=False)
    default_sub_model = forms.CharField(
        label="Model of sub-calls", required=False, help_text="Empty: the run's own model."
    )
    fallback_models = forms.CharField(
        label="Fallback models",
        required=False,
        widget=forms.Textarea,
        help_text="One a line, at most five: asked in this order when a model fails for good.",
    )
    default_environment = forms.ChoiceField(label="Environment", choices=EnvironmentName.choices)
    use_examples = forms.BooleanField(label="Show the best fitting examples", required=False)
    use_memory = forms.BooleanField(label="Let runs remember and recall", required=False)
    cache_sub_calls = forms.BooleanField(
        label="Answer sub-calls that were paid for before from the cache",
        required=False,
        help_text="The same question to the same model, asked as often, gets the same answers in every run of the "
        "organization whose project has this on, without a call. Leave it off where runs shall sample anew, as with a "
        "temperature above 0 and no seed.",
    )
    allowed_hosts = forms.CharField(
        label="Hosts that http_fetch may reach",
        required=False,
        widget=forms.Textarea,
        help_text="One a line: api.example.com, or *.example.com for all below it. Empty: the tool is off.",
    )

    def __init__(
        self, project: Project, organization: Organization, data: Mapping[str, Any] | None, *, model: str
    ) -> None:
        start = {name: getattr(project, name) for name in self.base_fields if name not in LINES}
        start |= {name: "\n".join(getattr(project, name)) for name in LINES}
        start |= {f"budget.{name}": getattr(project, name) for name in HIGHEST}
        super().__init__(data, initial=start)
        self.fields["default_model"].help_text = f"A LiteLLM name; empty: {model}."
        highest = highest_of(organization)
        for name, (label, meaning) in LABELS.items():
            kind = forms.FloatField if name in WITH_FRACTION else forms.IntegerField
            capped = f"; at most {highest[name]:,} here" if highest[name] < HIGHEST[name] else ""
            self.fields[f"budget.{name}"] = kind(
                label=label, required=False, widget=forms.TextInput, help_text=f"{meaning}{capped}."
            )

    def limits(self) -> list[tuple[BoundField, str]]:
        """Return the fields of the limits, each with the installation's default."""
        usual = Budget()
        defaults = {name: f"{getattr(usual, name):,}" for name in LABELS if name != "max_cost_usd"}
        return [(self[f"budget.{name}"], defaults.get(name, "1 where priced")) for name in LABELS]

    def clean_fallback_models(self) -> list[str]:
        """Split at line ends."""
        return self._lines("fallback_models")

    def clean_allowed_hosts(self) -> list[str]:
        """Split at line ends."""
        return self._lines("allowed_hosts")

    def _lines(self, name: str) -> list[str]:
        return [line.strip() for line in self.cleaned_data[name].splitlines() if line.strip()]
