"""Whether this process can answer a photo, and how it gets ready for the first one."""

import errno
import io
import logging
import threading
import time

from django.db import DatabaseError, connection, transaction
from PIL import Image
from psycopg2 import errorcodes

from catalog.exceptions import StorageUnavailable
from catalog.storage import has_blob, probe_storage
from classifier.backends import get_backend, local
from classifier.exceptions import BackendUnavailable, PredictionError
from engine import images
from training.models import Project

logger = logging.getLogger(__name__)

GOOD = ("ok", "none", "remote")
"""Nothing is live before the first publication, and what answers at Azure is not ours to load."""

_WORDS = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read-only",
    errorcodes.DISK_FULL: "full",
    errorcodes.READ_ONLY_SQL_TRANSACTION: "read-only",
}
"""By the number of an error of the system, or the code of one of PostgreSQL."""

# A temporary table takes new pages from the disk each time, and gives them back when the transaction ends. Its commit
# would not wait for PostgreSQL's log; that of the message does.
_WRITE = """
    CREATE TEMPORARY TABLE IF NOT EXISTS readyz (content text) ON COMMIT DELETE ROWS;
    INSERT INTO readyz SELECT repeat('x', 1000) FROM generate_series(1, 16);
    SELECT pg_logical_emit_message(true, 'readyz', '');
"""


def default_project() -> Project | None:
    """Return the project that the page offers first to most; None while none answers."""
    return Project.objects.answering().select_related("live_iteration").first()


def warm_up(*, at_most_s: float = 2.0) -> None:
    """Run the default project's model once in this process, so that the first user does not wait for it to load.

    It goes on in a thread when it takes longer than that: a storage that hangs must not keep the site down. What fails
    is logged, and tried again by the first photo.
    """
    thread = threading.Thread(target=_run_once, name="warm-up", daemon=True)
    thread.start()
    thread.join(at_most_s)


def _run_once() -> None:
    started = time.perf_counter()
    try:
        project = default_project()
        if project and (backend := get_backend(project.backend)).needs_head:
            backend.predict(images.admit(_blank_picture(), limits=images.PREDICTION), project=project)
            logger.info("Warmed up project=%s ms=%.0f", project.pk, 1000 * (time.perf_counter() - started))
    except Exception:  # whatever it is, the process can still serve
        logger.exception("Warm-up failed")
    finally:
        connection.close()


def find_state() -> dict[str, str]:
    """Return one word each for `database`, `storage` and `model`: one of GOOD, or what is the matter."""
    try:
        project = default_project()
    except DatabaseError as exc:
        return {"database": _word(exc), "storage": "unknown", "model": "unknown"}
    return {"database": _database(), "storage": _storage(project), "model": _model(project)}


def _database() -> str:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_WRITE)
    except DatabaseError as exc:
        return _word(exc)
    return "ok"


def _storage(project: Project | None) -> str:
    head_key = project.live_iteration.head_key if project and project.live_iteration else ""
    try:
        if head_key and not has_blob(head_key):
            return "missing"
        probe_storage()
    except StorageUnavailable as exc:
        return _word(exc)
    return "ok"


def _word(exc: DatabaseError | StorageUnavailable) -> str:
    """Say what is the matter with what does not take a write."""
    logger.debug("Not ready", exc_info=exc)
    code = getattr(exc.__cause__, "errno", None) or getattr(exc.__cause__, "pgcode", None)
    return _WORDS.get(code, "unreachable")


def _model(project: Project | None) -> str:
    if project is None:
        return "none"
    try:
        if not get_backend(project.backend).needs_head or project.live_iteration is None:
            return "remote"
        local.load(project.live_iteration)
    except PredictionError as exc:
        logger.debug("Not ready", exc_info=exc)
        return "unreachable" if isinstance(exc, BackendUnavailable) else "broken"
    return "ok"


def _blank_picture() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (320, 320)).save(written, "JPEG")
    return written.getvalue()
