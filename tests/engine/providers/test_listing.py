"""The list of models, searched."""

import pytest

from rlmlab.engine.providers.access import Access, Credential
from rlmlab.engine.providers.base import Price
from rlmlab.engine.providers.catalog import Catalog, load_catalog
from rlmlab.engine.providers.listing import Search, names_of, search


def names(catalog: Catalog, **wanted: object) -> list[str]:
    return [found.info.model for found in search(catalog, Search(**wanted))]


def test_names_carry_their_provider_and_are_known(catalog: Catalog):
    found = names_of(catalog)
    assert len(found) > 2500
    assert {"openai/gpt-5-mini", "anthropic/claude-sonnet-4-5", "local/gemma-3-270m"} <= set(found)
    assert not {"openai/text-embedding-3-small", "gpt-5-mini", "sample_spec"} & set(found)
    assert all(catalog.info(name).model == name for name in found)


def test_every_word_must_be_in_the_name(catalog: Catalog):
    found = names(catalog, words="MINI  openai/gpt-5")
    assert "openai/gpt-5-mini" in found
    assert all("mini" in name and "openai/gpt-5" in name for name in found)
    assert names(catalog, words="no such model") == []


def test_pages_go_on_behind_a_name(catalog: Catalog):
    first = names(catalog, words="claude", limit=5)
    second = names(catalog, words="claude", limit=5, after=first[-1])
    assert first + second == names(catalog, words="claude", limit=10)


def test_only_callable_keeps_what_has_a_key(catalog: Catalog):
    found = search(catalog, Search(only_callable=True, limit=10_000))
    assert {item.info.model.split("/")[0] for item in found} == {"openai", "text-completion-openai", "local"}
    assert all(item.is_callable for item in found)
    own = catalog.for_access(Access({"groq": Credential("k")}))
    assert any(name.startswith("groq/") for name in names(own, only_callable=True, limit=10_000))


@pytest.mark.parametrize(
    ("model", "source"),
    [("openai/gpt-5-mini", "organization"), ("openai/gpt-5", "litellm"), ("local/gemma-3-270m", "unknown")],
)
def test_source_of_a_price_is_told(catalog: Catalog, model: str, source: str):
    own = catalog.for_access(Access(prices={"gpt-5-mini": Price(1e-6, 1e-6)}))
    assert next(item.source for item in search(own, Search(model)) if item.info.model == model) == source


def test_operators_price_is_told(tmp_path):
    path = tmp_path / "prices.json"
    path.write_text('{"hosted_vllm/ours": {"input_usd_per_million": 1, "output_usd_per_million": 1}, "odd/x": '
                    '{"input_usd_per_million": 1, "output_usd_per_million": 1}}')  # fmt: skip
    made = load_catalog({}, own_prices=path)
    found = [(item.info.model, item.source) for item in search(made, Search("ours"))]
    assert found == [("hosted_vllm/ours", "operator")]
    assert "odd/x" not in names_of(made)


def test_own_priced_model_that_no_map_has_is_listed(catalog: Catalog):
    own = catalog.for_access(Access(prices={"hosted_vllm/acme": Price(0, 0), "local/nobody": Price(0, 0)}))
    assert names(own, words="acme") == ["hosted_vllm/acme"]
    assert names(own, words="local/") == ["local/gemma-3-270m"]
