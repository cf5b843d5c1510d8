"""Who has rows that name blobs: asked by `reconcile_blobs` and by backups."""

from collections.abc import Collection, Iterator
from operator import call
from typing import Any, Protocol

from django.conf import settings
from django.db.models import Exists, Model, OuterRef, QuerySet
from django.utils import timezone

from catalog.models import Picture, PictureQuerySet, WaitingBlob
from web.registry import Registry


class BlobOwner(Protocol):
    """Knows which blobs of one folder its rows name."""

    def keys(self) -> Iterator[str]:
        """Yield every key whose blob the rows say is in the storage."""

    def named(self, keys: Collection[str]) -> set[str]:
        """Return those of these keys, at most a few hundred, that rows name."""

    def describe(self, key: str) -> str:
        """Say whose bytes these are: a line for the operator."""

    def lost(self) -> set[str]:
        """Return the keys that are noted as lost."""

    def note(self, keys: Collection[str], *, are_lost: bool) -> None:
        """Note that these blobs are lost, or that they are not."""


owners: Registry[BlobOwner] = Registry(
    "folder of blobs", group="classifr.blob_owners", paths=lambda: settings.CLASSIFR_BLOB_OWNERS, make=call
)
"""By the folder, such as "pictures/"."""


class BlobColumn:
    """The blobs that one column of a model names. A loss is reported, and noted nowhere."""

    model: type[Model]
    column: str

    def keys(self) -> Iterator[str]:
        return self.rows().exclude(**{self.column: ""}).values_list(self.column, flat=True).iterator()

    def named(self, keys: Collection[str]) -> set[str]:
        return set(self.rows().filter(**{f"{self.column}__in": keys}).values_list(self.column, flat=True))

    def lost(self) -> set[str]:
        return set()

    def note(self, keys: Collection[str], *, are_lost: bool) -> None:
        """Note nothing."""

    def rows(self) -> QuerySet[Any]:
        """Return all rows: the model's own manager may leave some out."""
        return QuerySet(self.model)


class PictureBlobs(BlobColumn):
    """The pictures' own bytes."""

    model = Picture
    column = "blob_key"

    def keys(self) -> Iterator[str]:
        return self._delivered().values_list("blob_key", flat=True).iterator()

    def describe(self, key: str) -> str:
        return f"picture {key.rpartition('/')[2]}"

    def lost(self) -> set[str]:
        return set(Picture.objects.exclude(lost_at=None).values_list("blob_key", flat=True))

    def note(self, keys: Collection[str], *, are_lost: bool) -> None:
        noted = self._delivered().filter(blob_key__in=keys, lost_at__isnull=are_lost)
        noted.update(lost_at=timezone.now() if are_lost else None)

    def _delivered(self) -> PictureQuerySet:
        """Pictures whose bytes wait for nothing."""
        return Picture.objects.filter(~Exists(WaitingBlob.objects.filter(picture=OuterRef("pk"))))
