"""What answers under a published name."""

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from django.db import connection
from django.http import HttpRequest

from customvision.errors import not_found
from customvision.finding import key_of
from customvision.labels import Labels, labels_of
from training.models import Iteration

_FIND = """
    SELECT project.id, project.xmin::text || project.ctid::text,
        iteration.id, iteration.xmin::text || iteration.ctid::text
    FROM training_project AS project
    LEFT JOIN training_iteration AS iteration
        ON iteration.project_id = project.id AND iteration.publish_name = %s AND iteration.publish_name <> ''
    WHERE project.uid = %s
"""


@dataclass(frozen=True)
class Published:
    """An iteration as it answers now; shared by requests, so nobody changes its rows."""

    iteration: Iteration
    known_labels: Labels | None

    @property
    def labels(self) -> Labels:
        return self.known_labels or labels_of(self.iteration)


def find_published(request: HttpRequest, project_uid: UUID, name: str) -> Published:
    """Return what answers under that name, as far as the key opens it. Raises ApiError.

    One statement finds out which versions of the rows there are; rows that have not changed are not read again.
    """
    if key_of(request).project_uid not in {None, project_uid}:
        raise not_found("Project")
    with connection.cursor() as cursor:
        cursor.execute(_FIND, [name, project_uid])
        row = cursor.fetchone()
    if row is None:
        raise not_found("Project")
    if row[2] is None:
        raise not_found("Iteration")
    return _read(*row)


@lru_cache(maxsize=64)
def _read(project_id: int, _project_version: str, iteration_id: int, _iteration_version: str) -> Published:
    """Read the rows; PostgreSQL gives a row another version whenever it changes."""
    iteration = Iteration.objects.select_related("project").get(pk=iteration_id, project=project_id)
    return Published(iteration, labels_of(iteration) if iteration.labels else None)
