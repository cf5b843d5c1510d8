"""The form of the page."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from catalog.refusals import refusal_sentence
from engine import images
from engine.exceptions import RefusedPicture
from training.models import Project


class OnePhotoForm(forms.Form):
    """A photo."""

    photo = forms.FileField(
        label=_("Browse local files"),
        error_messages={"required": _("Choose a photo first."), "empty": _("This file is empty.")},
        widget=forms.FileInput(attrs={"accept": "image/jpeg"}),
    )

    def clean_photo(self) -> images.AdmittedPicture:
        upload: UploadedFile = self.cleaned_data["photo"]
        try:
            return _admitted(upload)
        except RefusedPicture as exc:
            raise forms.ValidationError(refusal_sentence(exc), code=exc.reason) from exc


class PhotoForm(OnePhotoForm):
    """A photo, and the project that is to answer: one of those that the user may use."""

    project = forms.ModelChoiceField(
        queryset=Project.objects.none(),
        empty_label=None,
        widget=forms.Select(attrs={"class": "form-select"}),
        error_messages={"invalid_choice": _("This project does not answer any more: choose another.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        projects = Project.objects.visible_to(user).answering().select_related("live_iteration")
        # What was measured is hundreds of numbers, and no matter to an answer.
        projects = projects.defer("live_iteration__metrics", "live_iteration__settings")
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]

    @cached_property
    def choices(self) -> list[Project]:
        """The projects that can answer, the default before the others."""
        return list(self.fields["project"].queryset)  # type: ignore[attr-defined]

    @cached_property
    def chosen(self) -> Project | None:
        """The project that is selected: the one that was posted or is wanted if it can answer, else the first."""
        wanted = str(self["project"].value())
        return next((each for each in self.choices if str(each.pk) == wanted), next(iter(self.choices), None))


def _admitted(upload: UploadedFile) -> images.AdmittedPicture:
    images.check_byte_size(upload.size or 0, limits=images.PAGE_PHOTO)
    with upload:  # closed, it lets go of its own copy
        content: bytes = upload.read()
    return images.admit(content, limits=images.PAGE_PHOTO)
