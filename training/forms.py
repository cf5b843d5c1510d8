"""Forms of projects, tags, images and uploads."""

import re
from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import DEVELOPERS, User
from engine.splitting import Part
from training import backends
from training.models import Image, ImageQuerySet, Project, Tag
from training.uploads import BATCH

ENGINES = {"local": gettext_lazy("Classifr"), "customvision": gettext_lazy("Azure Custom Vision")}
"""What people call the backends; one that is not here goes by its own name."""
UNTAGGED = "none"
MOST_SUGGESTED = 200
"""People whose names are suggested; others can be typed."""
CHOOSE_IMAGES = gettext_lazy("Choose at least one image, perhaps they are gone already.")


class ProjectSettingsForm(forms.ModelForm[Project]):
    """What can be changed of a project: its domain as long as it has no images."""

    class Meta:
        model = Project
        fields = ["name", "description", "domain"]
        labels = {
            "name": gettext_lazy("Name"),
            "description": gettext_lazy("Description"),
            "domain": gettext_lazy("Domain"),
            "type": gettext_lazy("Type"),
        }
        help_texts = {"domain": gettext_lazy("What the pictures show: it picks the network that looks at them.")}
        widgets = {"description": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk and self.instance.images.exists():
            self.fields["domain"].disabled = True
            self.fields["domain"].help_text = _("A project that has images keeps its domain.")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Project.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("There is a project of that name already."))
        return name


