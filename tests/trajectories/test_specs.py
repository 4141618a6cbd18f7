"""What the engine is told of a run."""

import pytest
from django.conf import settings

from rlmlab.engine.types import Compaction, no_context
from tests.factories.tenancy import Tenant
from tests.trajectories.test_routing import made
from trajectories.specs import Shared, Shown, run_spec


def test_operator_decides_when_conversations_are_summed_up(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made(acme, mode="direct")
    assert run_spec(run, [], no_context, Shown(), Shared()).compaction == Compaction(0.6, 100_000)
    changed = {"compaction_share": 0.3, "compaction_tokens": 5_000}
    monkeypatch.setattr(settings, "RLMLAB", settings.RLMLAB.model_copy(update=changed))
    assert run_spec(run, [], no_context, Shown(), Shared()).compaction == Compaction(0.3, 5_000)
