"""Inputs, kept byte for byte: content-addressed blobs, and the files that name them."""

from django.db import models

from rlmlab.scoping.models import OrgModel
from rlmlab.tenancy.models import Organization, Project


class Blob(OrgModel):
    """Bytes that an organization stored once, however often they are used; written by `trajectories.blobs` only."""

    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "sha256"], name="blob_once_per_organization"),
        ]


class BlobChunk(OrgModel):
    """A piece of a blob, of 1 MB but for the last; stored uncompressed (see the migration)."""

    # reached through its blob only, so no index of its own
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    blob = models.ForeignKey(Blob, on_delete=models.CASCADE, related_name="+", db_index=False)
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["blob", "number"], name="blob_chunk_number_once"),
        ]


class File(OrgModel):
    """An uploaded file of a project; runs take it as input by its id."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=255)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    created_by_kind = models.CharField(max_length=10)
    created_by_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)
