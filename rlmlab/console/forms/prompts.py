"""Forms about prompts; what is valid, the actions decide."""

from django import forms


class VersionForm(forms.Form):
    """A new version."""

    text = forms.CharField(label="Text", strip=False, required=False)
    note = forms.CharField(label="Note", required=False, help_text="What is different, and why, in a line.")


class MoveForm(forms.Form):
    """Where a label shall point, and why; `seen` is the version at which the page showed it, 0 where it is new."""

    label = forms.CharField(label="Label", required=False, help_text="Lower-case letters, digits and hyphens.")
    version = forms.IntegerField(min_value=1)
    seen = forms.IntegerField(min_value=0)
    experiment = forms.UUIDField(required=False)
    reason = forms.CharField(label="Reason", required=False, help_text="It stays in the history for good.")
