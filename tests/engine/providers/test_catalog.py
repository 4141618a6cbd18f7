"""Which models are known, what they cost, whether they can be called."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from rlmlab.engine.errors import BadPrices, MissingCredentials, UnknownModel
from rlmlab.engine.providers import credentials
from rlmlab.engine.providers.base import Price
from rlmlab.engine.providers.catalog import Catalog, load_catalog
from rlmlab.engine.providers.prices import read_own_prices, read_packaged_map, read_provider_prefixes


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("openai/gpt-5-mini", "openai"),
        ("gpt-5-mini", "openai"),
        ("openai/a-name-nobody-listed", "openai"),
        ("anthropic/claude-sonnet-4-5", "anthropic"),
        ("claude-sonnet-4-5", "anthropic"),
        ("hosted_vllm/org/model", "hosted_vllm"),
        ("local/gemma-3-270m", "local"),
    ],
)
def test_provider_of_a_known_model(catalog: Catalog, model: str, provider: str):
    assert catalog.provider_of(model) == provider


@pytest.mark.parametrize("model", ["", "/", "openai/", "/gpt-5", "nobody/gpt-5", "gpt-999", "sample_spec", "local"])
def test_provider_of_an_unknown_model_is_refused(catalog: Catalog, model: str):
    with pytest.raises(UnknownModel):
        catalog.provider_of(model)


@pytest.mark.parametrize("model", ["huggingface/http://169.254.169.254/v1", "oobabooga/https://inside.example:5000"])
def test_an_address_is_no_model_unless_the_operator_lists_it(model: str, tmp_path: Path):
    environ = {"HF_TOKEN": "operators", "OOBABOOGA_API_KEY": "operators", "OOBABOOGA_API_BASE": "http://inside"}
    with pytest.raises(UnknownModel, match="an address is not"):
        load_catalog(environ).check(model)
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({model: {"input_usd_per_million": 1, "output_usd_per_million": 2}}))
    assert load_catalog(environ, own_prices=prices).check(model).price == Price(1e-06, 2e-06)


def test_prefixed_name_finds_the_bare_entry_of_its_provider(catalog: Catalog):
    assert catalog.info("openai/gpt-5-mini").price == Price(2.5e-07, 2e-06, 2.5e-08)
    assert catalog.info("anthropic/claude-sonnet-4-5").price == catalog.info("claude-sonnet-4-5").price


def test_prefixed_name_does_not_take_another_providers_price(catalog: Catalog):
    assert catalog.info("openai/claude-sonnet-4-5").price is None


def test_embedded_model_is_small_and_unpriced(catalog: Catalog):
    info = catalog.info("local/gemma-3-270m")
    assert (info.price, info.context_window, info.max_output_tokens, info.small) == (None, 8192, 512, True)


def test_other_local_model_needs_the_operators_server(catalog: Catalog):
    with pytest.raises(UnknownModel, match="local/gemma-3-270m"):
        catalog.info("local/llama")
    own = load_catalog({}, local_url="http://127.0.0.1:8080/v1")
    assert (own.info("local/llama").price, own.info("local/llama").small) == (None, False)


def test_check_names_the_missing_variable():
    with pytest.raises(MissingCredentials, match="ANTHROPIC_API_KEY"):
        load_catalog({}).check("anthropic/claude-sonnet-4-5")


@pytest.mark.parametrize(
    ("model", "environ"),
    [
        ("openai/x", {"OPENAI_API_BASE": "http://127.0.0.1"}),
        ("openai/x", {"OPENAI_BASE_URL": "http://127.0.0.1"}),
        ("groq/x", {"GROQ_API_KEY": "k"}),
        ("hosted_vllm/x", {"HOSTED_VLLM_API_BASE": "http://127.0.0.1"}),
        ("bedrock/x", {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}),
        ("local/gemma-3-270m", {}),
    ],
)
def test_check_accepts_a_key_or_a_base_url(catalog: Catalog, model: str, environ: dict[str, str]):
    made = Catalog(catalog.prices, catalog.prefixes, {}, environ)
    assert made.check(model).model == model


def test_half_of_a_pair_of_variables_does_not_suffice():
    assert not credentials.are_set("bedrock", {"AWS_ACCESS_KEY_ID": "a"})
    assert not credentials.are_set("openai", {"OPENAI_API_KEY": ""})


def test_describe_missing_lists_the_alternatives():
    assert credentials.describe_missing("lm-studio") == (
        "No credentials for lm-studio: set LM_STUDIO_API_KEY, or LM_STUDIO_API_BASE."
    )
    assert "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in credentials.describe_missing("bedrock")


def test_special_providers_exist():
    assert set(credentials.SPECIAL) - read_provider_prefixes() <= {"bedrock_converse"}


def test_packaged_map_keeps_unknown_prices_unknown():
    entries = read_packaged_map()
    assert len(entries) > 3000
    assert "sample_spec" not in entries
    unpriced = [entry for entry in entries.values() if entry.price is None]
    assert unpriced
    assert {"openai", "anthropic", "ollama", "azure"} <= read_provider_prefixes()


def test_catalog_is_loaded_without_litellm():
    code = "import sys; from rlmlab.engine.providers.catalog import load_catalog; load_catalog({}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "litellm" not in done.stdout.split()


def test_own_price_wins(tmp_path: Path):
    own = {"input_usd_per_million": 1, "output_usd_per_million": 4, "cached_input_usd_per_million": 0.5}
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"openai/gpt-5-mini": own, "local/gemma-3-270m": own | {"context_window": 99}}))
    made = load_catalog({}, own_prices=path)
    info = made.info("openai/gpt-5-mini")
    assert info.price == Price(1e-06, 4e-06, 5e-07)
    assert info.context_window == 272_000
    assert (made.info("local/gemma-3-270m").context_window, made.info("local/gemma-3-270m").small) == (99, True)


@pytest.mark.parametrize(
    ("model", "skills"),
    [
        ("openai/gpt-5-mini", {"tools", "schemas", "images"}),
        ("anthropic/claude-sonnet-4-5", {"tools", "schemas", "images", "cache_marks"}),
        ("gemini/gemini-2.5-pro", {"tools", "schemas", "images", "audio"}),
        ("openai/a-name-nobody-listed", set()),
        ("hosted_vllm/a-name-nobody-listed", {"schemas"}),
        ("ollama/llama3.1", {"tools", "schemas"}),
        ("local/gemma-3-270m", set()),
    ],
)
def test_skills_are_the_price_maps(catalog: Catalog, model: str, skills: set[str]):
    info = catalog.info(model)
    told = {name for name in ("tools", "schemas", "images", "audio", "cache_marks") if getattr(info, name)}
    assert told == skills


def test_price_of_writing_to_a_cache_is_the_price_maps(catalog: Catalog):
    assert catalog.info("anthropic/claude-sonnet-4-5").price == Price(3e-06, 1.5e-05, 3e-07, 3.75e-06)
    assert catalog.info("deepseek/deepseek-chat").price == Price(2.8e-07, 4.2e-07, 2.8e-08, None)


def test_operator_tells_skills_and_the_price_of_writing(tmp_path: Path):
    own = {"input_usd_per_million": 1, "output_usd_per_million": 4, "cache_write_usd_per_million": 1.5}
    path = tmp_path / "prices.json"
    path.write_text(json.dumps({"openai/gpt-5-mini": own | {"images": False}, "openai/mine": own | {"tools": True}}))
    made = load_catalog({}, own_prices=path)
    listed, mine = made.info("openai/gpt-5-mini"), made.info("openai/mine")
    assert listed.price == Price(1e-06, 4e-06, None, 1.5e-06)
    assert (listed.tools, listed.images, mine.tools, mine.schemas) == (True, False, True, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "Invalid JSON"),
        ('{"a": {"input_usd_per_million": -1, "output_usd_per_million": 1}}', "a.input_usd_per_million"),
        ('{"a": {"output_usd_per_million": 1}}', "a.input_usd_per_million: Field required"),
        ('{"a": {"input_usd_per_million": 1, "output_usd_per_million": 1, "x": 1}}', "a.x"),
        ("[]", "the document"),
    ],
)
def test_wrong_price_file_is_named_with_its_place(tmp_path: Path, text: str, words: str):
    path = tmp_path / "prices.json"
    path.write_text(text)
    with pytest.raises(BadPrices) as caught:
        read_own_prices(path)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"RLMLAB_MODEL_PRICES: {path}")


def test_missing_price_file_is_named(tmp_path: Path):
    with pytest.raises(BadPrices, match="No such file"):
        read_own_prices(tmp_path / "none.json")


def test_no_key_of_the_operators_is_shown():
    assert "sk-operator" not in repr(load_catalog({"OPENAI_API_KEY": "sk-operator"}))
