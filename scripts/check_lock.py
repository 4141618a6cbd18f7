"""Check that the lock files hold what pyproject.toml asks for, with hashes and without addresses."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)


def normalised(name: str) -> str:
    """Return a package's canonical name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def problems() -> list[str]:
    """List what is wrong, a line each."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = {"base.txt": project["dependencies"]}
    wanted["dev.txt"] = project["dependencies"] + project["optional-dependencies"]["dev"]
    found: list[str] = []
    for file, requirements in wanted.items():
        text = (ROOT / "requirements" / file).read_text()
        pins = {normalised(name): version for name, version in PIN.findall(text)}
        for requirement in requirements:
            name, _, version = re.sub(r"\[.*?\]", "", requirement).partition("==")
            name = normalised(re.split(r"[<>=!~ ]", name)[0])
            held = pins.get(name)
            if held is None:
                found.append(f"{file}: {name} is not locked; run `make lock`")
            elif version and not re.fullmatch(re.escape(version).replace(r"\*", ".*"), held):
                found.append(f"{file}: {name} is locked at {held}, pyproject.toml says {version}; run `make lock`")
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        text = path.read_text()
        if "://" in text:
            found.append(f"{path.name}: contains an address")
        found += [f"{path.name}: {name} has no hash" for name in _without_hash(text)]
    return found


def _without_hash(text: str) -> list[str]:
    blocks = re.split(r"\n(?=[A-Za-z0-9])", text)
    return [block.split("==")[0] for block in blocks if "==" in block and "--hash=sha256:" not in block]


if __name__ == "__main__":
    lines = problems()
    print("\n".join(lines))
    sys.exit(bool(lines))
