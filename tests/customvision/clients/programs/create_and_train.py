"""Make a project of two dishes, train it, publish it and try it: python create_and_train.py IMAGES.

IMAGES has Train/<tag>/ and Test/1.jpg to Test/6.jpg. Endpoint and keys come from the environment.
"""

import os
import sys
import time
import uuid
from pathlib import Path

from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient
from azure.cognitiveservices.vision.customvision.training.models import ImageFileCreateBatch, ImageFileCreateEntry
from msrest.authentication import ApiKeyCredentials

images = Path(sys.argv[1])
batch_size = 60
publish_name = "classifyModel"

credentials = ApiKeyCredentials(in_headers={"Training-key": os.environ["VISION_TRAINING_KEY"]})
trainer = CustomVisionTrainingClient(os.environ["VISION_TRAINING_ENDPOINT"], credentials)
prediction_credentials = ApiKeyCredentials(in_headers={"Prediction-key": os.environ["VISION_PREDICTION_KEY"]})
predictor = CustomVisionPredictionClient(os.environ["VISION_PREDICTION_ENDPOINT"], prediction_credentials)

domain = next(each for each in trainer.get_domains() if each.type == "Classification" and each.name == "Food")
name = f"Italian Food classifier {uuid.uuid4()}"
project = trainer.create_project(name, "Two Italian dishes", domain.id, "Multiclass")
print("Project", project.id)

for tag_name in ("cannoli", "risotto"):
    tag = trainer.create_tag(project.id, tag_name)
    files = sorted((images / "Train" / tag_name).iterdir())
    for start in range(0, len(files), batch_size):
        entries = [
            ImageFileCreateEntry(name=file.name, contents=file.read_bytes(), tag_ids=[tag.id])
            for file in files[start : start + batch_size]
        ]
        result = trainer.create_images_from_files(project.id, ImageFileCreateBatch(images=entries))
        for image in result.images:
            if image.status not in ("OK", "OKDuplicate"):
                print("Image", image.source_url, image.status)
    print("Uploaded", tag_name, len(files))

iteration = trainer.train_project(project.id)
end = time.monotonic() + 600
while iteration.status not in ("Completed", "Failed"):
    if time.monotonic() > end:
        sys.exit("The training takes too long.")
    iteration = trainer.get_iteration(project.id, iteration.id)
    print("Training status:", iteration.status)
    time.sleep(0.2)
if iteration.status == "Failed":
    sys.exit("The training failed.")

for threshold in (0.5, 0.85):
    performance = trainer.get_iteration_performance(project.id, iteration.id, threshold=threshold)
    print(f"At {threshold:.0%}: precision {performance.precision:.1%}, recall {performance.recall:.1%}")
    for tag in performance.per_tag_performance:
        print(f"  {tag.name}: {tag.precision:.1%} {tag.recall:.1%} {tag.average_precision:.1%}")

trainer.publish_iteration(project.id, iteration.id, publish_name, os.environ["VISION_PREDICTION_RESOURCE_ID"])
print("Published", publish_name)

for number in range(1, 7):
    answer = predictor.classify_image(project.id, publish_name, (images / "Test" / f"{number}.jpg").read_bytes())
    print(number, *(f"{each.tag_name}: {each.probability:.2%}" for each in answer.predictions))
