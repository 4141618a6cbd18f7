"""Which provider answers for which model."""

from dataclasses import replace
from pathlib import Path

import pytest

from rlmlab.engine.errors import BadPrices, MissingCredentials, ProviderUnavailable, UnknownModel
from rlmlab.engine.providers.local import locate_local
from rlmlab.engine.providers.openai_style import endpoint_of, operators_endpoint, proxy_for
from rlmlab.engine.providers.routing import build_provider, catalog_for
from rlmlab.env import Environment
from rlmlab.modelserver.address import Address
from rlmlab.modelserver.errors import ModelServerError
from tests.engine.providers.contract import FAST, ask, complete
from tests.fakes.model_server import ModelServer
from tests.fakes.replies import submit


def settings(tmp_path: Path, **changes: object) -> Environment:
    return Environment(data_dir=tmp_path, **changes)


async def test_openai_models_go_to_the_base_url(server: ModelServer, tmp_path: Path):
    environ = {"OPENAI_API_BASE": server.base_url, "OPENAI_API_KEY": "sk-ada"}
    provider = build_provider(settings(tmp_path), environ, policy=FAST)
    assert (await complete(provider, ask("submit"))).text == submit("42")
    assert (server.calls[0].model, server.calls[0].headers["authorization"]) == ("submit", "Bearer sk-ada")
    await provider.close()


async def test_local_models_go_to_the_operators_server(server: ModelServer, tmp_path: Path):
    provider = build_provider(settings(tmp_path, local_model_url=server.base_url), {}, policy=FAST)
    request = ask("submit")
    done = await complete(provider, type(request)("local/submit", request.messages, request.max_tokens))
    assert done.text == submit("42")
    assert server.calls[0].body["model"] == "submit"
    await provider.close()


async def test_model_without_credentials_is_refused_before_any_call(tmp_path: Path):
    provider = build_provider(settings(tmp_path), {})
    with pytest.raises(MissingCredentials, match="OPENAI_API_KEY"):
        await complete(provider, ask("gpt-5-mini"))
    with pytest.raises(UnknownModel):
        provider.info("nobody/x")
    await provider.close()


def test_wrong_price_file_is_told_when_the_catalog_is_built(tmp_path: Path):
    with pytest.raises(BadPrices):
        catalog_for(settings(tmp_path, model_prices=tmp_path / "none.json"), {})


@pytest.mark.parametrize(
    ("environ", "url", "field"),
    [
        ({}, "https://api.openai.com/v1", "max_completion_tokens"),
        ({"OPENAI_API_BASE": "http://10.0.0.1/v1"}, "http://10.0.0.1/v1", "max_tokens"),
        ({"OPENAI_BASE_URL": "http://10.0.0.2/v1"}, "http://10.0.0.2/v1", "max_tokens"),
    ],
)
def test_openai_endpoint_is_read_from_its_own_variables(environ: dict[str, str], url: str, field: str):
    endpoint = operators_endpoint("openai", environ)
    assert endpoint is not None
    assert (endpoint.base_url, endpoint.api_key, endpoint.max_tokens_field) == (url, None, field)
    assert endpoint.takes_cache_key == (environ == {})


@pytest.mark.parametrize(
    ("provider", "environ", "url", "key"),
    [
        ("openrouter", {"OPENROUTER_API_KEY": "k"}, "https://openrouter.ai/api/v1", "k"),
        ("ollama", {"OLLAMA_API_BASE": "http://localhost:11434"}, "http://localhost:11434/v1", None),
        ("ollama_chat", {"OLLAMA_API_BASE": "http://localhost:11434/"}, "http://localhost:11434/v1", None),
        ("hosted_vllm", {"HOSTED_VLLM_API_BASE": "http://10.0.0.1:8000/v1"}, "http://10.0.0.1:8000/v1", None),
        ("lm_studio", {"LM_STUDIO_API_BASE": "http://pc:1234/v1", "LM_STUDIO_API_KEY": "k"}, "http://pc:1234/v1", "k"),
        ("llamafile", {"LLAMAFILE_API_BASE": "http://pc:8080/sub"}, "http://pc:8080/sub", None),
        ("groq", {"GROQ_API_KEY": "k", "GROQ_API_BASE": "https://proxy.example/v1"}, "https://proxy.example/v1", "k"),
    ],
)
def test_openai_style_servers_of_the_operator_are_called_lean(
    provider: str, environ: dict[str, str], url: str, key: str | None
):
    endpoint = operators_endpoint(provider, environ)
    assert endpoint is not None
    assert (endpoint.base_url, endpoint.api_key, endpoint.provider) == (url, key, provider)
    assert (endpoint.max_tokens_field, endpoint.takes_cache_key, endpoint.guarded) == ("max_tokens", False, False)


@pytest.mark.parametrize("provider", ["groq", "hosted_vllm", "anthropic", "nobody"])
def test_what_has_no_address_of_the_operators_is_not(provider: str):
    assert operators_endpoint(provider, {"GROQ_API_KEY": "k", "ANTHROPIC_API_BASE": "http://10.0.0.1"}) is None


@pytest.mark.parametrize("prefix", ["ollama", "hosted_vllm", "openrouter", "lm_studio", "llamafile"])
async def test_operators_server_is_called_under_its_prefix(server: ModelServer, tmp_path: Path, prefix: str):
    environ = {f"{prefix.upper()}_API_BASE": server.base_url.removesuffix("/v1" if prefix == "ollama" else "")}
    provider = build_provider(settings(tmp_path), environ, policy=FAST)
    server.script("submit", "fine")
    request = replace(ask("submit"), model=f"{prefix}/org/submit")
    assert (await complete(provider, request)).text == "fine"
    assert (server.calls[0].body["model"], "authorization" in server.calls[0].headers) == ("org/submit", False)
    assert "litellm" not in type(provider.route(prefix)).__module__
    await provider.close()


def test_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert proxy_for("https://api.openai.com/v1") == "http://proxy:3128"
    assert proxy_for("https://127.0.0.1/v1") is None
    assert endpoint_of("openai", "https://models.example/v1", None).proxy == "http://proxy:3128"
    assert endpoint_of("openai", "https://models.example/v1", None, guarded=True).proxy is None
    monkeypatch.delenv("https_proxy")
    assert proxy_for("https://api.openai.com/v1") is None


class _Server:
    def __init__(self, address: Address | None) -> None:
        self._address = address

    async def address(self) -> Address:
        if self._address is None:
            raise ModelServerError("no room on the disk")
        return self._address

    async def close(self) -> None:
        """Nothing was started."""


async def test_local_endpoint_brings_key_stops_and_temperature():
    endpoint = await locate_local(_Server(Address(1, "http://127.0.0.1:5", "key")))(1)
    assert (endpoint.base_url, endpoint.api_key) == ("http://127.0.0.1:5/v1", "key")
    assert (endpoint.stop, endpoint.temperature) == (("USER:", "ASSISTANT:"), 0.0)


async def test_local_server_that_does_not_start_is_unavailable():
    with pytest.raises(ProviderUnavailable, match="no room on the disk"):
        await locate_local(_Server(None))(1)
