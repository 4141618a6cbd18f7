"""What queries find."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from rlmlab import scoping
from rlmlab.tenancy.queries import principal_for_key
from tests.database import Execute
from tests.factories.experiments import make_experiment, make_version, runs_of
from tests.factories.runs import finished_run, make_run
from tests.factories.tenancy import Tenant, make_member
from trajectories.actions.ratings import Judgement, rate_run, withdraw_rating
from trajectories.models import Rating, Run, SearchedRun
from trajectories.queries import runs_page
from trajectories.search.conditions import condition, models_in_use
from trajectories.search.grammar import parse

Found = Callable[[str], list[str]]


@pytest.fixture
def found(acme: Tenant) -> Found:
    """Titles of the runs that a query finds, newest first."""
    return lambda query: [run.title for run in runs_page(acme.principal, acme.project, query=query).items]


def change(run: Run, **columns: object) -> None:
    with scoping.organization(run.organization_id):
        Run.objects.for_org(run.organization_id).filter(id=run.id).update(**columns)


def rate(tenant: Tenant, run: Run, value: float, dimension: str = "correct", rater: str = "human") -> Rating:
    by = tenant.principal if rater == "human" else principal_for_key(tenant.key)
    return rate_run(by=by, run=run, judgement=Judgement(dimension, value, rater=rater))


def test_status_model_tag_and_text(acme: Tenant, found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tests")
    finished_run(acme.principal, acme.project, task="Find the needle", tags=["x", "two words"])
    make_run(acme.principal, acme.project, task="Count 100% of (words)", model="openai/gpt-4o-mini")
    needle, words = "Find the needle", "Count 100% of (words)"
    assert found("") == [words, needle]
    assert found("status:succeeded") == found("-status:queued,failed") == found("reason:submitted") == [needle]
    assert found("status:queued,succeeded") == [words, needle]
    assert found("status:queued model:gpt*") == [words]
    assert found("model:openai/*") == found("-model:local/*") == [words]
    assert found("model:gpt-4o") == found("model:*x*") == found("model:g*g*") == []
    assert found("model:GPT-4O-MINI,gemma*") == [words, needle]
    assert found("model:*") == found("-model:o9*") == [words, needle]
    assert found("model:*4o*mini") == found("model:o*/gpt*-*i") == [words]
    assert found("tag:x") == found('tag:"two words" tag:x') == found("tag:x,y") == [needle]
    assert found("tag:y") == found("tag:x tag:y") == []
    assert found("-tag:x") == [words]
    assert found("NEEDLE") == found("-count") == [needle]
    assert found('"100% of (w"') == found("0%") == [words]
    assert found("100_") == found("needle status:queued") == []


def test_text_is_found_in_the_first_part_of_the_task(acme: Tenant, found: Found) -> None:
    make_run(acme.principal, acme.project, title="Long", task=f"{'x' * 9_990}early {'x' * 100}late")
    assert found("early") == ["Long"]
    assert found("late") == []


def test_numbers_and_days(acme: Tenant, found: Found) -> None:
    small, large = (make_run(acme.principal, acme.project, title=title) for title in ("small", "large"))
    midnight = datetime(2026, 11, 1, tzinfo=UTC)
    sums = {"input_tokens": 900, "output_tokens": 101, "seconds": 10.5, "model_calls": 7, "reached_depth": 3}
    change(large, **sums, cost_usd=0.5, created_at=midnight + timedelta(hours=23))
    change(small, cost_usd=None, created_at=midnight - timedelta(seconds=1))
    assert found("depth:>2") == found("depth:3") == found("depth:2..4") == found("depth:>=3") == ["large"]
    assert found("depth:0,3") == ["large", "small"]
    assert found("depth:<3") == found("depth:..2") == found("-depth:3") == ["small"]
    assert found("depth:4..2") == found("depth:999999999999") == []
    assert found("calls:>5") == found("tokens:1001") == found("tokens:>1000") == found("seconds:>10.4") == ["large"]
    assert found("cost:0.5") == found("cost:<=0.5") == found("cost:0.1..") == ["large"]
    assert found("cost:<0.5") == []
    assert found("-cost:>0.1") == ["small"]
    assert found("created:2026-11-01") == found("created:>2026-10-31") == found("created:>=2026-11-01") == ["large"]
    assert found("created:<2026-11-01") == found("created:<=2026-10-31") == found("created:..2026-10-31") == ["small"]
    assert found("created:>2026-11-01") == []
    assert found("created:2026-10-31..2026-11-01") == ["large", "small"]


def test_ratings_count_as_verdicts_do(acme: Tenant, found: Found) -> None:
    right, mixed, unrated = (finished_run(acme.principal, acme.project, title=name) for name in ("right", "mixed", "-"))
    rate(acme, right, 1.0)
    rate(acme, right, 0.0, rater="judge")  # a person knows better
    rate(acme, mixed, 0.4, rater="judge")
    rate(acme, mixed, 0.0, rater="implicit")
    assert found("rating.correct:>=0.8") == ["right"]
    assert found("rating.correct:<1") == found("rating.correct:0.4") == ["mixed"]
    assert found("-rating.correct:<1") == ["-", "right"]
    assert found("rating.correct:0.4,1") == found("has:rating") == ["mixed", "right"]
    assert found("-has:rating") == [unrated.title]
    assert found("rating.helpful:>=0") == found("is:disputed") == found("has:correction") == []
    withdraw_rating(by=acme.principal, rating_id=rate(acme, unrated, 1.0).id)
    assert found("-has:rating") == [unrated.title]


def test_two_people_who_disagree_make_a_run_disputed(acme: Tenant, found: Found) -> None:
    run = finished_run(acme.principal, acme.project, title="who knows")
    rate(acme, run, 1.0)
    assert found("is:disputed") == []
    other = make_member(acme.organization, "eve@acme.example")
    rate_run(by=other, run=run, judgement=Judgement("correct", 0.25, correction="43"))
    assert found("is:disputed") == found("has:correction") == found("rating.correct:0.625") == ["who knows"]
    assert found("-is:disputed") == found("-has:correction") == []


def test_prompt_versions(acme: Tenant, found: Found) -> None:
    make_run(acme.principal, acme.project, title="one")
    make_version(acme.principal, acme.project)
    make_run(acme.principal, acme.project, title="two", prompt="v2")
    assert found("prompt:2") == found("prompt:system@2") == found("prompt:v2") == found("-prompt:1") == ["two"]
    assert found("prompt:1,2") == ["two", "one"]
    assert found("prompt:3") == found("prompt:other@1") == []


def test_runs_of_experiments_are_listed_only_where_they_are_asked_for(acme: Tenant, found: Found) -> None:
    mine = make_run(acme.principal, acme.project, task="Mine")
    experiment = make_experiment(acme.principal, acme.project, items=1)
    assert found("") == found("status:queued") == found("purpose:user") == found("-purpose:evaluation") == [mine.title]
    assert found("purpose:evaluation") == ["Add 1 and 1."] * 2
    assert len(runs_of(experiment)) == 2


def test_lists_leave_the_large_columns_in_the_database(acme: Tenant) -> None:
    make_run(acme.principal, acme.project)
    [run] = runs_page(acme.principal, acme.project).items
    assert {"task", "answer", "response_schema"} <= run.get_deferred_fields()


def test_pages_follow_each_other_under_a_query(acme: Tenant) -> None:
    for number in range(5):
        make_run(acme.principal, acme.project, title=f"{number}", tags=["x"] if number % 2 == 0 else [])
    first = runs_page(acme.principal, acme.project, query="tag:x", limit=2)
    assert [run.title for run in first.items] == ["4", "2"]
    second = runs_page(acme.principal, acme.project, query="tag:x", limit=2, cursor=first.next_cursor)
    assert ([run.title for run in second.items], second.next_cursor) == (["0"], "")


def test_models_in_use_are_each_named_once(acme: Tenant, bolt: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-tests")
    for model in ("openai/gpt-4o", "local/gemma-3-270m", "openai/gpt-4o"):
        make_run(acme.principal, acme.project, model=model)
    make_run(bolt.principal, bolt.project, model="openai/gpt-4o-mini")
    with scoping.organization(acme.organization):
        assert models_in_use(acme.project) == ["local/gemma-3-270m", "openai/gpt-4o"]
        assert models_in_use(bolt.project) == []


def test_the_searched_view_shows_the_current_organization_alone(acme: Tenant, bolt: Tenant) -> None:
    run = make_run(acme.principal, acme.project)
    with scoping.organization(bolt.organization):
        assert not SearchedRun.objects.filter(id=run.id).exists()
    with scoping.system("look at what a system scope sees"):
        assert not SearchedRun.objects.filter(id=run.id).exists()
    assert not SearchedRun.objects.filter(id=run.id).exists()
    with scoping.organization(acme.organization):
        assert SearchedRun.objects.get(id=run.id).words == f"{run.title}\n{run.task}".lower()


def test_nobody_writes_through_the_searched_view(acme: Tenant) -> None:
    with connection.cursor() as cursor:
        rights = "SELECT has_table_privilege(current_user, 'trajectories_searchedrun', %s)"
        answers = {
            right: cursor.execute(rights, [right]).fetchone() for right in ("SELECT", "INSERT", "UPDATE", "DELETE")
        }
    assert answers == {"SELECT": (True,), "INSERT": (False,), "UPDATE": (False,), "DELETE": (False,)}


@pytest.mark.django_db(transaction=True)
def test_texts_and_tags_are_looked_up_in_their_indexes(acme: Tenant, as_owner: Execute) -> None:
    """The application's role, behind row-level security, would otherwise read each run of the project."""
    make_run(acme.principal, acme.project, task="Find the needle", tags=["x"])
    run = make_run(acme.principal, acme.project)
    columns = [field.column for field in Run._meta.local_concrete_fields if field.column and field.column != "id"]
    copied = ", ".join(columns)
    many = f"INSERT INTO trajectories_run (id, {copied}) SELECT gen_random_uuid(), {copied} FROM trajectories_run"
    with scoping.organization(acme.organization), connection.cursor() as cursor:
        cursor.execute(f"{many}, generate_series(1, 5000) WHERE trajectories_run.id = %s", [run.id])
    as_owner("VACUUM ANALYZE trajectories_run")
    with scoping.organization(acme.organization):
        rows = SearchedRun.objects.for_org(acme.organization).filter(project=acme.project)
        plan = {query: rows.filter(condition(parse(query), acme.project)).explain() for query in ("needle", "tag:x")}
    assert "run_by_words" in plan["needle"]
    assert "run_by_tag" in plan["tag:x"]


def test_a_common_word_is_read_and_a_rare_one_looked_up(
    acme: Tenant, found: Found, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trajectories.search.pages.READ", 2)
    for number in range(4):
        make_run(acme.principal, acme.project, title=f"Count {number}", task="rare" if number == 0 else "common")
    assert found("rare") == ["Count 0"]
    assert found("common") == ["Count 3", "Count 2", "Count 1"]
    first = runs_page(acme.principal, acme.project, query="count", limit=1)
    assert [run.title for run in first.items] == ["Count 3"]
    later = runs_page(acme.principal, acme.project, query="count", limit=5, cursor=first.next_cursor)
    assert [run.title for run in later.items] == ["Count 2", "Count 1", "Count 0"]
