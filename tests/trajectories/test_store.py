"""Events, spans, totals and the end are written together, once, by the holder of the lease."""

import pytest

from rlmlab.engine.errors import LostLease
from rlmlab.engine.events import Failure
from rlmlab.engine.projection import Projection
from tests.factories.runs import hold, make_run, record, reload, steps
from tests.factories.tenancy import Tenant
from trajectories import leases, queries, store
from trajectories.models import Run
from trajectories.store import Holder


@pytest.fixture
def run(acme: Tenant) -> Run:
    return make_run(acme.principal, acme.project)


def test_batches_add_up_to_the_whole(run: Run) -> None:
    events, projection, holder = steps(run, 3), Projection(), hold(run)
    for start in range(0, len(events), 5):
        store.append(holder, store.take(projection, events[start : start + 5]))
        assert reload(run).last_seq == min(start + 5, len(events))
    ended = reload(run)
    assert (ended.status, ended.finish_reason, ended.answer) == ("succeeded", "submitted", None)
    assert (ended.input_tokens, ended.output_tokens, ended.steps, ended.model_calls) == (300, 30, 3, 3)
    assert (ended.cached_tokens, ended.cache_write_tokens, ended.reasoning_tokens) == (120, 75, 12)
    assert ended.cost_usd == pytest.approx(0.003)
    assert (ended.lease_owner, ended.lease_until) == ("", None)
    assert ended.finished_at == events[-1].at
    spans = queries.spans_of(ended)
    assert [(span.kind, span.status) for span in spans[:3]] == [("run", "ok"), ("step", "ok"), ("model_call", "ok")]
    assert (spans[0].input_tokens, spans[1].input_tokens, spans[0].parent_span_id) == (300, 100, "")
    assert [(span.cached_tokens, span.cache_write_tokens, span.reasoning_tokens) for span in spans[:3]] == [
        (120, 75, 12),
        (40, 25, 4),
        (40, 25, 4),
    ]
    assert spans[2].preview == "Turn 1"


def test_stored_events_are_what_was_emitted(run: Run) -> None:
    events = steps(run)
    record(run, events)
    rows = queries.events_page(run)
    assert [(row.seq, row.at, row.span_id, row.type) for row in rows] == [
        (event.seq, event.at, event.span_id, event.type) for event in events
    ]
    assert '"content": "Turn 1"' in rows[3].payload


def test_batch_that_is_there_already_changes_nothing(run: Run) -> None:
    events, holder = steps(run), hold(run)
    batch = store.take(Projection(), events[:4])
    store.append(holder, batch)
    store.append(holder, batch)
    assert reload(run).last_seq == 4
    assert len(queries.events_page(run)) == 4


def test_batch_with_a_gap_before_it_is_refused(run: Run) -> None:
    events, holder = steps(run), hold(run)
    projection = Projection()
    store.take(projection, events[:3])
    with pytest.raises(LostLease):
        store.append(holder, store.take(projection, events[3:5]))
    assert queries.events_page(run) == []


@pytest.mark.parametrize("change", ["fence", "owner"])
def test_stale_worker_cannot_write(run: Run, change: str) -> None:
    holder = hold(run)
    stale = {
        "fence": Holder(run.id, run.organization_id, holder.owner, holder.fence - 1),
        "owner": Holder(run.id, run.organization_id, "somebody else", holder.fence),
    }[change]
    with pytest.raises(LostLease, match="not held"):
        store.append(stale, store.take(Projection(), steps(run)))
    assert reload(run).last_seq == 0


def test_worker_whose_run_was_taken_over_cannot_write(run: Run) -> None:
    first = hold(run)
    leases.give_up(first)
    second = leases.claim(run_id=run.id, organization_id=run.organization_id, owner="second")
    assert second is not None
    assert second.fence == first.fence + 1
    with pytest.raises(LostLease):
        store.append(first, store.take(Projection(), steps(run)))
    store.append(second, store.take(Projection(), steps(run)))
    assert reload(run).status == "succeeded"


def test_ended_run_takes_no_more_events(run: Run) -> None:
    events, holder = steps(run), hold(run)
    record(run, events, holder=holder)
    more = events[-1].model_copy(update={"seq": events[-1].seq + 1})
    with pytest.raises(LostLease):
        store.append(holder, store.Batch([more], [], Projection().totals, Projection().saved))


def test_failure_is_kept_on_the_run(run: Run) -> None:
    events = steps(run, finish_reason="error")
    failed = events[-1].payload.model_copy(update={"failure": Failure(code="worker_lost", message="It died")})
    record(run, [*events[:-1], events[-1].model_copy(update={"payload": failed})])
    ended = reload(run)
    assert (ended.status, ended.error_code, ended.error_message) == ("failed", "worker_lost", "It died")
