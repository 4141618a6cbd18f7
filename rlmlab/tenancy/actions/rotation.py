"""Re-encrypting stored provider keys under the first of the installation's keys."""

from dataclasses import dataclass
from uuid import UUID

from rlmlab import scoping
from rlmlab.audit.actions import record
from rlmlab.audit.actors import SYSTEM
from rlmlab.tenancy.encryption import Undecryptable, decrypt, encrypt, is_current
from rlmlab.tenancy.models import Organization, ProviderKey


@dataclass(frozen=True, slots=True)
class Rotated:
    """What became of an organization's keys; `lost` names the providers whose keys nobody can decrypt, which stay."""

    organization: str
    rotated: int
    current: int
    lost: tuple[str, ...]


def organizations_with_keys() -> list[Organization]:
    """List whose keys there are to look at, by slug."""
    with scoping.system("find the organizations whose provider keys are to be re-encrypted"):
        owners = ProviderKey.objects.exclude(secret="").values("organization_id")
        return list(Organization.objects.filter(pk__in=owners).order_by("slug"))


def rotate_organization(organization: Organization) -> Rotated:
    """Re-encrypt an organization's keys in one transaction; what the first key encrypted already stays as it is.

    So a rotation that was interrupted is simply begun again.
    """
    rotated, current, lost = 0, 0, []
    with scoping.organization(organization):
        keys = ProviderKey.objects.for_org(organization).exclude(secret="").select_for_update()
        for key in keys.order_by("provider"):
            if is_current(key.secret):
                current += 1
                continue
            try:
                fresh = encrypt(decrypt(key.secret))
            except Undecryptable:
                lost.append(key.provider)
                continue
            ProviderKey.objects.for_org(organization).filter(pk=key.pk).update(secret=fresh)
            rotated += 1
        if rotated:
            _record(organization.pk, rotated, lost)
    return Rotated(organization.slug, rotated, current, tuple(lost))


def _record(organization_id: UUID, rotated: int, lost: list[str]) -> None:
    record(
        organization_id=organization_id,
        actor=SYSTEM,
        action="provider.rotate_keys",
        object_type="organization",
        object_id=organization_id,
        changes={"rotated": rotated, "lost": lost},
    )
