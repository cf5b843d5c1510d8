"""The steps of the official quickstart for image classification: python quickstart.py IMAGES."""

import os
import sys
import time
import uuid

from azure.cognitiveservices.vision.customvision.prediction import CustomVisionPredictionClient
from azure.cognitiveservices.vision.customvision.training import CustomVisionTrainingClient
from azure.cognitiveservices.vision.customvision.training.models import ImageFileCreateBatch, ImageFileCreateEntry
from msrest.authentication import ApiKeyCredentials

ENDPOINT = os.environ["VISION_TRAINING_ENDPOINT"]
training_key = os.environ["VISION_TRAINING_KEY"]
prediction_key = os.environ["VISION_PREDICTION_KEY"]
prediction_resource_id = os.environ["VISION_PREDICTION_RESOURCE_ID"]

credentials = ApiKeyCredentials(in_headers={"Training-key": training_key})
trainer = CustomVisionTrainingClient(ENDPOINT, credentials)
prediction_credentials = ApiKeyCredentials(in_headers={"Prediction-key": prediction_key})
predictor = CustomVisionPredictionClient(ENDPOINT, prediction_credentials)

publish_iteration_name = "classifyModel"

print("Creating project...")
project = trainer.create_project(uuid.uuid4())

first_tag = trainer.create_tag(project.id, "cannoli")
second_tag = trainer.create_tag(project.id, "risotto")

base_image_location = os.path.join(sys.argv[1], "Train")

print("Adding images...")
image_list = []
for tag in (first_tag, second_tag):
    for image_num in range(1, 8):
        file_name = f"{tag.name}_{image_num}.jpg"
        with open(os.path.join(base_image_location, tag.name, file_name), "rb") as image_contents:
            image_list.append(ImageFileCreateEntry(name=file_name, contents=image_contents.read(), tag_ids=[tag.id]))

upload_result = trainer.create_images_from_files(project.id, ImageFileCreateBatch(images=image_list))
if not upload_result.is_batch_successful:
    print("Image batch upload failed.")
    for image in upload_result.images:
        print("Image status: ", image.status)
    sys.exit(-1)

print("Training...")
iteration = trainer.train_project(project.id)
while iteration.status != "Completed":
    iteration = trainer.get_iteration(project.id, iteration.id)
    print("Training status: " + iteration.status)
    time.sleep(0.2)

trainer.publish_iteration(project.id, iteration.id, publish_iteration_name, prediction_resource_id)
print("Done!")

with open(os.path.join(sys.argv[1], "Test", "1.jpg"), "rb") as image_contents:
    results = predictor.classify_image(project.id, publish_iteration_name, image_contents.read())
    for prediction in results.predictions:
        print(f"\t{prediction.tag_name}: {prediction.probability * 100:.2f}%")
with open(os.path.join(sys.argv[1], "Test", "2.jpg"), "rb") as image_contents:
    results = predictor.classify_image_with_no_store(project.id, publish_iteration_name, image_contents)
    print(f"\t{results.predictions[0].tag_name}")

trainer.unpublish_iteration(project.id, iteration.id)
trainer.delete_project(project.id)
