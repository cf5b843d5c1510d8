"""Forms of the developers' pages on programs."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.keys import end_of, is_name_used
from accounts.models import ApiKey
from training.models import Project


class ProjectField(forms.ModelChoiceField[Project]):
    """A project, by the id that programs know."""

    def __init__(self, **options: Any) -> None:
        gone = {"invalid_choice": gettext_lazy("This project no longer exists.")}
        super().__init__(
            label=gettext_lazy("Project"),
            queryset=Project.objects.active().order_by("name"),
            to_field_name="uid",
            required=False,
            error_messages=gone,
            **options,
        )

    def to_python(self, value: Any) -> Project | None:
        try:
            return super().to_python(value)
        except forms.ValidationError as exc:  # what is no id is told in other words
            raise forms.ValidationError(self.error_messages["invalid_choice"]) from exc


class KeyForm(forms.Form):
    """A new key."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=100,
        help_text=gettext_lazy("Which program it is for, so that you know later what stops when it is revoked."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scope = forms.ChoiceField(
        label=gettext_lazy("Rights"),
        choices=ApiKey.Scope.choices,
        initial=ApiKey.Scope.PREDICTION,
        help_text=gettext_lazy("A program that only classifies photos needs no more than prediction."),
    )
    project = ProjectField(
        empty_label=gettext_lazy("All projects"),
        help_text=gettext_lazy("With one project, it neither sees nor makes others."),
    )
    expires_on = forms.DateField(
        label=gettext_lazy("Last day"),
        required=False,
        help_text=gettext_lazy("It works until the end of that day; empty: until it is revoked."),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def clean_name(self) -> str:
        """Refuse the name of a key that works: so a form that is sent twice makes one key."""
        name: str = self.cleaned_data["name"]
        if is_name_used(name):
            raise forms.ValidationError(_("A key of that name works already. Choose another name, or revoke that one."))
        return name

    def clean_expires_on(self) -> date | None:
        last_day: date | None = self.cleaned_data["expires_on"]
        if last_day and not timezone.localdate() <= last_day <= date(9999, 12, 30):
            raise forms.ValidationError(_("Choose today or a later day."))
        return last_day

    @property
    def expires_at(self) -> datetime | None:
        """The end of its last day, as the server's clock has it."""
        last_day = self.cleaned_data["expires_on"]
        return end_of(last_day) if last_day else None


class ConnectForm(forms.Form):
    """The project whose names stand in the examples."""

    project = ProjectField(empty_label=None, widget=forms.Select(attrs={"class": "form-select"}))
