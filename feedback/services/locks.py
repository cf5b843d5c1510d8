"""Who changes a prediction or what is in review waits for whoever does. In this order: prediction, review, picture."""

from classifier.models import Prediction
from feedback.models import Misprediction, MispredictionQuerySet


def lock(prediction: Prediction) -> None:
    """Let those who judge, withdraw or delete it wait for each other. Raises Prediction.DoesNotExist."""
    Prediction.objects.select_for_update().only("pk").get(pk=prediction.pk)


def locked(mispredictions: MispredictionQuerySet) -> MispredictionQuerySet:
    """Return those that are found, with their pictures, once whoever changes them has finished; by rising key."""
    return mispredictions.select_for_update(of=("self",)).select_related("picture").order_by("pk")


def locked_one(mispredictions: MispredictionQuerySet) -> Misprediction | None:
    """Return the one that is found; None if it is gone."""
    return locked(mispredictions).first()
