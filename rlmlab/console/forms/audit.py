"""Filters of the audit log."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from django import forms
from django.core.validators import MaxValueValidator

from rlmlab.audit.models import Outcome
from rlmlab.audit.queries import EntryFilter

_IN_REACH: Final = MaxValueValidator(date(9000, 1, 1))  # the day after must be one, too


class AuditForm(forms.Form):
    """Which entries are shown; empty fields do not narrow. Days are those of UTC."""

    actor = forms.CharField(label="Who", required=False, max_length=254)
    action = forms.ChoiceField(label="Action", required=False)
    object_type = forms.ChoiceField(label="Object", required=False)
    outcome = forms.ChoiceField(label="Outcome", required=False, choices=[("", "Any"), *Outcome.choices])
    since = forms.DateField(label="From", required=False, validators=[_IN_REACH])
    until = forms.DateField(label="To", required=False, validators=[_IN_REACH])
    actor_id = forms.UUIDField(required=False)
    object_id = forms.UUIDField(required=False)

    def __init__(self, *args: Any, actions: Sequence[str], types: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, values in (("action", actions), ("object_type", types)):
            self.fields[name].choices = [("", "Any"), *((value, value) for value in values)]  # type: ignore[attr-defined]

    def where(self) -> EntryFilter:
        """Return what the valid form means."""
        values = {name: value for name, value in self.cleaned_data.items() if value}
        for name, later in (("since", timedelta()), ("until", timedelta(days=1))):
            if name in values:
                values[name] = _start_of(values[name]) + later
        return EntryFilter(**values)


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
