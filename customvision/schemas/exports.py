"""Packages of iterations and copies of projects, as programs see them."""

from pydantic import Field

from customvision.fields import Shape
from customvision.models import Export


class ExportOut(Shape):
    platform: str
    status: str
    download_uri: str | None
    flavor: str | None
    newer_version_available: bool

    @classmethod
    def of(cls, export: Export, *, download_uri: str | None = None) -> "ExportOut":
        return cls(
            platform=export.platform,
            status=export.status,
            download_uri=download_uri,
            flavor=export.flavor or None,
            newer_version_available=False,
        )


class ProjectExport(Shape):
    """What a copy of the project would have, and the token that makes one."""

    iteration_count: int
    image_count: int
    tag_count: int
    region_count: int
    estimated_import_time_in_ms: int = Field(serialization_alias="estimatedImportTimeInMS")
    token: str
