"""From what the domain refuses to messages at a form's fields."""

from django import forms

from rlmlab.errors import DomainError, FieldError


def show_refusal(form: forms.Form, error: DomainError) -> None:
    """Put each message at its field, and what belongs to no field of the form above it."""
    for item in error.errors:
        form.add_error(*_place(form, item))
    if not error.errors:
        form.add_error(None, error.detail)


def _place(form: forms.Form, item: FieldError) -> tuple[str | None, str]:
    """Find the field; an item of a list, such as `fallback_models.1`, stands on a line of its own in it."""
    field, _, number = item.field.rpartition(".")
    if item.field in form.fields:
        return item.field, item.message
    if field in form.fields and number.isdigit():
        return field, f"Line {int(number) + 1}: {item.message}"
    return None, item.message
