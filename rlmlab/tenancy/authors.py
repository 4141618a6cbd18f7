"""Names of those who made something, from the kind and id that its row keeps."""

from collections.abc import Iterable
from uuid import UUID

from rlmlab import scoping
from rlmlab.tenancy.models import ApiKey, Organization, User

Author = tuple[str, UUID | None]
"""The kind of an actor and its id, as rows keep them; the installation itself has none."""


def names_of(organization: Organization, authors: Iterable[Author]) -> dict[Author, str]:
    """Return what people call each author: a person's email address, a key's label; who is gone has an empty name."""
    wanted = set(authors)
    people = [author_id for kind, author_id in wanted if kind == "user" and author_id is not None]
    keys = [author_id for kind, author_id in wanted if kind == "api_key" and author_id is not None]
    names: dict[Author, str] = {}
    if people:
        names = {("user", user.id): user.email for user in User.objects.filter(id__in=people).only("email")}
    if keys:
        with scoping.organization(organization):
            found = ApiKey.objects.for_org(organization).filter(id__in=keys).only("prefix", "label")
            names |= {("api_key", key.id): f"{key} “{key.label}”" for key in found}
    return {author: "RLM Lab" if author[0] == "system" else names.get(author, "") for author in wanted}
