"""Forms of an organization's settings."""

from collections.abc import Sequence
from typing import Any

from django import forms

from rlmlab.tenancy.models import Role


class GrantField(forms.ChoiceField):
    """Offers the roles that the person may grant; it takes any, because the domain refuses, and records, the others."""

    def valid_value(self, value: str) -> bool:
        """Take each role there is."""
        return value in Role.values


class GrantForm(forms.Form):
    """A form that gives somebody, or something, a role."""

    role = GrantField(label="Role")

    def __init__(self, *args: Any, roles: Sequence[Role], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(role.value, role.label) for role in roles]  # type: ignore[attr-defined]


class KeyForm(GrantForm):
    """A new API key."""

    label = forms.CharField(label="Label", max_length=80, help_text="What the key is for, as the audit log shows it.")
    requests_per_second = forms.IntegerField(
        label="Requests a second",
        required=False,
        min_value=1,
        help_text="A limit of the key's own; empty: as many as this installation allows.",
    )
    role = GrantField(label="Role", initial=Role.EDITOR)


class InvitationForm(GrantForm):
    """An invitation."""

    email = forms.EmailField(label="Email address", help_text="Only under this address the link lets somebody in.")
    role = GrantField(label="Role", initial=Role.VIEWER)


class RoleForm(forms.Form):
    """Another role for a member, or none: `role` empty ends the membership."""

    role = forms.ChoiceField(choices=[("", "Remove"), *Role.choices], required=False)
