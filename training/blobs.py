"""Which blobs the iterations name."""

from collections.abc import Collection, Iterator

from training.models import Iteration, IterationQuerySet


class _IterationBlobs:
    """The files that one column of the iterations names; an iteration without its file is reported, not marked."""

    column: str
    what: str

    def keys(self) -> Iterator[str]:
        return self._found().exclude(**{self.column: ""}).values_list(self.column, flat=True).iterator()

    def named(self, keys: Collection[str]) -> set[str]:
        return set(self._found().filter(**{f"{self.column}__in": keys}).values_list(self.column, flat=True))

    def describe(self, key: str) -> str:
        owners = self._found().filter(**{self.column: key}).select_related("project")
        return f"{self.what} of " + ", ".join(f"{each.name} of {each.project.name}" for each in owners)

    def lost(self) -> set[str]:
        return set()

    def note(self, keys: Collection[str], *, are_lost: bool) -> None:
        """The report is enough: an iteration can be trained again."""

    def _found(self) -> IterationQuerySet:
        return Iteration.objects.order_by("project", "number")


class HeadBlobs(_IterationBlobs):
    column = "head_key"
    what = "head"


class SnapshotBlobs(_IterationBlobs):
    column = "snapshot_key"
    what = "snapshot"
