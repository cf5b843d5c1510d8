"""What the Custom Vision API has of a project."""

from django.utils.translation import gettext_lazy as _

from customvision.models import StoredPrediction
from training.models import Project


class StoredAnswers:
    """Answers to programs that are stored with their pictures."""

    noun = _("Stored answers to programs")

    def count(self, project: Project) -> int:
        return StoredPrediction.objects.filter(project=project).count()

    def forget(self, project: Project) -> list[int]:
        rows = StoredPrediction.objects.filter(project=project)
        pictures = list(rows.values_list("picture_id", flat=True))
        rows.delete()
        return pictures
