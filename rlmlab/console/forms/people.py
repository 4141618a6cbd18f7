"""Forms about people themselves."""

from typing import Any

from django import forms


class NameForm(forms.Form):
    """How a person is called."""

    name = forms.CharField(label="Name", required=False, max_length=120)


class JoinForm(forms.Form):
    """A new account for a person who was invited; what a good password is, the action decides."""

    name = forms.CharField(label="Name", max_length=120)
    password = forms.CharField(label="Password", widget=forms.PasswordInput, strip=False)
    again = forms.CharField(label="Password once more", widget=forms.PasswordInput, strip=False)

    def clean(self) -> dict[str, Any]:
        """Compare the two."""
        values = super().clean() or {}
        if {"password", "again"} <= values.keys() and values["password"] != values["again"]:
            self.add_error("again", "The two passwords are not the same.")
        return values
