"""Packages on disk, as those have them who downloaded one."""

import io
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import numpy as np

from engine import backbones, heads, images, packages
from engine.fitting import Examples
from tests import factories
from tests.engine.fits import fit

ORIGIN = packages.Origin(UUID("35921ec4-e5eb-433a-95d7-536d4666bc0d"), datetime(2024, 5, 11, 19, 45, 31, 123456, UTC))


def build(head: heads.Head, *, origin: packages.Origin = ORIGIN) -> bytes:
    backbone = backbones.get(head.backbone)
    pictures = [packages.golden("a.jpg", factories.make_photo(seed=1), head=head, backbone=backbone)]
    model = packages.to_onnx(head, backbone)
    about = {"project": "Test"}
    return packages.build(model, head=head, card=backbone.card, pictures=pictures, about=about, origin=origin)


def keen_head(backbone: str, *, tags: tuple[str, ...] = ("a", "b", "c")) -> heads.Head:
    """Return a head on that backbone, sure enough of itself for differences to show."""
    card = backbones.cards()[backbone]
    vectors = np.random.default_rng(0).normal(size=(24, card.vector_length)).astype(np.float32)
    made = fit(Examples(vectors, np.arange(24) % len(tags)), tags=list(tags), card=card)
    return replace(made, temperature=made.temperature / 5)


def unpack(package: bytes, folder: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(package)) as opened:
        opened.extractall(folder)
    return folder


def said_by_server(content: bytes, head: heads.Head) -> dict[str, float]:
    """Return what Classifr answers to a picture."""
    vector = backbones.get(head.backbone).vector(images.admit(content, limits=images.PREDICTION))
    return dict(zip(head.tags, head.probabilities(vector[None])[0].tolist(), strict=True))
