"""An organization's access to model providers, its prices, and the models that there are."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from rlmlab.console.access import member_page
from rlmlab.console.forms.providers import ModelSearchForm, PriceForm, ProviderKeyForm
from rlmlab.console.forms.refused import show_refusal
from rlmlab.engine.providers.listing import Listed, Search, search
from rlmlab.engine.providers.openai_style import OFFERED, USUAL_URLS
from rlmlab.engine.providers.probe import Probe
from rlmlab.errors import Invalid
from rlmlab.tenancy.actions import prices as price_actions
from rlmlab.tenancy.actions import providers as key_actions
from rlmlab.tenancy.catalogs import catalog_of
from rlmlab.tenancy.principals import Principal
from rlmlab.tenancy.providers import prices_of, provider_keys_of, try_provider_key

PAGE = 50
MILLION = 1_000_000
SOURCES = {"organization": "yours", "operator": "operator", "litellm": "LiteLLM", "unknown": "unknown"}
TOLD = {
    "ok": "{provider} answers: {models} models.",
    "rejected": "{provider} does not accept the key (HTTP {status}).",
    "status": "{provider} was reached, but its list of models was answered with HTTP {status}.",
    "not_openai": "{provider} was reached, but does not answer as OpenAI's API does.",
    "refused": "{provider} was not called: its base URL leads to an address that is not public.",
    "unreachable": "{provider} cannot be reached.",
    "timeout": "{provider} did not answer within 5 seconds.",
}


@require_http_methods(["GET", "HEAD", "POST"])
@member_page
def providers(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Show keys, prices and models; store a key."""
    form = ProviderKeyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            key = key_actions.set_provider_key(by=principal, **form.cleaned_data)
        except Invalid as error:
            show_refusal(form, error)
        else:
            messages.success(request, f"Runs call {key.provider} with your own access from now on.")
            return redirect("providers", principal.organization.slug)
    return _page(request, principal, form, PriceForm(initial=_priced(request, principal)))


@require_POST
@member_page
def remove_key(request: HttpRequest, principal: Principal, provider_key_id: UUID) -> HttpResponse:
    """Forget a key."""
    key = key_actions.remove_provider_key(by=principal, provider_key_id=provider_key_id)
    messages.success(request, f"Your access to {key.provider} is removed.")
    return redirect("providers", principal.organization.slug)


@require_POST
@member_page
def try_key(request: HttpRequest, principal: Principal, provider_key_id: UUID) -> HttpResponse:
    """List a provider's models with the key, and say in its row what came of it."""
    try:
        _, found = try_provider_key(principal, provider_key_id)
    except Invalid as error:
        messages.error(request, error.errors[0].message)
        return redirect("providers", principal.organization.slug)
    return _page(request, principal, ProviderKeyForm(), PriceForm(), tried={provider_key_id: found})


@require_POST
@member_page
def set_price(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Set a model's price."""
    form = PriceForm(request.POST)
    if form.is_valid():
        try:
            price = price_actions.set_price(by=principal, **form.cleaned_data)
        except Invalid as error:
            show_refusal(form, error)
        else:
            messages.success(request, f"{price.model} has your price from now on.")
            return redirect("providers", principal.organization.slug)
    return _page(request, principal, ProviderKeyForm(), form)


@require_POST
@member_page
def remove_price(request: HttpRequest, principal: Principal, price_id: UUID) -> HttpResponse:
    """Take a price back."""
    price = price_actions.remove_price(by=principal, price_id=price_id)
    messages.success(request, f"{price.model} costs again what the installation's price list says.")
    return redirect("providers", principal.organization.slug)


def _page(
    request: HttpRequest,
    principal: Principal,
    key_form: ProviderKeyForm,
    price_form: PriceForm,
    tried: dict[UUID, Probe] | None = None,
) -> HttpResponse:
    """Show everything; the list of models is searched by the address's query."""
    keys = [
        {"row": row, "told": told(row.key.provider, (tried or {}).get(row.key.id))}
        for row in provider_keys_of(principal)
    ]
    wanted = ModelSearchForm(request.GET)
    query: dict[str, Any] = wanted.cleaned_data if wanted.is_valid() else {}
    everything = query.get("show") == "all"
    asked = Search(query.get("q", ""), not everything, query.get("after", ""), PAGE + 1)
    found = search(catalog_of(principal.organization), asked)
    context = {
        "principal": principal,
        "keys": keys,
        "key_form": key_form,
        "prices": prices_of(principal),
        "price_form": price_form,
        "offered": sorted(OFFERED),
        "own_address": sorted(USUAL_URLS),
        "models": [row_of(listed) for listed in found[:PAGE]],
        "query": asked.words,
        "everything": everything,
        "next": found[PAGE - 1].info.model if len(found) > PAGE else "",
    }
    wrong = any(form.is_bound and form.errors for form in (key_form, price_form))
    return render(request, "console/providers.html", context, status=422 if wrong else 200)


def told(provider: str, found: Probe | None) -> dict[str, Any] | None:
    """Say what came of trying a provider."""
    if found is None:
        return None
    text = TOLD[found.outcome].format(provider=provider, models=found.models, status=found.status)
    return {"ok": found.is_ok, "text": text}


def row_of(listed: Listed) -> dict[str, Any]:
    """Return a model as the table shows it: prices in USD for a million tokens."""
    price = listed.info.price
    return {
        "name": listed.info.model,
        "window": listed.info.context_window,
        "input": per_million(price.input_usd if price else None),
        "output": per_million(price.output_usd if price else None),
        "cached": per_million(price.cached_input_usd if price else None),
        "written": per_million(price.cache_write_usd if price else None),
        "source": SOURCES[listed.source],
        "own": listed.source == "organization",
        "callable": listed.is_callable,
    }


def per_million(usd: float | None) -> str:
    """Write a price a token as one of a million: 0.25, 2, 0.0375."""
    if usd is None:
        return ""
    text = f"{Decimal(repr(usd)) * MILLION:.6f}"
    return text.rstrip("0").rstrip(".")


def _priced(request: HttpRequest, principal: Principal) -> dict[str, Any]:
    """Fill the price form with the model of a row that was chosen, and with what it costs now."""
    model = request.GET.get("price", "")[:200]
    if not model:
        return {}
    for listed in search(catalog_of(principal.organization), Search(model)):
        if listed.info.model == model:
            row = row_of(listed)
            return {
                "model": model,
                "input_usd": row["input"],
                "output_usd": row["output"],
                "cached_input_usd": row["cached"],
                "cache_write_usd": row["written"],
            }
    return {"model": model}
