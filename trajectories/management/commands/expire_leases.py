"""Give the runs of dead workers to others at once."""

from django.core.management.base import BaseCommand

from trajectories import leases


class Command(BaseCommand):
    """For a supervisor that saw a worker die, so that nobody waits until leases run out."""

    help = "End the leases of this host's workers whose process is gone, and wake others for their runs."

    def handle(self, **_options: object) -> None:
        """Say how many."""
        self.stdout.write(f"{leases.expire_dead()} runs were given back")
