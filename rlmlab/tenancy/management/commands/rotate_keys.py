"""Re-encrypt all stored provider keys under the first of RLMLAB_ENCRYPTION_KEYS."""

from django.core.management.base import BaseCommand, CommandError

from rlmlab.tenancy.actions.rotation import Rotated, organizations_with_keys, rotate_organization


class Command(BaseCommand):
    """Works through the organizations, each in a transaction of its own; running it again does what is left."""

    help = "Re-encrypt all stored provider keys under the first of RLMLAB_ENCRYPTION_KEYS."

    def handle(self, **_: object) -> None:
        """Rotate, and say what was done; keys that nobody can decrypt are named and stay."""
        reports = []
        for organization in organizations_with_keys():
            report = rotate_organization(organization)
            self.stdout.write(_line(report))
            reports.append(report)
        rotated, lost = sum(report.rotated for report in reports), sum(len(report.lost) for report in reports)
        self.stdout.write(f"{rotated} keys re-encrypted in {len(reports)} organizations")
        if lost:
            raise CommandError(f"{lost} cannot be decrypted by any key of this installation; they stay as they are")


def _line(report: Rotated) -> str:
    lost = f", cannot be decrypted: {', '.join(report.lost)}" if report.lost else ""
    return f"{report.organization}: {report.rotated} re-encrypted, {report.current} current already{lost}"
