"""Call every classification operation of the SDK that Python finds, and print what came over the wire, as JSON.

`python walk.py IMAGES PICTURE_URL`, with endpoint and keys in the environment: a program of its own, as a process has
one SDK only.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID

from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient, models
from msrest.authentication import ApiKeyCredentials

COMPACT = "0732100f-1a38-4e49-a514-c9b44c697ab5"
MOST_S = 60


class Client:
    """One of the SDK's clients, every answer of which is written down."""

    def __init__(self, client: Any, found: list[dict[str, Any]]) -> None:
        self._client, self._found = client, found

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                answer = getattr(self._client, operation)(*args, raw=True, **kwargs)
            except Exception as exc:
                self._found.append({"operation": operation, "error": repr(exc)})
                raise
            response = answer.response
            kind = response.headers.get("Content-Type", "")
            body = response.json() if kind.startswith("application/json") else None
            told = {"operation": operation, "status": response.status_code, "kind": kind, "body": body}
            self._found.append(told)
            return answer.output

        return call


class Walk:
    def __init__(self, images: Path, picture_url: str) -> None:
        self.found: list[dict[str, Any]] = []
        self.images, self.picture_url = images, picture_url
        endpoint = os.environ["VISION_TRAINING_ENDPOINT"]
        for_training = ApiKeyCredentials(in_headers={"Training-key": os.environ["VISION_TRAINING_KEY"]})
        for_prediction = ApiKeyCredentials(in_headers={"Prediction-key": os.environ["VISION_PREDICTION_KEY"]})
        self.trainer = Client(CustomVisionTrainingClient(endpoint, for_training), self.found)  # type: ignore[no-untyped-call]
        self.predictor = Client(CustomVisionPredictionClient(endpoint, for_prediction), self.found)  # type: ignore[no-untyped-call]

    def run(self) -> None:
        """Go on after an error with what does not need the answer that is missing."""
        first = (self.projects, self.tags, self.images_in, self.images_told, self.images_tagged, self.training)
        then = (self.measures, self.publishing, self.predictions, self.quick_tests, self.suggestions)
        for part in (*first, *then, self.exports, self.copies, self.end):
            with self.going_on(part.__name__):
                part()

    @contextmanager
    def going_on(self, part: str) -> Iterator[None]:
        try:
            yield
        except Exception as exc:  # noqa: BLE001  # whatever it is, it is told
            self.found.append({"operation": part, "error": repr(exc)})

    def projects(self) -> None:
        name = f"Walk {version('azure-cognitiveservices-vision-customvision')} {time.time()}"
        self.project = self.trainer.create_project(name, "every operation", COMPACT, "Multilabel")
        self.id = self.project.id
        self.trainer.get_domain(self.trainer.get_domains()[0].id)
        self.trainer.get_projects()
        self.project.description = "each operation"
        self.trainer.update_project(self.id, self.project)
        self.trainer.get_project(self.id)

    def tags(self) -> None:
        self.tag_ids = [self.trainer.create_tag(self.id, name).id for name in ("cannoli", "pizza")]
        tag = self.trainer.get_tag(self.id, self.tag_ids[0])
        tag.description = "rolls"
        self.trainer.update_tag(self.id, tag.id, tag)
        self.trainer.get_tags(self.id)

    def picture(self, tag: str, number: int) -> Any:
        """Return bytes, as programs do, where the SDK's types ask for something else."""
        return (self.images / "Train" / tag / f"{tag}_{number}.jpg").read_bytes()

    def images_in(self) -> None:
        entries = [
            models.ImageFileCreateEntry(name=f"{tag} {number}", contents=self.picture(tag, number), tag_ids=[tag_id])
            for tag, tag_id in zip(("cannoli", "pizza"), self.tag_ids, strict=True)
            for number in range(6)
        ]
        self.trainer.create_images_from_files(self.id, models.ImageFileCreateBatch(images=entries))
        self.trainer.create_images_from_data(self.id, self.picture("cannoli", 6), [self.tag_ids[0]])
        by_url = models.ImageUrlCreateEntry(url=self.picture_url)
        self.trainer.create_images_from_urls(self.id, models.ImageUrlCreateBatch(images=[by_url]))

    def images_told(self) -> None:
        tagged = self.trainer.get_tagged_images(self.id, tag_ids=self.tag_ids, order_by="Oldest", take=5, skip=1)
        self.image_ids = [image.id for image in tagged]
        self.trainer.get_tagged_image_count(self.id, tag_ids=[self.tag_ids[0]])
        self.untagged = self.trainer.get_untagged_images(self.id)[0].id
        self.trainer.get_untagged_image_count(self.id)
        self.trainer.update_image_metadata(self.id, self.image_ids[:1], {"oven": "wood", "plate": "2"})
        self.trainer.get_images(self.id, filter="metadata=oven eq 'wood'")
        self.trainer.get_image_count(self.id, tagging_status="Tagged")
        self.trainer.get_images_by_ids(self.id, self.image_ids)
        path = f"/i-{UUID(self.id).hex}/i-{UUID(self.image_ids[0]).hex}"
        content = b"".join(self.trainer.get_artifact(self.id, path))
        if not content.startswith(b"\xff\xd8"):
            raise ValueError("The artifact is no JPEG.")

    def images_tagged(self) -> None:
        first = [models.ImageTagCreateEntry(image_id=self.image_ids[0], tag_id=self.tag_ids[1])]
        self.trainer.create_image_tags(self.id, first)
        self.trainer.delete_image_tags(self.id, [self.image_ids[0]], [self.tag_ids[1]])

    def training(self) -> None:
        iteration = self.trainer.train_project(self.id)
        self.iteration_id = iteration.id
        self.until(lambda: self.trainer.get_iteration(self.id, iteration.id).status == "Completed")
        self.trainer.update_iteration(self.id, iteration.id, "first")
        self.trainer.get_iterations(self.id)

    def measures(self) -> None:
        where = self.id, self.iteration_id
        self.trainer.get_iteration_performance(*where, threshold=0.5, overlap_threshold=0.3)
        self.trainer.get_image_performances(*where, tag_ids=self.tag_ids, take=10)
        self.trainer.get_image_performance_count(*where)

    def publishing(self) -> None:
        resource = os.environ["VISION_PREDICTION_RESOURCE_ID"]
        self.trainer.publish_iteration(self.id, self.iteration_id, "a name/2", resource)

    def predictions(self) -> None:
        picture, live = self.picture("pizza", 7), (self.id, "a name/2")
        self.predictor.classify_image(*live, picture, application="walk")
        self.predictor.classify_image_with_no_store(*live, picture)
        self.predictor.classify_image_url(*live, self.picture_url)
        self.predictor.classify_image_url_with_no_store(*live, self.picture_url)
        stored = self.trainer.query_predictions(self.id, models.PredictionQueryToken(max_count=10, order_by="Newest"))
        by_id = [models.ImageIdCreateEntry(id=stored.results[-1].id, tag_ids=[self.tag_ids[1]])]
        self.trainer.create_images_from_predictions(self.id, models.ImageIdCreateBatch(images=by_id))
        self.trainer.delete_prediction(self.id, [stored.results[0].id])

    def quick_tests(self) -> None:
        self.trainer.quick_test_image(self.id, self.picture("cannoli", 7), self.iteration_id, store=False)
        self.trainer.quick_test_image_url(self.id, self.picture_url, self.iteration_id, store=False)

    def suggestions(self) -> None:
        where = self.id, self.iteration_id
        self.trainer.suggest_tags_and_regions(*where, [self.untagged])
        self.trainer.query_suggested_image_count(*where, tag_ids=self.tag_ids, threshold=0.0)
        asked = models.SuggestedTagAndRegionQueryToken(
            tag_ids=self.tag_ids, threshold=0.0, max_count=5, sort_by="UncertaintyAscending"
        )
        self.trainer.query_suggested_images(*where, asked)

    def exports(self) -> None:
        where = self.id, self.iteration_id
        self.trainer.export_iteration(*where, "ONNX")
        self.until(lambda: self.trainer.get_exports(*where)[0].status == "Done")

    def copies(self) -> None:
        token = self.trainer.export_project(self.id).token
        copy = self.trainer.import_project(token, name=f"{self.project.name} (copy)")
        self.until(lambda: self.trainer.get_project(copy.id).status == "Succeeded")
        self.trainer.delete_project(copy.id)

    def end(self) -> None:
        self.trainer.unpublish_iteration(self.id, self.iteration_id)
        self.trainer.delete_iteration(self.id, self.iteration_id)
        self.trainer.delete_images(self.id, self.image_ids[:2])
        self.trainer.delete_tag(self.id, self.tag_ids[0])
        self.trainer.delete_project(self.id)

    @staticmethod
    def until(is_there: Callable[[], bool]) -> None:
        """Ask as programs do, until it is there."""
        end = time.monotonic() + MOST_S
        while not is_there():
            if time.monotonic() > end:
                raise TimeoutError
            time.sleep(0.1)


def operations() -> list[str]:
    """Return what the SDK can do for classification projects."""
    names = {name for client in (CustomVisionTrainingClient, CustomVisionPredictionClient) for name in dir(client)}
    of_detection = {"create_image_regions", "delete_image_regions", "get_image_region_proposals"}
    others = {"close", *of_detection}
    return sorted(name for name in names if name[0] != "_" and not name.startswith("detect_") and name not in others)


if __name__ == "__main__":
    walk = Walk(Path(sys.argv[1]), sys.argv[2])
    walk.run()
    told = {
        "version": version("azure-cognitiveservices-vision-customvision"),
        "operations": operations(),
        "found": walk.found,
    }
    json.dump(told, sys.stdout)
