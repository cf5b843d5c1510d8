"""What answers under a published name."""

from dataclasses import dataclass
from uuid import UUID

from django.http import HttpRequest

from customvision.errors import not_found
from customvision.lookups import key_of
from training.labels import Labels, labels_of
from training.models import Iteration, Project
from web.row_cache import cached


@dataclass(frozen=True)
class Published:
    """An iteration as it answers now; shared by requests, so nobody changes its rows."""

    iteration: Iteration
    known_labels: Labels | None

    @property
    def labels(self) -> Labels:
        return self.known_labels or labels_of(self.iteration)


def find_published(request: HttpRequest, project_uid: UUID, name: str) -> Published:
    """Return what answers under that name, as far as the key opens it. Raises ApiError."""
    if key_of(request).project_uid not in {None, project_uid}:
        raise not_found("Project")
    published = cached(("published", project_uid, name), lambda: _read(project_uid, name))
    if published is None:
        raise not_found("Iteration" if Project.objects.filter(uid=project_uid).exists() else "Project")
    return published


def _read(project_uid: UUID, name: str) -> Published | None:
    published = Iteration.objects.published().select_related("project")
    iteration = published.filter(project__uid=project_uid, publish_name=name).first()
    if iteration is None:
        return None
    return Published(iteration, labels_of(iteration) if iteration.labels else None)
