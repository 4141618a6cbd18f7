"""`python -m rlmlab.modelserver --data-dir …`: serve the embedded local model."""

import argparse
import logging
from pathlib import Path

from rlmlab.modelserver.server import ServerOptions, run


def parse(arguments: list[str] | None = None) -> ServerOptions:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m rlmlab.modelserver", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="where weights, address and log lie")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads to compute with")
    parser.add_argument("--idle-seconds", type=float, default=300.0, help="end after that long without work")
    parser.add_argument("--hung-seconds", type=float, default=120.0, help="end after that long without progress")
    parser.add_argument("--parent", type=int, help="end with the process of this number (its end of stdin)")
    found = parser.parse_args(arguments)
    return ServerOptions(found.data_dir, found.threads, found.idle_seconds, found.hung_seconds, found.parent)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run(parse())
