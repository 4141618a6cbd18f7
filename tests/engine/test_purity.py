"""The engine and the sandbox stand below Django."""

import subprocess
import sys

CHECK = """
import importlib, pkgutil, sys
BLOCKED = ("django", "celery", "channels", "ninja", "psycopg", "redis", "litellm", "trajectories", "rlmlab.settings")
class Block:
    def find_spec(self, name, path=None, target=None):
        if name in BLOCKED or name.startswith(tuple(b + "." for b in BLOCKED)):
            raise ImportError(f"{name} is above the engine")
sys.meta_path.insert(0, Block())
import rlmlab.engine
names = [m.name for m in pkgutil.walk_packages(rlmlab.engine.__path__, "rlmlab.engine.")]
names = [name for name in names if not name.startswith("rlmlab.engine.providers.") or name.endswith(".base")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""


def test_engine_imports_with_django_celery_and_litellm_blocked() -> None:
    done = subprocess.run([sys.executable, "-c", CHECK], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 25
