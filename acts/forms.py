"""The filters of the log, as they stand in its address."""

from datetime import datetime, time
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from acts.models import Act, ActQuerySet
from acts.verbs import verbs


class ActFilterForm(forms.Form):
    """Who, what, when, and to which thing."""

    name = forms.CharField(label=_("Who"), required=False, max_length=150)
    verb = forms.ChoiceField(label=_("What"), required=False)
    kind = forms.CharField(label=_("Kind of thing"), required=False, max_length=50)
    object_id = forms.CharField(label=_("Its number"), required=False, max_length=64)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(name, verbs.get(name).title) for name in verbs.names()]
        self.fields["verb"].choices = [("", _("All")), *known]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> dict[str, Any]:
        """The filters that are set; one that is not valid lets everything through."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}

    @property
    def query(self) -> str:
        """The filters, as an address has them."""
        return urlencode({name: self.data[name] for name in self.chosen})

    def apply(self) -> ActQuerySet:
        """Return what the filters let through."""
        chosen = self.chosen
        acts = Act.objects.all()
        for field in ("name", "verb"):
            if field in chosen:
                acts = acts.filter(**{field: chosen[field]})
        thing = {f"objects_changed__{field}": chosen[field] for field in ("kind", "object_id") if field in chosen}
        if thing:
            acts = acts.filter(**thing).distinct()
        if "since" in chosen:
            acts = acts.filter(happened_at__gte=_begin(chosen["since"], time.min))
        return acts.filter(happened_at__lte=_begin(chosen["until"], time.max)) if "until" in chosen else acts


def _begin(day: Any, at: time) -> datetime:
    return timezone.make_aware(datetime.combine(day, at))
