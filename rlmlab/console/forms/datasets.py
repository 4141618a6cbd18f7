"""Forms about datasets and their items."""

import json
from typing import Any

from django import forms

from trajectories.improvement.items import NewItem
from trajectories.models.datasets import Checker, Split


class DatasetForm(forms.Form):
    """A new dataset; what is valid, the action decides."""

    name = forms.CharField(label="Short name", help_text="For URLs and the API: letters, digits and hyphens.")
    description = forms.CharField(label="Description", required=False)
    checker = forms.ChoiceField(label="Checker", choices=Checker.choices, initial=Checker.EXACT)


class ItemForm(forms.Form):
    """A new item; an input that is meant as JSON is parsed."""

    task = forms.CharField(label="Task", strip=False, widget=forms.Textarea)
    context = forms.CharField(label="Input", required=False, strip=False, widget=forms.Textarea)
    context_is_json = forms.BooleanField(label="The input is JSON", required=False)
    expected = forms.CharField(label="Expected answer", strip=False, widget=forms.Textarea)
    split = forms.ChoiceField(label="Split", choices=Split.choices, initial=Split.HOLDOUT)

    def clean_context(self) -> str | None:
        """Take an empty one as none."""
        return self.cleaned_data["context"] or None

    def clean(self) -> dict[str, Any]:
        """Parse the context where it is JSON."""
        found: dict[str, Any] = super().clean() or {}
        if found.get("context_is_json") and found.get("context") is not None:
            try:
                found["context"] = json.loads(found["context"])
            except (ValueError, RecursionError) as error:
                self.add_error("context", f"is not valid JSON: {error}")
        return found

    def new(self) -> NewItem:
        """Return the item in the domain's words."""
        found = self.cleaned_data
        return NewItem(found["task"], found["expected"], split=found["split"], context=found["context"])


class ImportForm(forms.Form):
    """A file of items."""

    file = forms.FileField(label="File", allow_empty_file=True)
    split = forms.ChoiceField(
        label="Split of lines that name none", choices=Split.choices, initial=Split.HOLDOUT, required=False
    )

    def clean_split(self) -> str:
        """Take none as held out."""
        return self.cleaned_data["split"] or Split.HOLDOUT


class RunItemForm(forms.Form):
    """An item from a run: into which dataset, with which answer."""

    dataset = forms.ChoiceField(label="Dataset")
    split = forms.ChoiceField(label="Split", choices=Split.choices, initial=Split.TRAIN)
    expected = forms.CharField(label="Expected answer", strip=False, widget=forms.Textarea)

    def __init__(self, *args: Any, datasets: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["dataset"] = forms.ChoiceField(label="Dataset", choices=[(name, name) for name in datasets])
