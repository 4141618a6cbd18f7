"""Forms of an organization's settings."""

from django import forms

from rlmlab.tenancy.models import Role


class KeyForm(forms.Form):
    """A new API key."""

    label = forms.CharField(label="Label", max_length=80, help_text="What the key is for, as the audit log shows it.")
    role = forms.ChoiceField(label="Role", choices=Role.choices, initial=Role.OWNER)


class MemberForm(forms.Form):
    """A new member."""

    email = forms.EmailField(label="Email address", help_text="A person without an account gets one.")
    role = forms.ChoiceField(label="Role", choices=Role.choices, initial=Role.VIEWER)


class RoleForm(forms.Form):
    """Another role for a member, or none: `role` empty ends the membership."""

    role = forms.ChoiceField(choices=[("", "Remove"), *Role.choices], required=False)
