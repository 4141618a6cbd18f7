"""The demo's text: Python's own standard library, which every machine has, read from the running interpreter."""

import sysconfig
from functools import cache
from pathlib import Path

MODULES = (
    "argparse.py",
    "ast.py",
    "cmd.py",
    "configparser.py",
    "csv.py",
    "difflib.py",
    "ftplib.py",
    "http/client.py",
    "http/server.py",
    "imaplib.py",
    "inspect.py",
    "logging/__init__.py",
    "poplib.py",
    "shutil.py",
    "smtplib.py",
    "socketserver.py",
    "subprocess.py",
    "tarfile.py",
    "threading.py",
    "typing.py",
)


class SourceMissing(Exception):
    """This interpreter came without the source of its standard library."""


@cache
def demo_text() -> str:
    """Return the modules' source, one after another: about 1.1 MB, 40 times the local model's window.

    Raises:
        SourceMissing: a module's source is not installed.
    """
    library = Path(sysconfig.get_path("stdlib"))
    try:
        return "\n".join((library / name).read_text("utf-8") for name in MODULES)
    except OSError as error:
        raise SourceMissing(f"Python's own source is not installed: {error.filename}") from error