class AccessForm(forms.Form):
    """Who may use a project, and whether it is offered first."""

    is_open = forms.TypedChoiceField(
        label=gettext_lazy("Who may use it"),
        choices=[("yes", gettext_lazy("Everybody who signs in")), ("no", gettext_lazy("These people and groups"))],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    groups = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Groups"),
        # Developers may use every project.
        queryset=Group.objects.exclude(name=DEVELOPERS).order_by("name"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    users = forms.ModelMultipleChoiceField(
        label=gettext_lazy("People"),
        queryset=User.objects.all(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    more = forms.CharField(
        label=gettext_lazy("Add people"),
        help_text=gettext_lazy("Usernames, with commas between."),
        required=False,
        widget=forms.TextInput(attrs={"list": "people", "autocomplete": "off"}),
    )
    is_default = forms.BooleanField(label=gettext_lazy("Offered first to whoever may use it"), required=False)

    def __init__(self, data: Any = None, *, project: Project) -> None:
        granted = project.granted_users
        initial = {
            "is_open": "yes" if project.is_open else "no",
            "groups": project.granted_groups,
            "users": granted,
            "is_default": project.is_default,
        }
        super().__init__(data, initial=initial)
        self.fields["users"].choices = [(user.pk, user.username) for user in granted]  # type: ignore[attr-defined]
        others = User.objects.filter(is_active=True).exclude(pk__in=granted).order_by("username")
        self.suggested = list(others.values_list("username", flat=True)[:MOST_SUGGESTED])

    def clean_more(self) -> list[User]:
        names = list(dict.fromkeys(filter(None, map(str.strip, self.cleaned_data["more"].split(",")))))
        known = {user.username: user for user in User.objects.filter(username__in=names)}
        if unknown := [name for name in names if name not in known]:
            sentence = ngettext("There is no user %(names)s.", "There are no users %(names)s.", len(unknown))
            raise forms.ValidationError(sentence % {"names": ", ".join(unknown)})
        return list(known.values())

    @property
    def people(self) -> set[User]:
        """All who are named: those who were, and those who are added."""
        return {*self.cleaned_data["users"], *self.cleaned_data["more"]}


class ProjectForm(ProjectSettingsForm):
    """A new project."""

    backend = forms.ChoiceField(label=gettext_lazy("Engine"), initial="local")

    class Meta(ProjectSettingsForm.Meta):
        fields = ["name", "description", "domain", "type", "backend"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = backends.registry.names()
        self.fields["backend"].choices = [(name, ENGINES.get(name, name)) for name in names]  # type: ignore[attr-defined]


_ONE_NAME = forms.CharField(max_length=200)


class TagsForm(forms.Form):
    """Names of tags to be made: as a person types them or, from our script, each in a field `name` of its own."""

    names = forms.CharField(
        label=gettext_lazy("New tags"),
        help_text=gettext_lazy("One a line, or with commas between."),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    is_negative = forms.BooleanField(
        label=gettext_lazy("Negative: for images that show none of the others"), required=False
    )

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project

    def clean_names(self) -> list[str]:
        exact = self.data.getlist("name") if isinstance(self.data, QueryDict) else []
        names = exact or re.split(r"[,\n]", self.cleaned_data["names"])
        cleaned = [_ONE_NAME.clean(name) for name in names if name.strip()]
        if not cleaned:
            raise forms.ValidationError(_("Give at least one name."))
        return cleaned

    def clean(self) -> dict[str, Any]:
        names = self.cleaned_data.get("names", [])
        if self.cleaned_data.get("is_negative"):
            others = self.project.tags.filter(type=Tag.Type.NEGATIVE)
            if len(names) > 1 or others.exclude(name__iexact="".join(names)).exists():
                raise forms.ValidationError(_("A project has one negative tag at most."))
        return self.cleaned_data

    @property
    def type(self) -> str:
        return Tag.Type.NEGATIVE if self.cleaned_data["is_negative"] else Tag.Type.REGULAR


class TagListForm(forms.Form):
    """Which tags are shown, and in which order."""

    class Sort(models.TextChoices):
        NAME = "name", gettext_lazy("by name")
        COUNT = "count", gettext_lazy("by number of images")
        RECALL = "recall", gettext_lazy("by recall, the lowest first")

    q = forms.CharField(label=gettext_lazy("Search"), required=False, widget=forms.TextInput(attrs={"type": "search"}))
    sort = forms.ChoiceField(label=gettext_lazy("Order"), choices=Sort.choices, required=False)

    @property
    def wanted(self) -> tuple[str, str]:
        """What the names contain, and the order; what is not valid is as if it were not there."""
        self.is_valid()
        return self.cleaned_data.get("q", ""), self.cleaned_data.get("sort") or self.Sort.NAME


class TagNameForm(forms.Form):
    """Another name for a tag."""

    name = forms.CharField(max_length=200, error_messages={"required": gettext_lazy("Give the tag a name.")})

    def __init__(self, *args: Any, tag: Tag, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tag = tag

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Tag.objects.filter(project=self.tag.project_id, name__iexact=name).exclude(pk=self.tag.pk).exists():
            raise forms.ValidationError(_("The project has a tag of that name already."))
        return name


class ManyFilesInput(forms.FileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Any number of files; each is judged by itself later, so that a bad one keeps no other out."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = list(data or [])
        if not files:
            raise forms.ValidationError(_("Choose at least one image."))
        if len(files) > BATCH:
            found = ngettext("%(count)s image", "%(count)s images", len(files)) % {"count": len(files)}
            raise forms.ValidationError(_("%(found)s at once; at most %(limit)s.") % {"found": found, "limit": BATCH})
        return files


class UploadForm(forms.Form):
    """Pictures for a project."""

    files = ManyFilesField()  # type: ignore[assignment]  # the metaclass takes it off the class
    tag = forms.ModelChoiceField(
        label=gettext_lazy("Tag name"),
        queryset=Tag.objects.none(),
        required=False,
        empty_label=gettext_lazy("No tag"),
        error_messages={"invalid_choice": gettext_lazy("The project has no such tag any more.")},
    )
    held_out = forms.BooleanField(label=gettext_lazy("Only to measure on: training never sees them"), required=False)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tag"].queryset = project.tags.all()  # type: ignore[attr-defined]


class ZipForm(UploadForm):
    """A ZIP of folders for a project."""

    files = None  # type: ignore[assignment]
    zip = forms.FileField(
        allow_empty_file=True,
        error_messages={"required": gettext_lazy("Choose a ZIP."), "invalid": gettext_lazy("Choose a ZIP.")},
    )
    as_tags = forms.BooleanField(required=False)
    confirmed = forms.BooleanField(required=False)
    make_tags = forms.BooleanField(required=False)


class RetagForm(forms.Form):
    """A tag for the images that are selected."""

    tag = forms.ModelChoiceField(
        queryset=Tag.objects.none(),
        required=False,
        to_field_name="name",
        widget=forms.TextInput,
        error_messages={"invalid_choice": gettext_lazy("The project has no such tag.")},
    )
    untag = forms.BooleanField(required=False)

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.project = project
        self.fields["tag"].queryset = project.tags.all()  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        takes_the_only_one = self.cleaned_data.get("untag") and not self.project.is_multilabel
        if not self.errors and self.cleaned_data["tag"] is None and not takes_the_only_one:
            raise forms.ValidationError(_("Choose a tag."))
        return self.cleaned_data


class ImageFilterForm(forms.Form):
    """The filters of the images, as they stand in the address."""

    tag = forms.ChoiceField(label=gettext_lazy("Tag name"), required=False)
    held_out = forms.BooleanField(label=gettext_lazy("Only to measure on"), required=False)
    quarantined = forms.BooleanField(label=gettext_lazy("In quarantine"), required=False)

    def __init__(self, *args: Any, project: Project, tags: list[Tag], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.auto_id = "id_filter_%s"  # the page has fields of uploads too
        self.project = project
        self.fields["tag"].choices = [  # type: ignore[attr-defined]
            ("", _("All")),
            ("any", _("With a tag")),
            (UNTAGGED, _("Without a tag")),
            *((str(tag.pk), tag.name) for tag in tags),
        ]

    def apply(self) -> ImageQuerySet:
        """Return what the filters let through; a filter that is not valid lets everything through."""
        self.is_valid()
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        images = self._tagged_so(Image.objects.filter(project=self.project), chosen.get("tag", ""))
        if "held_out" in chosen:
            images = images.filter(part=Part.HELD_OUT.value)
        return images.exclude(quarantine="") if "quarantined" in chosen else images

    def _tagged_so(self, images: ImageQuerySet, tag: str) -> ImageQuerySet:
        if not tag:
            return images
        if tag == UNTAGGED:
            return images.untagged()
        return images.tagged() if tag == "any" else images.with_tag(int(tag))
