"""Bytes are kept once, whole, and apart by organization."""

import hashlib
import os

import pytest

from rlmlab import scoping
from tests.factories.tenancy import Tenant
from trajectories import blobs
from trajectories.models import Blob, BlobChunk

MB = 1 << 20


def put(tenant: Tenant, *pieces: bytes) -> Blob:
    with scoping.organization(tenant.organization):
        return blobs.put(organization_id=tenant.organization.id, pieces=pieces)


@pytest.mark.parametrize("size", [0, 1, MB - 1, MB, MB + 1, 3 * MB + 17])
def test_bytes_come_back_as_they_were_whatever_the_pieces(acme: Tenant, size: int) -> None:
    data = os.urandom(size)
    blob = put(acme, data[: size // 3], b"", data[size // 3 :])
    assert (blob.size, blob.sha256) == (size, hashlib.sha256(data).hexdigest())
    with scoping.organization(acme.organization):
        assert b"".join(blobs.read(blob)) == data
        sizes = [len(chunk) for chunk in blobs.read(blob)]
    assert all(length == MB for length in sizes[:-1])


def test_equal_bytes_are_kept_once(acme: Tenant) -> None:
    first, second = put(acme, b"a" * 10), put(acme, b"aaaaa", b"aaaaa")
    assert first.id == second.id
    with scoping.organization(acme.organization):
        assert BlobChunk.objects.for_org(acme.organization).count() == 1


def test_equal_bytes_of_two_organizations_are_two_blobs(acme: Tenant, bolt: Tenant) -> None:
    mine, theirs = put(acme, b"same"), put(bolt, b"same")
    assert mine.id != theirs.id
    assert mine.sha256 == theirs.sha256
    with scoping.organization(bolt.organization):
        assert list(Blob.objects.filter(id=mine.id)) == []
        with pytest.raises(LookupError, match="chunk 0"):
            list(blobs.read(mine))


def test_failed_upload_leaves_nothing(acme: Tenant) -> None:
    def broken() -> object:
        yield b"x" * (2 * MB)
        raise OSError("the client went away")

    with pytest.raises(OSError, match="went away"), scoping.organization(acme.organization):
        blobs.put(organization_id=acme.organization.id, pieces=broken())
    with scoping.organization(acme.organization):
        assert BlobChunk.objects.for_org(acme.organization).count() == 0


def test_pieces_are_cut_into_chunks_of_a_megabyte() -> None:
    pieces = [b"a" * (MB // 2)] * 5
    assert [len(chunk) for chunk in blobs.rechunked(pieces)] == [MB, MB, MB // 2]
    assert list(blobs.rechunked([])) == []
