"""What the review has of a project."""

from django.utils.translation import gettext_lazy as _

from classifier.models import Prediction
from feedback.models import Misprediction
from training.models import Project


class ReviewedPhotos:
    """Photos called wrong, in review and in the bin."""

    noun = _("Photos called wrong")

    def count(self, project: Project) -> int:
        return Misprediction.objects.filter(project=project).count()

    def forget(self, project: Project) -> list[int]:
        # Whoever gives a verdict locks its prediction first: none comes in between, and none is waited for crosswise.
        list(Prediction.objects.select_for_update().filter(project=project).order_by("pk").values_list("pk"))
        rows = Misprediction.objects.filter(project=project)
        pictures = list(rows.values_list("picture_id", flat=True))
        rows.delete()
        return pictures
