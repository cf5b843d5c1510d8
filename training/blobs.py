"""Which blobs the iterations name."""

from catalog.owners import BlobColumn
from training.models import Iteration


class _IterationBlobs(BlobColumn):
    """The files of the iterations. The report of a loss is enough: an iteration can be trained again."""

    model = Iteration
    what: str

    def describe(self, key: str) -> str:
        owners = self.rows().filter(**{self.column: key}).select_related("project").order_by("project", "number")
        return f"{self.what} of " + ", ".join(f"{each.name} of {each.project.name}" for each in owners)


class HeadBlobs(_IterationBlobs):
    column = "head_key"
    what = "head"


class SnapshotBlobs(_IterationBlobs):
    column = "snapshot_key"
    what = "snapshot"
