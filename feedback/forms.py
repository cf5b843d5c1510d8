"""Forms of corrections and of the review page."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from classifier.models import Prediction
from feedback.models import Misprediction, MispredictionQuerySet
from training.models import Project
from training.names import same_name

MOST_USERS = 200
"""That the filter suggests; others can be typed."""


MOST_LIKELY = 4
"""Tags that have a button each."""
_S = Misprediction.Suggestion


class RightTagForm(forms.Form):
    """What the photo really shows, as its sender sees it: a tag, or none, or nothing that could be seen."""

    tag = forms.CharField(required=False, max_length=200)
    suggestion = forms.ChoiceField(required=False, choices=[("", ""), (_S.NONE, ""), (_S.UNUSABLE, "")])

    def __init__(self, *args: Any, prediction: Prediction, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [row.tag for row in prediction.rows]
        self._wrong = "" if prediction.project.is_multilabel else names[0]
        right = [name for name in names if name != self._wrong]
        self.likely = right[:MOST_LIKELY]
        self.others = sorted(right[MOST_LIKELY:])

    def clean_tag(self) -> str:
        typed: str = self.cleaned_data["tag"]
        if typed and same_name(typed) == same_name(self._wrong):
            raise forms.ValidationError(_("You said that %(tag)s is wrong: name another tag."), params={"tag": typed})
        known = [name for name in (*self.likely, *self.others) if same_name(name) == same_name(typed)]
        if typed and not known:
            raise forms.ValidationError(_("%(tag)s is not a tag of this project."), params={"tag": typed})
        return known[0] if known else ""

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if not self.errors and bool(cleaned["tag"]) == bool(cleaned["suggestion"]):
            raise forms.ValidationError(_("Name a tag, or say that there is none."))
        return {"suggested_tag": cleaned.get("tag", ""), "suggestion": cleaned.get("suggestion") or _S.TAG}


class CommentForm(forms.Form):
    """What the sender has to say besides."""

    comment = forms.CharField(
        label=_("Comment"), required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, *args: Any, prediction: Prediction, **kwargs: Any) -> None:
        kwargs["auto_id"] = f"id_{prediction.pk}_%s"  # a page may hold several
        super().__init__(*args, **kwargs)


class ReviewFilterForm(forms.Form):
    """The filters of the review page, as they stand in its address."""

    tag = forms.ChoiceField(label=_("Tag"), required=False)
    user = forms.CharField(
        label=_("User"), required=False, max_length=150, widget=forms.TextInput(attrs={"list": "users"})
    )
    iteration = forms.ChoiceField(label=_("Iteration"), required=False)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._visible = Misprediction.objects.visible_to(user).in_review()
        projects = list(Project.objects.visible_to(user).values_list("pk", flat=True))
        for field, column in (("tag", "tag"), ("iteration", "iteration_name")):
            names = Misprediction.objects.names(column, projects=projects)
            self.fields[field].choices = [("", _("All")), *((name, name) for name in names)]  # type: ignore[attr-defined]
        self.users = Misprediction.objects.names("username", projects=projects, limit=MOST_USERS)

    def apply(self) -> MispredictionQuerySet:
        """Return what the filters let through; a filter that is not valid lets everything through."""
        mispredictions = self._visible
        self.is_valid()
        chosen = {name: value for name, value in self.cleaned_data.items() if value}
        for name, column in (("tag", "tag"), ("user", "username"), ("iteration", "iteration_name")):
            if name in chosen:
                mispredictions = mispredictions.filter(**{column: chosen[name]})
        if "since" in chosen:
            mispredictions = mispredictions.since(chosen["since"])
        return mispredictions.until(chosen["until"]) if "until" in chosen else mispredictions
