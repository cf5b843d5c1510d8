"""Answers of Azure's training service, shaped as it was recorded to answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from pytest_django import Settings

from tests import factories
from tests.azurecv.azure import RecordedAnswer, RecordedAzure, RecordedRequest, error
from training.models import Image, Iteration, Project, Tag
from training.uploads import ImageUpload

PROJECT_ID = "d39ee768-81e0-456d-9267-5df421143385"
ITERATION_ID = "a1608486-2795-499a-bf16-e9a3075e5388"
OTHER_ITERATION_ID = "f8b5c43d-205c-4596-ba19-8ee3bf1ffd20"
TAG_ID = "5ae66dcc-ba41-4531-89d4-631aeac4a133"
OTHER_TAG_ID = "2278ea86-0671-4617-a6cd-06cf056b841f"
FOOD_ID = "c151d5b5-dd07-472a-acc8-15d29dea8518"
RESOURCE_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/answers"

PROJECT = f"/projects/{PROJECT_ID}"
TAGS = f"{PROJECT}/tags"
FILES = f"{PROJECT}/images/files"
TRAIN = f"{PROJECT}/train"
ITERATIONS = f"{PROJECT}/iterations"
ITERATION = f"{ITERATIONS}/{ITERATION_ID}"
QUICK_TEST = f"{PROJECT}/quicktest/image"

DONE = RecordedAnswer(204)
OUT_OF_QUOTA = RecordedAnswer(
    403,
    {"error": {"code": "403", "message": "Out of call volume quota. Quota will be replenished in 12.14:18:12."}},
    {"Retry-After": "1090000"},
)
BUSY = error(429, "429", "Requests have exceeded rate limit. Please retry after 1 second.")


@contextmanager
def listening(settings: Settings) -> Iterator[RecordedAzure]:
    """Let there be a server that speaks like Azure, and the settings that lead to it."""
    server = RecordedAzure()
    handler: Any = server._server.RequestHandlerClass
    handler.do_PATCH = handler.do_POST
    settings.CLASSIFR_CUSTOMVISION_TRAINING_ENDPOINT = server.endpoint
    settings.CLASSIFR_CUSTOMVISION_TRAINING_KEY = "a-training-key"
    settings.CLASSIFR_CUSTOMVISION_PREDICTION_RESOURCE_ID = RESOURCE_ID
    settings.CLASSIFR_CUSTOMVISION_CALLS_PER_SECOND = 10_000.0
    try:
        yield server
    finally:
        server.close()


def make_image(project: Project, **fields: Any) -> Image:
    return Image.objects.create(project=project, picture=factories.make_picture(), **fields)


def make_iteration(project: Project, **fields: Any) -> Iteration:
    number = project.iterations.count() + 1
    Project.objects.filter(pk=project.pk, iterations_made__lt=number).update(iterations_made=number)
    values = {"number": number, "name": f"Iteration {number}", "status": "Completed", **fields}
    if "remote_id" in fields:
        values["remote_id"] = UUID(fields["remote_id"])
    return Iteration.objects.create(project=project, **values)


def uploads(*tags: Tag, count: int = 3) -> list[ImageUpload]:
    return [ImageUpload(f"{number}.jpg", factories.make_photo(), tags) for number in range(count)]


def image_id(number: int) -> str:
    """Return the id that `images_received` gives to the picture sent in that place."""
    return f"00000000-0000-0000-0000-{number:012}"


def domain(id: str, name: str, type: str = "Classification") -> dict[str, Any]:
    return {
        "id": id,
        "name": name,
        "type": type,
        "exportable": False,
        "enabled": True,
        "exportablePlatforms": [],
        "modelInformation": None,
    }


DOMAINS = [
    domain("da2e3a8a-40a5-4171-82f4-58522f70fbc1", "Food", "ObjectDetection"),
    domain("ee85a74c-405e-4adc-bb47-ffa8ca0c9f31", "General"),
    domain("a8e3c40f-fb4a-466f-832a-5e457ae4a344", "General [A1]"),
    domain(FOOD_ID, "Food"),
]


def project(**fields: Any) -> dict[str, Any]:
    return {
        "id": PROJECT_ID,
        "name": "Test Project",
        "description": "",
        "settings": {
            "domainId": FOOD_ID,
            "classificationType": "Multilabel",
            "targetExportPlatforms": [],
            "useNegativeSet": True,
            "detectionParameters": None,
            "imageProcessingSettings": {"augmentationMethods": {"rotation": True, "scaling": True}},
        },
        "created": "2020-11-06T16:37:26.266Z",
        "lastModified": "2020-11-06T16:37:26.266Z",
        "thumbnailUri": None,
        "drModeEnabled": False,
        "status": "Succeeded",
        **fields,
    }


def tag(id: str = TAG_ID, name: str = "pizza", **fields: Any) -> dict[str, Any]:
    return {"id": id, "name": name, "description": None, "type": "Regular", "imageCount": 0, **fields}


def iteration(id: str = ITERATION_ID, **fields: Any) -> dict[str, Any]:
    """Return an iteration as it is just after `train`: no trainedAt."""
    return {
        "id": id,
        "name": "Iteration 2",
        "status": "Training",
        "created": "2019-09-16T15:05:06.676Z",
        "lastModified": "2019-09-16T15:05:15.508Z",
        "projectId": PROJECT_ID,
        "exportable": False,
        "exportableTo": None,
        "domainId": None,
        "classificationType": None,
        "trainingType": "Regular",
        "reservedBudgetInHours": 0,
        "trainingTimeInMinutes": 0,
        "publishName": None,
        "originalPublishResourceId": None,
        **fields,
    }


def completed(id: str = ITERATION_ID, **fields: Any) -> dict[str, Any]:
    return iteration(id, **{"status": "Completed", "trainedAt": "2019-09-16T15:05:20.087Z", **fields})


def performance(**fields: Any) -> dict[str, Any]:
    figures = {
        "precision": 0.9,
        "precisionStdDeviation": 0.0,
        "recall": 0.8,
        "recallStdDeviation": 0.0,
        "averagePrecision": 0.95,
    }
    tags = [{"id": OTHER_TAG_ID, "name": "risotto", **figures}, {"id": TAG_ID, "name": "pizza", **figures}]
    return {"perTagPerformance": tags, **figures, **fields}


def images_received(**statuses: str) -> Callable[[RecordedRequest], RecordedAnswer]:
    """Answer an upload, the last picture first: OK, or what `image_3="ErrorImageFormat"` says of a place."""

    def answer(request: RecordedRequest) -> RecordedAnswer:
        images = []
        for entry in request.json["images"]:
            number = int(entry["name"].split()[-1])
            status = statuses.get(f"image_{number}", "OK")
            images.append(
                {"sourceUrl": entry["name"], "status": status, "image": _image(image_id(number), entry, status)}
            )
        is_good = all(each["status"] == "OK" for each in images)
        body = {"isBatchSuccessful": is_good, "images": images[::-1]}
        return RecordedAnswer(200 if is_good else 207, body)

    return answer


def _image(id: str, entry: dict[str, Any], status: str) -> dict[str, Any] | None:
    if not status.startswith("OK"):
        return None
    created = "2020-11-06T17:34:53.6925759"
    return {
        "id": id,
        "created": created,
        "width": 320,
        "height": 240,
        "resizedImageUri": "https://example.invalid/i",
        "thumbnailUri": "https://example.invalid/t",
        "originalImageUri": "https://example.invalid/i",
        "tags": [{"tagId": each, "tagName": None, "created": created} for each in entry["tagIds"]],
    }


def says(**probabilities: float) -> RecordedAnswer:
    """Answer a quick test with the probabilities of pizza and risotto."""
    ids = {"pizza": TAG_ID, "risotto": OTHER_TAG_ID}
    predictions = [
        {"probability": value, "tagId": ids[name], "tagName": name, "tagType": "Regular"}
        for name, value in probabilities.items()
    ]
    created = "2020-11-06T17:34:53.692Z"
    body = {"id": image_id(99), "project": PROJECT_ID, "iteration": ITERATION_ID, "created": created}
    return RecordedAnswer(200, {**body, "predictions": predictions})


def train_to_the_end(azure: RecordedAzure) -> None:
    """Let Azure train to the end: what most tests of training need."""
    azure.on("POST", TRAIN, RecordedAnswer(200, iteration()))
    azure.on("GET", ITERATION, RecordedAnswer(200, iteration()), RecordedAnswer(200, completed()))
    azure.on("GET", f"{ITERATION}/performance", RecordedAnswer(200, performance()))


def at_azure(azure: RecordedAzure, *, tags: list[Any], iterations: list[Any]) -> None:
    """Let Azure have these tags and iterations."""
    azure.on("GET", TAGS, RecordedAnswer(200, tags))
    azure.on("GET", ITERATIONS, RecordedAnswer(200, iterations))
    for each in iterations:
        azure.on("GET", f"{ITERATIONS}/{each['id']}/performance", RecordedAnswer(200, performance()))


def whole_service(azure: RecordedAzure) -> None:
    """Let Azure have one project that is empty, takes whatever is sent, and trains one iteration."""
    images: dict[str, str] = {}
    published: dict[str, str] = {}
    made: list[str] = []

    def make_tag(request: RecordedRequest) -> RecordedAnswer:
        made.append(f"10000000-0000-0000-0000-{len(made):012}")
        return RecordedAnswer(200, tag(made[-1], request.query["name"]))

    def receive(request: RecordedRequest) -> RecordedAnswer:
        received = []
        for entry in request.json["images"]:
            status = "OKDuplicate" if entry["contents"] in images else "OK"
            id_ = images.setdefault(entry["contents"], image_id(len(images)))
            received.append({"sourceUrl": entry["name"], "status": status, "image": _image(id_, entry, status)})
        return RecordedAnswer(200, {"isBatchSuccessful": True, "images": received})

    def publish(request: RecordedRequest) -> RecordedAnswer:
        published["name"] = request.query["publishName"]
        return RecordedAnswer(200, True)

    def unpublish(request: RecordedRequest) -> RecordedAnswer:
        published.clear()
        return DONE

    train_to_the_end(azure)
    azure.on("GET", "/domains", RecordedAnswer(200, DOMAINS))
    azure.on("POST", "/projects", RecordedAnswer(200, project()))
    azure.on("POST", TAGS, make_tag)
    azure.on("POST", FILES, receive)
    azure.on("GET", ITERATIONS, lambda _: RecordedAnswer(200, [completed(publishName=published.get("name"))]))
    azure.on("POST", f"{ITERATION}/publish", publish)
    azure.on("DELETE", f"{ITERATION}/publish", unpublish)
    azure.on("PATCH", ITERATION, RecordedAnswer(200, completed(name="Spring")))
    azure.on("DELETE", ITERATION, DONE)
