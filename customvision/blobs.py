"""Which blobs the exports name."""

from collections.abc import Collection

from django.utils.translation import gettext as _

from catalog.owners import BlobColumn
from customvision.models import Export


class ExportBlobs(BlobColumn):
    """Packages; one whose file is lost has failed, so that it can be asked for again."""

    model = Export
    column = "blob_key"

    def describe(self, key: str) -> str:
        uid = key.removeprefix("exports/").removesuffix(".zip")
        export = Export.objects.select_related("iteration__project").get(uid=uid)
        return f"{export} package of {export.iteration.name} of {export.iteration.project.name}"

    def note(self, keys: Collection[str], *, are_lost: bool) -> None:
        if are_lost:
            lost = Export.objects.filter(blob_key__in=keys)
            lost.update(status=Export.Status.FAILED, blob_key="", error=_("Its file was lost."))
