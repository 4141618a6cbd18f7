"""The layers of the import linter name every package there is."""

import configparser
import subprocess
import sys

from tests.guards.tree import ROOT

FORBIDDEN_BELOW = ("django", "celery", "channels", "ninja")


def test_every_package_stands_in_a_layer() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    layers = set(config["importlinter:contract:layers"]["layers"].replace("|", "\n").replace(" : ", "\n").split())
    folder = ROOT / "rlmlab"
    packages = {path.parent.name for path in folder.glob("*/__init__.py")}
    modules = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    present = {f"rlmlab.{name}" for name in packages | modules} | {"memory", "sandbox", "trajectories"}
    assert present == layers


def test_the_engine_and_the_sandbox_import_with_django_blocked() -> None:
    program = f"""
import importlib, pkgutil, sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {FORBIDDEN_BELOW!r}:
            raise ImportError(f"{{name}} is blocked")
sys.meta_path.insert(0, Blocked())
count = 0
for root in ("rlmlab.engine", "rlmlab.embedded", "rlmlab.modelserver", "sandbox"):
    package = importlib.import_module(root)
    for module in pkgutil.walk_packages(package.__path__, root + "."):
        if not module.name.endswith("__main__") and module.name != "rlmlab.engine.providers.gateway":
            importlib.import_module(module.name)
            count += 1
print(count)
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert int(done.stdout) >= 20
