"""Forms about memory."""

from django import forms

from memory.actions import TEXT_CHARACTERS
from memory.models import Kind


class TextForm(forms.Form):
    """The text of a memory; what is valid, the action decides."""

    text = forms.CharField(
        label="Text",
        widget=forms.Textarea,
        required=False,
        strip=False,
        help_text=f"One thing that is true for many tasks, shortly; at most {TEXT_CHARACTERS:,} characters.",
    )


class MemoryForm(TextForm):
    """A new memory."""

    kind = forms.ChoiceField(label="Kind", choices=Kind.choices, initial=Kind.FACT)
