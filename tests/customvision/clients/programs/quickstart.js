// The steps of the official quickstart for image classification: node quickstart.js IMAGES PICTURE_URL
const fs = require("fs");
const path = require("path");
const { setTimeout: sleep } = require("timers/promises");
const { ApiKeyCredentials } = require("@azure/ms-rest-js");
const { TrainingAPIClient } = require("@azure/cognitiveservices-customvision-training");
const { PredictionAPIClient } = require("@azure/cognitiveservices-customvision-prediction");

const [images, pictureUrl] = process.argv.slice(2);
const publishName = "my model";
const trainer = new TrainingAPIClient(
  new ApiKeyCredentials({ inHeader: { "Training-key": process.env.VISION_TRAINING_KEY } }),
  process.env.VISION_TRAINING_ENDPOINT,
);
const predictor = new PredictionAPIClient(
  new ApiKeyCredentials({ inHeader: { "Prediction-key": process.env.VISION_PREDICTION_KEY } }),
  process.env.VISION_PREDICTION_ENDPOINT,
);

async function upload(projectId, tagName) {
  const tag = await trainer.createTag(projectId, tagName);
  const folder = path.join(images, "Train", tagName);
  for (const name of fs.readdirSync(folder)) {
    const file = path.join(folder, name);
    // Each way in which the client takes a picture: from memory, and as a stream, which it sends in chunks.
    const content = name.includes("_0") ? () => fs.createReadStream(file) : fs.readFileSync(file);
    const result = await trainer.createImagesFromData(projectId, content, { tagIds: [tag.id] });
    console.log(tagName, result.images[0].status);
  }
}

async function train(projectId) {
  let iteration = await trainer.trainProject(projectId);
  while (!["Completed", "Failed"].includes(iteration.status)) {
    await sleep(200);
    iteration = await trainer.getIteration(projectId, iteration.id);
  }
  console.log("Training", iteration.status, iteration.trainedAt instanceof Date);
  return iteration;
}

function tell(way, answer) {
  const [best] = answer.predictions;
  console.log(way, best.tagName, answer.predictions.length, answer.created instanceof Date);
}

async function main() {
  const project = await trainer.createProject(`Quickstart ${Date.now()}`);
  await upload(project.id, "cannoli");
  await upload(project.id, "pizza");
  const iteration = await train(project.id);
  await trainer.publishIteration(project.id, iteration.id, publishName, process.env.VISION_PREDICTION_RESOURCE_ID);

  const file = path.join(images, "Test", "2.jpg");
  tell("memory", await predictor.classifyImage(project.id, publishName, fs.readFileSync(file)));
  tell("stream", await predictor.classifyImageWithNoStore(project.id, publishName, () => fs.createReadStream(file)));
  tell("address", await predictor.classifyImageUrl(project.id, publishName, { url: pictureUrl }));

  try {
    await predictor.classifyImage(project.id, "another", fs.readFileSync(file));
  } catch (error) {
    console.log("refused", error.statusCode, error.body.code);
  }
  await trainer.unpublishIteration(project.id, iteration.id);
  await trainer.deleteProject(project.id);
  console.log("deleted");
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
