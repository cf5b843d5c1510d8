"""Teach a project two more dishes, and let the new iteration answer: python add_categories.py IMAGES PROJECT.

IMAGES has Train/<tag>/ and Test/7.jpg to Test/12.jpg. Endpoint and keys come from the environment.
"""

import os
import sys
import time
from pathlib import Path

from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient
from azure.cognitiveservices.vision.customvision.training.models import ImageFileCreateBatch, ImageFileCreateEntry
from msrest.authentication import ApiKeyCredentials

images, project_id = Path(sys.argv[1]), sys.argv[2]
batch_size = 60

credentials = ApiKeyCredentials(in_headers={"Training-key": os.environ["VISION_TRAINING_KEY"]})
trainer = CustomVisionTrainingClient(os.environ["VISION_TRAINING_ENDPOINT"], credentials)
prediction_credentials = ApiKeyCredentials(in_headers={"Prediction-key": os.environ["VISION_PREDICTION_KEY"]})
predictor = CustomVisionPredictionClient(os.environ["VISION_PREDICTION_ENDPOINT"], prediction_credentials)

for tag_name in ("pizza", "tiramisu"):
    tag = trainer.create_tag(project_id, tag_name)
    files = sorted((images / "Train" / tag_name).iterdir())
    for start in range(0, len(files), batch_size):
        entries = [
            ImageFileCreateEntry(name=file.name, contents=file.read_bytes(), tag_ids=[tag.id])
            for file in files[start : start + batch_size]
        ]
        result = trainer.create_images_from_files(project_id, ImageFileCreateBatch(images=entries))
        for image in result.images:
            if image.status not in ("OK", "OKDuplicate"):
                print("Image", image.source_url, image.status)
    print("Uploaded", tag_name, len(files))

iteration = trainer.train_project(project_id)
end = time.monotonic() + 600
while iteration.status not in ("Completed", "Failed"):
    if time.monotonic() > end:
        sys.exit("The training takes too long.")
    iteration = trainer.get_iteration(project_id, iteration.id)
    print("Training status:", iteration.status)
    time.sleep(0.2)
if iteration.status == "Failed":
    sys.exit("The training failed.")

performance = trainer.get_iteration_performance(project_id, iteration.id, threshold=0.85)
print(f"At 85%: precision {performance.precision:.1%}, recall {performance.recall:.1%}")
for tag in performance.per_tag_performance:
    print(f"  {tag.name}: {tag.precision:.1%} {tag.recall:.1%} {tag.average_precision:.1%}")

publish_name = iteration.name
trainer.publish_iteration(project_id, iteration.id, publish_name, os.environ["VISION_PREDICTION_RESOURCE_ID"])
print("Published", publish_name)
for other in trainer.get_iterations(project_id):
    if other.publish_name and other.id != iteration.id:
        trainer.unpublish_iteration(project_id, other.id)
        print("Unpublished", other.publish_name)

for number in range(7, 13):
    answer = predictor.classify_image(project_id, publish_name, (images / "Test" / f"{number}.jpg").read_bytes())
    print(number, *(f"{each.tag_name}: {each.probability:.2%}" for each in answer.predictions))
