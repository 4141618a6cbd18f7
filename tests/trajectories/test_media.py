"""Images and sounds among a run's inputs: told by their bytes, described in the REPL, read by their hash."""

import json
import os
from typing import Any

import pytest

from rlmlab import scoping
from rlmlab.engine.types import no_context
from rlmlab.errors import Invalid, NotFound
from tests.factories.runs import make_run
from tests.factories.tenancy import Tenant
from tests.fakes.media import flac, gif, jpeg, png, reference, wav
from trajectories import contexts, media
from trajectories.actions.files import store_file
from trajectories.models import File, Run
from trajectories.specs import Shared, Shown, run_spec


def stored(tenant: Tenant, name: str, data: bytes) -> File:
    return store_file(by=tenant.principal, project=tenant.project, name=name, chunks=[data])


def started(tenant: Tenant, files: dict[str, bytes], **fields: Any) -> Run:
    ids = [stored(tenant, name, data).id for name, data in files.items()]
    return make_run(tenant.principal, tenant.project, files=ids, **fields)


def shown(run: Run) -> Any:
    """Read what the REPL gets as `context`."""
    with scoping.organization(run.organization_id):
        source = contexts.open_source(run, contexts.inputs_of(run))
    assert source is not None
    assert source.kind == "json"
    with os.fdopen(source.fd, "rb") as file:
        return json.loads(file.read())


def types_of(run: Run) -> dict[str, str]:
    with scoping.organization(run.organization_id):
        return {entry.name: entry.media_type for entry in contexts.inputs_of(run)}


def test_media_are_told_by_their_bytes_whatever_they_are_called(acme: Tenant) -> None:
    files = {
        "cat.txt": png(),
        "big-notes.bin": jpeg(notes=150_000),
        "b": wav(0.1),
        "c": flac(),
        "page.png": b"<html><script>alert(1)</script></html>",
        "cut.png": png()[:12],
        "empty.gif": b"",
    }
    assert types_of(started(acme, files)) == {
        "cat.txt": "image/png",
        "big-notes.bin": "image/jpeg",
        "b": "audio/wav",
        "c": "audio/flac",
        "page.png": "",
        "cut.png": "",
        "empty.gif": "",
    }


def test_repl_gets_what_tells_of_media_and_never_their_bytes(acme: Tenant) -> None:
    files = {"a.txt": b"one \xff", "cat.png": png(), "b.txt": b'"two"\n'}
    run = started(acme, files)
    assert run.context_kind == "files"
    assert shown(run) == {
        "a.txt": "one \udcff",
        "cat.png": {"media": "cat.png", "media_type": "image/png", "size": len(files["cat.png"])},
        "b.txt": '"two"\n',
    }


@pytest.mark.parametrize(
    ("context", "told"), [("read this", "read this"), ("lone \ud800", "lone \ud800"), ({"a": [1]}, {"a": [1]})]
)
def test_media_stand_beside_a_context(acme: Tenant, context: Any, told: Any) -> None:
    run = started(acme, {"cat.gif": gif()}, context=context)
    assert shown(run) == {
        "context": told,
        "cat.gif": {"media": "cat.gif", "media_type": "image/gif", "size": len(gif())},
    }


def test_engine_is_told_of_media_by_hash(acme: Tenant) -> None:
    data = png()
    run = started(acme, {"a.txt": b"one", "cat.png": data})
    with scoping.organization(run.organization_id):
        spec = run_spec(run, contexts.inputs_of(run), no_context, Shown(), Shared())
    assert spec.media == (reference("cat.png", "image/png", data),)
    assert spec.context is not None
    assert [(part.name, part.media_type) for part in spec.context.parts] == [("a.txt", ""), ("cat.png", "image/png")]


def test_json_beside_media_names_the_media_alone(acme: Tenant) -> None:
    run = started(acme, {"a.txt": b"one", "cat.png": png()}, context={"a": 1})
    with scoping.organization(run.organization_id):
        info = contexts.info(run, contexts.inputs_of(run))
    assert info is not None
    assert (info.kind, [part.name for part in info.parts]) == ("json", ["cat.png"])


def test_files_without_media_are_handed_over_as_before(acme: Tenant) -> None:
    run = started(acme, {"a.txt": b"one", "b.bin": b"\x00\x01"})
    with scoping.organization(run.organization_id):
        source = contexts.open_source(run, contexts.inputs_of(run))
        spec = run_spec(run, contexts.inputs_of(run), no_context, Shown(), Shared())
    assert source is not None
    os.close(source.fd)
    assert (source.kind, spec.media) == ("files", ())


def test_huge_image_is_refused_by_name_before_anything_is_stored(acme: Tenant) -> None:
    bomb = png(8, 8).replace(b"\x00\x00\x00\x08\x00\x00\x00\x08", b"\x00\x00\xff\xff\x00\x00\xff\xff", 1)
    with pytest.raises(Invalid) as refused:
        started(acme, {"a.txt": b"one", "bomb.png": bomb})
    (error,) = refused.value.errors
    assert error.field == "files.1"
    assert error.message == '"bomb.png" is an image of 65,535 x 65,535 pixels; at most 8,000 on a side are taken'
    with scoping.organization(acme.organization):
        assert not Run.objects.for_org(acme.organization).exists()


def test_large_sound_is_refused_by_name(acme: Tenant) -> None:
    with pytest.raises(Invalid, match=r'"long.wav" has 20,971,564 bytes; at most 20,971,520 are taken'):
        started(acme, {"long.wav": wav((20 << 20) / 32_000)})


def test_media_that_are_too_much_together_are_refused(acme: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "LARGEST_RUN", 150)
    with pytest.raises(Invalid, match="the images and sounds have more than 150 bytes together"):
        started(acme, {"a.jpg": jpeg(notes=100), "b.jpg": jpeg(notes=101)})


def test_bytes_are_read_by_hash(acme: Tenant) -> None:
    data = png(tail=b"x" * (2 << 20))
    run = started(acme, {"cat.png": data, "same.png": data})
    found = media.media_input(run, reference("", "", data).sha256)
    assert (found.name, found.media_type) == ("cat.png", "image/png")
    assert media.content(found) == data


def test_hash_of_a_text_or_of_another_run_is_not_found(acme: Tenant) -> None:
    run, other = started(acme, {"a.txt": b"one", "cat.png": png()}), started(acme, {"dog.png": png(9, 9)})
    for data in (b"one", png(9, 9), b"never stored"):
        with pytest.raises(NotFound):
            media.media_input(run, reference("", "", data).sha256)
    assert media.media_input(other, reference("", "", png(9, 9)).sha256).run_id == other.id
