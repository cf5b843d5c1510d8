"""Packages on disk, as those have them who downloaded one."""

import io
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from engine import backbones, heads, images, packages
from tests import factories

ORIGIN = packages.Origin(UUID("35921ec4-e5eb-433a-95d7-536d4666bc0d"), datetime(2024, 5, 11, 19, 45, 31, 123456, UTC))


def build(head: heads.Head, *, origin: packages.Origin = ORIGIN) -> bytes:
    backbone = backbones.get(head.backbone)
    pictures = packages.golden({"a.jpg": factories.make_photo(seed=1)}, head=head, backbone=backbone)
    return packages.build(head=head, backbone=backbone, pictures=pictures, about={"project": "Test"}, origin=origin)


def unpack(package: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(package)) as opened:
        opened.extractall(folder)
    return folder


def said_by_server(content: bytes, head: heads.Head) -> dict[str, float]:
    """Return what Classifr answers to a picture."""
    vector = backbones.get(head.backbone).vector(content, limits=images.PREDICTION)
    return dict(zip(head.tags, head.probabilities(vector[None])[0].tolist(), strict=True))
