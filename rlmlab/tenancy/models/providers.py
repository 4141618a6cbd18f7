"""An organization's own access to model providers, and its own prices."""

from django.db import models
from django.db.models import Q

from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models.users import User


class ProviderKey(OrgModel):
    """Key and base URL for one provider; they replace the installation's own for this organization's runs.

    `secret` is the encrypted key (empty: the provider needs none), `hint` its last characters, for people to tell keys
    apart.
    """

    provider = models.CharField(max_length=60)
    base_url = models.CharField(max_length=500, blank=True, default="")
    secret = models.TextField(blank=True, default="")
    hint = models.CharField(max_length=12, blank=True, default="")
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "provider"], name="provider_key_once_per_provider"),
            models.CheckConstraint(condition=~Q(secret="", base_url=""), name="provider_key_says_something"),
        ]


class ModelPrice(OrgModel):
    """What a model costs this organization, in USD for a million tokens; it precedes every other price list."""

    model = models.CharField(max_length=200)
    input_usd = models.DecimalField(max_digits=14, decimal_places=6)
    output_usd = models.DecimalField(max_digits=14, decimal_places=6)
    cached_input_usd = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    cache_write_usd = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "model"], name="model_price_once_per_model"),
            models.CheckConstraint(
                condition=Q(input_usd__gte=0, output_usd__gte=0)
                & (Q(cached_input_usd=None) | Q(cached_input_usd__gte=0))
                & (Q(cache_write_usd=None) | Q(cache_write_usd__gte=0)),
                name="model_price_is_not_negative",
            ),
        ]
