"""A project as it stands at Azure Custom Vision, or at any server that speaks its API."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import requests
from django.utils.translation import gettext as _

from azurecv.training.answers import RemoteIteration, RemoteTag
from azurecv.training.calls import Calls
from engine import images
from training.exceptions import BackendUnavailable, Refused
from training.figures import Performance

_PAGE = 256
_TIMEOUT_S = 30
_THRESHOLD = 0.5


@dataclass(frozen=True)
class SourceProject:
    """What a project says of itself."""

    id: UUID
    name: str
    description: str
    domain_id: UUID
    type: str
    """Multiclass or Multilabel."""


@dataclass(frozen=True)
class SourceImage:
    """An image, whose bytes are fetched when they are wanted."""

    id: UUID
    tag_ids: tuple[UUID, ...]
    metadata: dict[str, str]
    address: str
    """Of the original: a whole URL that needs no key, or a path for `get_artifact`."""


class Source:
    """One project of the other side. Everything may raise TrainingError."""

    def __init__(self, endpoint: str, asked: str) -> None:
        """endpoint: "" is the one of the settings. asked: the project's id or name."""
        self._calls = Calls(endpoint=endpoint)
        self.project = self._find(asked)

    def domain_name(self) -> str:
        return self._calls.ask(lambda answer: str(answer.name), "get_domain", str(self.project.domain_id))

    def tags(self) -> list[RemoteTag]:
        return self._calls.tags(self.project.id)

    def count_images(self) -> int:
        return self._calls.ask(int, "get_image_count", self.project.id, tagging_status="All")

    def images(self) -> Iterator[list[SourceImage]]:
        """Yield the images a page at a time, the oldest first: what is added meanwhile comes at the end."""
        skip = 0
        while page := self._page(skip):
            yield page
            skip += len(page)

    def content(self, image: SourceImage) -> bytes:
        """Return the original's bytes."""
        if not image.address.startswith(("http://", "https://")):
            return b"".join(self._calls.call("get_artifact", self.project.id, image.address))
        try:
            with requests.get(image.address, timeout=_TIMEOUT_S, stream=True) as answer:
                answer.raise_for_status()
                return bytes(answer.raw.read(images.TRAINING.max_bytes + 1, decode_content=True))
        except (requests.RequestException, OSError) as exc:
            raise BackendUnavailable(
                _("The picture cannot be fetched (%(name)s).") % {"name": type(exc).__name__}
            ) from exc

    def iterations(self) -> list[RemoteIteration]:
        """Return the iterations that are completed, the oldest first."""
        completed = [each for each in self._calls.iterations(self.project.id) if each.trained_at]
        return sorted(completed, key=lambda each: str(each.trained_at))

    def performance(self, iteration_id: UUID) -> Performance:
        return self._calls.performance(self.project.id, iteration_id, threshold=_THRESHOLD)

    def probabilities(self, content: bytes, iteration_id: UUID) -> dict[UUID, float] | None:
        """Return what that iteration says of a picture, by tag; None where the other side does not take it."""
        return self._calls.quick_test(self.project.id, content, iteration_id)

    def _page(self, skip: int) -> list[SourceImage]:
        return self._calls.ask(
            lambda answer: [_read_image(each) for each in answer],
            "get_images",
            self.project.id,
            tagging_status="All",
            order_by="Oldest",
            take=_PAGE,
            skip=skip,
        )

    def _find(self, asked: str) -> SourceProject:
        projects = self._calls.ask(lambda answer: [_read_project(project) for project in answer], "get_projects")
        matches = [project for project in projects if asked in {str(project.id), project.name}]
        if len(matches) == 1:
            return matches[0]
        if matches:
            ids = ", ".join(str(project.id) for project in matches)
            sentence = _("Several projects are called %(name)s: name its id, one of %(ids)s.")
            raise Refused(sentence % {"name": asked, "ids": ids})
        names = ", ".join(project.name for project in projects) or "–"
        raise Refused(_("There is no project %(name)s there; there are: %(names)s.") % {"name": asked, "names": names})


def _read_project(answer: Any) -> SourceProject:
    return SourceProject(
        id=UUID(answer.id),
        name=str(answer.name),
        description=answer.description or "",
        domain_id=UUID(answer.settings.domain_id),
        type=answer.settings.classification_type or "",
    )


def _read_image(answer: Any) -> SourceImage:
    return SourceImage(
        id=UUID(answer.id),
        tag_ids=tuple(UUID(each.tag_id) for each in answer.tags or ()),
        metadata=dict(answer.metadata or {}),
        address=str(answer.original_image_uri),
    )
