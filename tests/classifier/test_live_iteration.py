"""Another iteration goes live while requests run: every answer is whole, of one iteration or of the other."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from accounts.models import User
from classifier.models import Prediction
from classifier.services import predict
from tests import factories
from training.models import Project
from training.services.publishing import publish
from training.services.starter import add_iteration, install_starter

TAGS = {"Iteration 2": {"cold", "hot"}, "Iteration 3": {"sour", "sweet", "bitter"}}


@pytest.mark.django_db(transaction=True)
def test_swap_under_load_mixes_nothing() -> None:
    project = install_starter()[0].project
    user = factories.make_user()
    iterations = [
        add_iteration(project=project, head=factories.make_head(*sorted(tags)), metrics={}) for tags in TAGS.values()
    ]
    publish(iteration=iterations[0], by=None)
    photo = factories.make_photo()

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(_ask, project.pk, user, photo) for _ in range(10)]
        answers[0].result()
        publish(iteration=iterations[1], by=None)
        answers += [pool.submit(_ask, project.pk, user, photo) for _ in range(10)]
        given = [answer.result() for answer in answers]

    for prediction in given:
        assert {tag for tag, _ in prediction.probabilities} == TAGS[prediction.iteration_name]
    assert {prediction.iteration_name for prediction in given[10:]} == {"Iteration 3"}
    assert given[0].iteration_name == "Iteration 2"


def _ask(project_id: int, user: User, photo: bytes) -> Prediction:
    try:
        project = Project.objects.select_related("live_iteration").get(pk=project_id)
        return predict(photo=factories.admit(photo), project=project, by=user)
    finally:
        connection.close()
