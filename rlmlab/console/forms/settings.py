"""Forms of an organization's settings."""

from django import forms

from rlmlab.tenancy.models import Role


class KeyForm(forms.Form):
    """A new API key."""

    label = forms.CharField(label="Label", max_length=80, help_text="What the key is for, as the audit log shows it.")
    role = forms.ChoiceField(label="Role", choices=Role.choices, initial=Role.OWNER)
    requests_per_second = forms.IntegerField(
        label="Requests a second",
        required=False,
        min_value=1,
        help_text="A limit of the key's own; empty: as many as this installation allows.",
    )


class MemberForm(forms.Form):
    """A new member."""

    email = forms.EmailField(label="Email address", help_text="A person without an account gets one.")
    role = forms.ChoiceField(label="Role", choices=Role.choices, initial=Role.VIEWER)


class RoleForm(forms.Form):
    """Another role for a member, or none: `role` empty ends the membership."""

    role = forms.ChoiceField(choices=[("", "Remove"), *Role.choices], required=False)
