"""Forms about projects."""

from django import forms

from rlmlab.tenancy.models import EnvironmentName


class ProjectForm(forms.Form):
    """A new project; what is valid, the action decides."""

    slug = forms.CharField(label="Short name", help_text="For URLs and the API: letters, digits and hyphens.")
    name = forms.CharField(label="Name", required=False, help_text="How people call it.")
    default_model = forms.CharField(
        label="Default model",
        required=False,
        help_text="A LiteLLM name such as openai/gpt-5-mini; empty: the installation's.",
    )
    default_environment = forms.ChoiceField(
        label="Default environment", choices=EnvironmentName.choices, initial=EnvironmentName.AUTO, required=False
    )

    def clean_default_environment(self) -> str:
        """Take none as `auto`."""
        return self.cleaned_data["default_environment"] or EnvironmentName.AUTO
