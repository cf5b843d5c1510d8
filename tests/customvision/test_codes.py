"""Every code of the service that can be provoked here: what is done, and what is told."""

import base64
from collections.abc import Callable
from functools import cached_property
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.keys import create_key
from accounts.models import ApiKey
from tests import factories
from tests.customvision.trainable import add_images, make_trained
from training.models import Iteration, Project, Tag
from training.services import publishing

pytestmark = pytest.mark.slow

COMPACT = "0732100f-1a38-4e49-a514-c9b44c697ab5"
Told = tuple[int, str]


class Scene:
    """A project with two tags, trained and published as soon as that is asked for."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.key = create_key(name="tests", scope=ApiKey.Scope.ALL, by=None)[1]
        self.project: Project = factories.make_project(name="Flowers")
        self.tag = Tag.objects.create(project=self.project, name="hemlock")
        self.other_tag = Tag.objects.create(project=self.project, name="cherry")

    def fill(self) -> None:
        """Give each tag the images that a training asks for."""
        for tag in (self.tag, self.other_tag):
            add_images(tag)

    @cached_property
    def iteration(self) -> Iteration:
        self.fill()
        return make_trained(self.project)

    @property
    def trained(self) -> "Scene":
        assert self.iteration.status == Iteration.Status.COMPLETED
        return self

    @property
    def live(self) -> "Scene":
        publishing.publish(iteration=self.iteration, by=None, name="live", policy=publishing.BESIDE)
        return self

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Told:
        """Return the status and the code; a path with no slash in front is one below the project."""
        address = path if path.startswith("/") else f"/projects/{self.project.uid}/{path}"
        return self._send(method, f"/customvision/v3.4-preview/training{address}", body, **options)

    def predict(self, content: bytes = b"", *, name: str = "live", what: str = "image", body: Any = None) -> Told:
        address = f"/customvision/v3.1/prediction/{self.project.uid}/classify/iterations/{name}/{what}"
        kind = {} if body is not None else {"content_type": "application/octet-stream"}
        return self._send("post", address, content if body is None else body, **kind)

    def _send(self, method: str, address: str, body: Any, **options: Any) -> Told:
        sent = {"content_type": "application/json"} | ({} if body is None else {"data": body})
        headers = {"Training-key": self.key, "Prediction-key": self.key}
        answer = getattr(self.client, method)(address, headers=headers, **(sent | options))
        told = answer.json()
        entry = told["images"][0]["status"] if "images" in told else ""
        return answer.status_code, told.get("code", entry)


def add(scene: Scene, content: bytes, *tags: Tag | str) -> Told:
    """Add a picture; the code is the image's status."""
    ids = [each if isinstance(each, str) else str(each.uid) for each in tags]
    entry = {"name": "a.jpg", "contents": base64.b64encode(content).decode(), "tagIds": ids}
    return scene.ask("post", "images/files", {"images": [entry]})


def add_twice(scene: Scene) -> Told:
    photo = factories.make_photo()
    add(scene, photo, scene.tag)
    return add(scene, photo, scene.tag)


def add_with_both(scene: Scene) -> Told:
    negative = Tag.objects.create(project=scene.project, name="nothing", type="Negative")
    return add(scene, factories.make_photo(), scene.tag, negative)


def of_iteration(scene: Scene, method: str, path: str, body: Any = None) -> Told:
    return scene.ask(method, f"iterations/{scene.iteration.uid}{path}", body)


def publish(scene: Scene, query: str) -> Told:
    return of_iteration(scene, "post", f"/publish?{query}")


def publish_under_a_taken_name(scene: Scene) -> Told:
    another = make_trained(scene.live.project, force=True)
    return scene.ask("post", f"iterations/{another.uid}/publish?publishName=live&predictionId=r")


def train_twice(scene: Scene) -> Told:
    scene.fill()
    scene.ask("post", "train")
    return scene.ask("post", "train?forceTrain=true")


def rename_to_another(scene: Scene) -> Told:
    another = make_trained(scene.trained.project, force=True)
    return of_iteration(scene, "patch", "", {"name": another.name})


def ask_half_trained(scene: Scene) -> Told:
    scene.fill()
    scene.ask("post", "train")
    return scene.ask("get", f"iterations/{scene.project.iterations.get().uid}/performance")


