"""From what the domain refuses to messages at a form's fields."""

from django import forms

from rlmlab.errors import DomainError


def show_refusal(form: forms.Form, error: DomainError) -> None:
    """Put each message at its field, and what belongs to no field of the form above it."""
    for item in error.errors:
        form.add_error(item.field if item.field in form.fields else None, item.message)
    if not error.errors:
        form.add_error(None, error.detail)
