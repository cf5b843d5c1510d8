"""The form of the page."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Case, When
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from catalog.refusals import refusal_sentence
from engine import images
from engine.exceptions import RefusedPicture
from training.models import Project


class PhotoForm(forms.Form):
    """A photo, and the project that is to answer."""

    photo = forms.FileField(
        label=_("Browse local files"),
        error_messages={"required": _("Choose a photo first."), "empty": _("This file is empty.")},
        widget=forms.FileInput(attrs={"accept": "image/jpeg"}),
    )
    project = forms.ModelChoiceField(
        label=_("Project"),
        queryset=Project.objects.none(),
        empty_label=None,
        error_messages={"invalid_choice": _("This project does not answer any more: choose another.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        preferred_first = Case(When(name__iexact=settings.CLASSIFR_PROJECT, then=0), default=1)
        projects = Project.objects.answering().select_related("live_iteration").order_by(preferred_first, "name")
        # What was measured is hundreds of numbers, and no matter to an answer.
        projects = projects.defer("live_iteration__metrics", "live_iteration__settings")
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]

    @cached_property
    def choices(self) -> list[Project]:
        """The projects that can answer, the one to offer first before the others."""
        return list(self.fields["project"].queryset)  # type: ignore[attr-defined]

    def clean_photo(self) -> images.AdmittedPicture:
        upload: UploadedFile = self.cleaned_data["photo"]
        try:
            return _admitted(upload)
        except RefusedPicture as exc:
            raise forms.ValidationError(refusal_sentence(exc), code=exc.reason) from exc


def _admitted(upload: UploadedFile) -> images.AdmittedPicture:
    images.check_byte_size(upload.size or 0, limits=images.PAGE_PHOTO)
    with upload:  # closed, it lets go of its own copy
        content: bytes = upload.read()
    return images.admit(content, limits=images.PAGE_PHOTO)
