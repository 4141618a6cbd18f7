"""Compute spans and totals anew from the events."""

import argparse
from uuid import UUID

from django.core.management.base import BaseCommand

from trajectories import rebuild


class Command(BaseCommand):
    """For an upgrade that changes what is computed from events."""

    help = "Rebuild spans and totals of all runs, or of one, from their events."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Take a single run."""
        parser.add_argument("--run", type=UUID, help="id of the only run to rebuild")

    def handle(self, *, run: UUID | None = None, **_options: object) -> None:
        """Say how much was done."""
        runs = events = 0
        for run_id, organization_id in rebuild.all_runs():
            if run in {None, run_id}:
                events += rebuild.rebuild(run_id, organization_id)
                runs += 1
        self.stdout.write(f"{runs} runs with {events} events were rebuilt")
