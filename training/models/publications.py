"""What answered when."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from training.models.iterations import Iteration
from training.models.projects import Project
from training.names import LONGEST_NAME


class Publication(models.Model):
    """A line of the log of what answered when. Written once, never changed."""

    class Act(models.TextChoices):
        PUBLISH = "publish", _("published")
        UNPUBLISH = "unpublish", _("unpublished")
        ROLLBACK = "rollback", _("brought back")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="publications")
    act = models.CharField(max_length=10, choices=Act)
    iteration = models.ForeignKey(Iteration, on_delete=models.SET_NULL, null=True, related_name="publications")
    iteration_name = models.CharField(max_length=LONGEST_NAME, help_text="Stays when the iteration is deleted.")
    publish_name = models.CharField(max_length=LONGEST_NAME)
    replaced = models.ForeignKey(
        Iteration, on_delete=models.SET_NULL, null=True, related_name="+", help_text="What was live before."
    )
    replaced_name = models.CharField(max_length=LONGEST_NAME, blank=True)
    reason = models.TextField(blank=True, help_text="Why: what the person said, and what was compared.")
    user = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    username = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("publication")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(publish_name=""), name="publication_has_a_publish_name"),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.iteration_name}"
