"""Forms of corrections and of the review page."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from classifier.models import Prediction
from feedback.models import OTHER, Misprediction, MispredictionQuerySet

MOST_USERS = 200
"""That the filter suggests; others can be typed."""


class RightTagForm(forms.Form):
    """What the photo really shows, as its sender sees it."""

    suggested_tag = forms.ChoiceField(label=_("Right tag"), required=False)
    comment = forms.CharField(
        label=_("Comment"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, prediction: Prediction, **kwargs: Any) -> None:
        kwargs["auto_id"] = f"id_{prediction.pk}_%s"  # a page may hold several
        super().__init__(*args, **kwargs)
        names = sorted(row.tag for row in prediction.rows)
        self.fields["suggested_tag"].choices = [  # type: ignore[attr-defined]
            ("", _("I do not know")),
            *((name, name) for name in names),
            (OTHER, _("other")),
        ]


class ReviewFilterForm(forms.Form):
    """The filters of the review page, as they stand in its address."""

    tag = forms.ChoiceField(label=_("Tag"), required=False)
    user = forms.CharField(
        label=_("User"), required=False, max_length=150, widget=forms.TextInput(attrs={"list": "users"})
    )
    iteration = forms.ChoiceField(label=_("Iteration"), required=False)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field, column in (("tag", "tag"), ("iteration", "iteration_name")):
            names = Misprediction.objects.names(column)
            self.fields[field].choices = [("", _("All")), *((name, name) for name in names)]  # type: ignore[attr-defined]
        self.users = Misprediction.objects.names("username", limit=MOST_USERS)

    def apply(self) -> MispredictionQuerySet:
        """Return what the filters let through; a filter that is not valid lets everything through."""
        mispredictions = Misprediction.objects.in_review()
        self.is_valid()
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        for name, column in (("tag", "tag"), ("user", "username"), ("iteration", "iteration_name")):
            if name in chosen:
                mispredictions = mispredictions.filter(**{column: chosen[name]})
        if "since" in chosen:
            mispredictions = mispredictions.since(chosen["since"])
        return mispredictions.until(chosen["until"]) if "until" in chosen else mispredictions
