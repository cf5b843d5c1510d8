"""Predictions that are stored, and a project for them."""

from typing import Any
from uuid import uuid4

import numpy as np

from classifier.backends.base import Answer, TagProbability
from customvision.models import StoredPrediction
from customvision.services import store_prediction
from engine import images
from tests.factories import make_photo, make_project
from training.labels import Label, dump_labels, labels_of
from training.models import Iteration, Project, Tag


def make_answering_project() -> Project:
    """Make a project with two tags and an iteration that knows them."""
    made = make_project(type=Project.Type.MULTILABEL)
    tags = [Tag.objects.create(project=made, name=name) for name in ("hot", "sweet")]
    Iteration.objects.create(
        project=made,
        number=1,
        name="Iteration 1",
        status=Iteration.Status.COMPLETED,
        head_key="heads/none",
        labels=dump_labels(map(Label.of, tags)),
    )
    return made


def keep(project: Project, *, hot: float = 0.9, sweet: float = 0.1, application: str = "", **fields: Any) -> Any:
    """Store a prediction of a photo of its own."""
    found = sorted([TagProbability("hot", hot), TagProbability("sweet", sweet)], key=lambda each: -each.probability)
    iteration = project.iterations.get()
    answer = Answer(tuple(found), iteration.name, iteration, "some-backbone", np.ones(4, dtype=np.float32))
    stored = store_prediction(
        uid=uuid4(),
        photo=images.admit(make_photo(), limits=images.PREDICTION),
        iteration=iteration,
        labels=labels_of(iteration),
        answer=answer,
        application=application,
        by=None,
    )
    assert stored is not None
    StoredPrediction.objects.filter(pk=stored.pk).update(**fields)
    return stored


def uid(project: Project, tag: str) -> str:
    return str(project.tags.get(name=tag).uid)
