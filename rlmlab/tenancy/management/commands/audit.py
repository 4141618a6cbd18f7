"""Check the audit log, and erase a person's fields from it."""

import argparse
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from rlmlab import scoping
from rlmlab.audit.actions import erase_person
from rlmlab.audit.actors import SYSTEM
from rlmlab.audit.chain import ChainReport, Head
from rlmlab.tenancy.chains import named_chains, verified
from rlmlab.tenancy.queries import organization_by_slug


def _anchor(text: str) -> tuple[str, Head]:
    try:
        chain, position, digest = text.rsplit(":", 2)
        return chain, Head(int(position), digest)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not CHAIN:POSITION:HASH, as a check prints it") from None


class Command(BaseCommand):
    """`audit verify` recomputes every hash; `audit erase` empties personal fields and leaves the chains whole."""

    help = "Verify the hash chains of the audit log, or erase a person's fields from it."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the two subcommands."""
        commands = parser.add_subparsers(dest="command", required=True)
        verify = commands.add_parser("verify", help="recompute every hash; exit 1 where a chain is broken")
        verify.add_argument("--organization", metavar="SLUG", help="only this organization's chain")
        verify.add_argument(
            "--expect", type=_anchor, action="append", default=[], metavar="CHAIN:POSITION:HASH",
            help="a head that an earlier check printed, which the chain must still contain",
        )  # fmt: skip
        erase = commands.add_parser("erase", help="erase the personal fields of a person, by id")
        erase.add_argument("person", type=UUID)

    def handle(
        self,
        *,
        command: str,
        organization: str | None = None,
        expect: list[tuple[str, Head]] | None = None,
        person: UUID | None = None,
        **_: object,
    ) -> None:
        """Run the subcommand."""
        if command == "erase" and person is not None:
            count = erase_person(person_id=person, by=SYSTEM)
            self.stdout.write(f"erased the personal fields of {count} entries")
            return
        self._verify(organization, dict(expect or []))

    def _verify(self, organization: str | None, expected: dict[str, Head]) -> None:
        broken = 0
        with scoping.system("verify the audit chains of every organization"):
            chains = _chains(organization)
            for name in expected.keys() - chains.keys():
                raise CommandError(f'there is no chain "{name}"')
            for name, organization_id in chains.items():
                report = verified(organization_id, expected.get(name))
                self.stdout.write(_line(name, report))
                broken += report.broken_at is not None
        if broken:
            raise CommandError(f"{broken} of {len(chains)} chains broken")


def _chains(slug: str | None) -> dict[str, UUID]:
    chains = named_chains()
    if slug is None:
        return chains
    if organization_by_slug(slug) is None:
        raise CommandError(f'there is no organization "{slug}"')
    return {slug: chains[slug]}


def _line(name: str, report: ChainReport) -> str:
    if report.broken_at is not None:
        return f"{name}: BROKEN at position {report.broken_at}: {report.reason}"
    erased = f", {report.erased} personal parts erased" if report.erased else ""
    return (
        f"{name}: whole, {report.head.position} entries{erased}, head {name}:{report.head.position}:{report.head.hash}"
    )
