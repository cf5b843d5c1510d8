"""Backups with other parts."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

from classifr.backups import archives


def rewrite(source: Path, target: Path, changes: dict[str, bytes | None], *, mend: bool = False) -> Path:
    """Copy an archive with other parts (None: without it); mend also corrects the manifest's sums."""
    with tarfile.open(source) as tar:
        parts = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    manifest = archives.Manifest(**json.loads(parts.pop(archives.MANIFEST)))
    changed = {name: content for name, content in {**parts, **changes}.items() if content is not None}
    with archives.writing(target, mode="w") as writer:
        for name, content in changed.items():
            writer._add(name, io.BytesIO(content), len(content))
        writer.finish(replace(manifest, parts=writer.parts) if mend else manifest)
    return target