def export(scene: Scene, platform: str, *, times: int = 1) -> Told:
    scene.project.api_settings = {"domainId": COMPACT}
    scene.project.save()
    return [of_iteration(scene, "post", f"/export?platform={platform}") for _ in range(times)][-1]


def ids(count: int) -> str:
    return ",".join(str(uuid4()) for _ in range(count))


def add_negative_tags(scene: Scene) -> Told:
    Tag.objects.create(project=scene.project, name="nothing", type="Negative")
    return scene.ask("post", "tags?name=none&type=Negative")


def too_little(scene: Scene, type_: str) -> Told:
    scene.project.type = type_
    scene.project.save()
    return scene.ask("post", "train")


def quick_test(scene: Scene) -> Told:
    photo = factories.make_photo()
    return scene.ask("post", "quicktest/image", photo, content_type="application/octet-stream")


TABLE: list[tuple[int, str, Callable[[Scene], Told]]] = [
    # Projects
    (404, "NotFoundProject", lambda s: s.ask("get", f"/projects/{uuid4()}")),
    (404, "NotFoundDomain", lambda s: s.ask("get", f"/domains/{uuid4()}")),
    (400, "BadRequestProjectName", lambda s: s.ask("post", "/projects?name=%20")),
    (400, "BadRequestProjectNameNotUnique", lambda s: s.ask("post", "/projects?name=flowers")),
    (400, "BadRequestProjectUnknownDomain", lambda s: s.ask("post", f"/projects?name=a&domainId={uuid4()}")),
    (
        400,
        "BadRequestProjectUnknownClassification",
        lambda s: s.ask("post", "/projects?name=a&classificationType=Both"),
    ),
    (
        400,
        "BadRequestProjectUnsupportedExportPlatform",
        lambda s: s.ask("post", "/projects?name=a&targetExportPlatforms=Paper"),
    ),
    (400, "BadRequestIterationIsPublished", lambda s: s.live.ask("delete", f"/projects/{s.project.uid}")),
    (400, "BadRequestInvalidImportToken", lambda s: s.ask("post", "/projects/import?token=a")),
    (400, "BadRequest", lambda s: s.ask("post", "/projects")),
    (405, "BadRequestNotSupported", lambda s: s.ask("put", "/projects")),
    (415, "ErrorUnknown", lambda s: s.ask("patch", f"/projects/{s.project.uid}", b"a", content_type="text/plain")),
    (404, "NotFound", lambda s: s.ask("get", "/nothing")),
    # Tags
    (404, "NotFoundTag", lambda s: s.ask("get", f"tags/{uuid4()}")),
    (400, "BadRequestTagName", lambda s: s.ask("post", "tags?name=%20")),
    (400, "BadRequestTagNameNotUnique", lambda s: s.ask("post", "tags?name=HEMLOCK")),
    (400, "BadRequestTagType", lambda s: s.ask("post", "tags?name=a&type=GeneralProduct")),
    (400, "BadRequestMultipleNegativeTag", add_negative_tags),
    # Images
    (207, "OKDuplicate", add_twice),
    (207, "ErrorImageFormat", lambda s: add(s, b"no picture")),
    (207, "ErrorImageSize", lambda s: add(s, factories.make_photo() + bytes(6 << 20))),
    (207, "ErrorImageDimensions", lambda s: add(s, factories.make_photo(size=(2600, 100)))),
    (207, "ErrorInvalidTag", lambda s: add(s, factories.make_photo(), str(uuid4()))),
    (207, "ErrorNegativeAndRegularTagOnSameImage", add_with_both),
    (207, "ErrorSource", lambda s: s.ask("post", "images/urls", {"images": [{"url": "http://127.0.0.1/a"}]})),
    (207, "ErrorSource", lambda s: s.ask("post", "images/predictions", {"images": [{"id": str(uuid4())}]})),
    (207, "ErrorImageNotFound", lambda s: s.ask("post", f"images/metadata?imageIds={uuid4()}", {"a": "b"})),
    (400, "BadRequestImageBatch", lambda s: s.ask("post", "images/files", {"images": []})),
    (400, "BadRequestExceededBatchSize", lambda s: s.ask("get", f"images/id?imageIds={ids(257)}")),
    (400, "BadRequestImageMetadataKey", lambda s: s.ask("post", f"images/metadata?imageIds={ids(1)}", {"": "b"})),
    (
        400,
        "BadRequestImageMetadataValue",
        lambda s: s.ask("post", f"images/metadata?imageIds={ids(1)}", {"a": "b" * 600}),
    ),
    (400, "BadRequestImageTags", lambda s: s.ask("post", "images/tags", {"tags": []})),
    (
        404,
        "NotFoundImage",
        lambda s: s.ask("post", "images/tags", {"tags": [{"imageId": ids(1), "tagId": str(s.tag.uid)}]}),
    ),
    (400, "BadRequestInvalidArtifactUri", lambda s: s.ask("get", "artifacts?path=/etc/passwd")),
    # Iterations
    (404, "NotFoundIteration", lambda s: s.ask("get", f"iterations/{uuid4()}")),
    (400, "BadRequestTrainingNotNeeded", lambda s: s.trained.ask("post", "train")),
    (400, "BadRequestTrainingAlreadyInProgress", train_twice),
    (
        400,
        "BadRequestMultiClassClassificationTrainingValidationFailed",
        lambda s: too_little(s, Project.Type.MULTICLASS),
    ),
    (
        400,
        "BadRequestMultiLabelClassificationTrainingValidationFailed",
        lambda s: too_little(s, Project.Type.MULTILABEL),
    ),
    (400, "BadRequestInvalidEmailAddress", lambda s: s.ask("post", "train?notificationEmailAddress=a")),
    (400, "BadRequestInvalidIds", lambda s: s.ask("post", "train", {"selectedTags": [str(uuid4())]})),
    (400, "BadRequestIterationName", lambda s: of_iteration(s, "patch", "", {"name": " "})),
    (400, "BadRequestIterationNameNotUnique", rename_to_another),
    (400, "BadRequestIterationIsNotTrained", ask_half_trained),
    (400, "BadRequestRequiredParamIsNull", lambda s: publish(s, "publishName=a")),
    (400, "BadRequestInvalidPublishTarget", lambda s: publish(s, "publishName=a&predictionId=%20")),
    (400, "BadRequestInvalidPublishName", publish_under_a_taken_name),
    (400, "BadRequestIterationIsPublished", lambda s: publish(s.live, "publishName=b&predictionId=r")),
    (400, "BadRequestIterationIsPublished", lambda s: of_iteration(s.live, "delete", "")),
    (400, "BadRequestIterationNotPublished", lambda s: of_iteration(s, "delete", "/publish")),
    # Packages
    (400, "BadRequestUnsupportedDomain", lambda s: of_iteration(s, "post", "/export?platform=ONNX")),
    (400, "BadRequestExportValidationFailed", lambda s: export(s, "Paper")),
    (400, "BadRequestExportAlreadyInProgress", lambda s: export(s, "ONNX", times=2)),
    # Predictions
    (404, "NotFoundIteration", lambda s: s.predict(factories.make_photo())),
    (400, "BadRequestImageFormat", lambda s: s.live.predict(b"no picture")),
    (400, "BadRequestImageStream", lambda s: s.live.predict()),
    (400, "BadRequestImageSizeBytes", lambda s: s.live.predict(factories.make_photo() + bytes(4 << 20))),
    (413, "BadRequestImageSizeBytes", lambda s: s.live.predict(bytes(9 << 20))),
    (400, "BadRequestImageAspectRatio", lambda s: s.live.predict(factories.make_photo(size=(2600, 100)))),
    (400, "BadRequestImageUrl", lambda s: s.live.predict(what="url", body={"url": "http://127.0.0.1/a"})),
    (
        400,
        "BadRequestPredictionInvalidApplicationName",
        lambda s: s.live.predict(factories.make_photo(), what=f"image?application={'a' * 300}"),
    ),
    (404, "NotFoundProjectDefaultIteration", quick_test),
    (400, "BadRequestPredictionIdsMissing", lambda s: s.ask("delete", "predictions")),
    (400, "BadRequestPredictionIdsExceededCount", lambda s: s.ask("delete", f"predictions?ids={ids(65)}")),
    (
        400,
        "BadRequestPredictionInvalidQueryParameters",
        lambda s: s.ask("post", "predictions/query", {"orderBy": "Colour"}),
    ),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("status", "code", "act"), TABLE, ids=[code for _status, code, _act in TABLE])
def test_code_is_told(client: Client, status: int, code: str, act: Callable[[Scene], Told]) -> None:
    assert act(Scene(client)) == (status, code)
