"""Forms about an organization's own access to providers, and its prices."""

from django import forms


class ProviderKeyForm(forms.Form):
    """Access to a provider; what is valid, the action decides."""

    provider = forms.CharField(label="Provider", help_text="As LiteLLM calls it: openai, anthropic, hosted_vllm …")
    api_key = forms.CharField(
        label="API key",
        required=False,
        widget=forms.PasswordInput,
        help_text="Kept encrypted, shown to nobody again, not even to you.",
    )
    base_url = forms.CharField(
        label="Base URL",
        required=False,
        help_text="Only for providers with OpenAI's API; empty: the usual address. A new one needs the key again.",
    )


class UsdField(forms.DecimalField):
    """A price in USD for a million tokens."""

    def __init__(self, *, label: str, help_text: str, required: bool = True) -> None:
        super().__init__(
            label=label,
            help_text=help_text,
            required=required,
            widget=forms.TextInput,
            max_digits=14,
            decimal_places=6,
        )


class PriceForm(forms.Form):
    """What a model costs."""

    model = forms.CharField(label="Model", help_text="A LiteLLM name such as openai/gpt-5-mini.")
    input_usd = UsdField(label="Input", help_text="USD for a million tokens.")
    cached_input_usd = UsdField(label="Cache read", help_text="Empty: as other input.", required=False)
    cache_write_usd = UsdField(label="Cache write", help_text="Empty: as other input.", required=False)
    output_usd = UsdField(label="Output", help_text="Reasoning included.")


class ModelSearchForm(forms.Form):
    """What to look for among the known models."""

    q = forms.CharField(required=False, max_length=200)
    show = forms.ChoiceField(choices=[("", "callable"), ("all", "all")], required=False)
    after = forms.CharField(required=False, max_length=200)
