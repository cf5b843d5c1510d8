"""Forms of corrections and of the review page."""

from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise, cached_property
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from classifier.models import Prediction
from feedback.models import Misprediction, MispredictionQuerySet
from feedback.services.gestures import GESTURES, Gesture
from training.models import Project
from training.names import same_name
from web.paging import NEWEST_FIRST, Order

MOST_USERS = 200
"""That the filter suggests; others can be typed."""


MOST_LIKELY = 4
"""Tags that have a button each."""
S = Misprediction.State
_NAMED = {"tag": "tag", "offered": "offered_tag", "iteration": "iteration_name"}
"""Filters whose choices are what rows have in a column."""
_LOOKUPS = {
    **_NAMED,
    "project": "project",
    "source": "source",
    "user": "username",
    "least": "probability__gte",
    "most": "probability__lte",
}
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
    """Which wrong predictions, and in which order, as it stands in the page's address."""

    ORDERS: ClassVar[dict[str, tuple[Order, str | Promise]]] = {
        "": (NEWEST_FIRST, _("Newest")),
        "confident": (Order("probability"), _("Most confident")),
        "doubtful": (Order("probability", is_rising=True), _("Most doubtful")),
    }

    state = forms.ChoiceField(choices=S.choices, required=False, widget=forms.HiddenInput)
    project = forms.ModelChoiceField(Project.objects.none(), label=_("Project"), required=False, empty_label=_("All"))
    source = forms.ChoiceField(
        label=_("Asked by"), required=False, choices=[("", _("All")), *Misprediction.Source.choices]
    )
    tag = forms.ChoiceField(label=_("Tag"), required=False)
    offered = forms.ChoiceField(label=_("Suggested tag"), required=False)
    user = forms.CharField(
        label=_("User"), required=False, max_length=150, widget=forms.TextInput(attrs={"list": "users"})
    )
    iteration = forms.ChoiceField(label=_("Iteration"), required=False)
    least = forms.DecimalField(label=_("Probability from (%)"), required=False, min_value=0, max_value=100)
    most = forms.DecimalField(label=_("Probability to (%)"), required=False, min_value=0, max_value=100)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    order = forms.ChoiceField(label=_("Order"), required=False)

    def __init__(self, data: QueryDict, *, user: User) -> None:
        super().__init__(data)
        asked = data.get("state", "")
        self.shown_state = S(asked) if asked in S.values else S.OPEN
        self._visible = Misprediction.objects.visible_to(user)
        projects = Project.objects.visible_to(user).order_by("name")
        keys = [project.pk for project in projects]
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]
        for field, column in _NAMED.items():
            names = filter(None, Misprediction.objects.names(column, projects=keys, state=self.shown_state))
            self.fields[field].choices = [("", _("All")), *((name, name) for name in names)]  # type: ignore[attr-defined]
        self.fields["order"].choices = [(name, text) for name, (_order, text) in self.ORDERS.items()]  # type: ignore[attr-defined]
        self.users = Misprediction.objects.names("username", projects=keys, state=self.shown_state, limit=MOST_USERS)
        self.is_valid()
        self._chosen = {name: value for name, value in self.cleaned_data.items() if value not in {None, ""}}

    @property
    def ordering(self) -> Order:
        return self.ORDERS[self._chosen.get("order", "")][0]

    @property
    def is_filtered(self) -> bool:
        return bool(self._chosen.keys() - {"state", "order"})

    @property
    def query(self) -> str:
        """The filters, the state and the order, as an address has them."""
        return urlencode({name: self.data[name] for name in self.fields if self.data.get(name)})

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many there are of each state, and in the bin, whatever the filters."""
        return self._visible.counts()

    def apply(self) -> MispredictionQuerySet:
        """Return what the filters let through, in that state; a filter that is not valid lets everything through."""
        rows = self._visible.with_state(self.shown_state)
        for name, lookup in _LOOKUPS.items():
            if name in self._chosen:
                rows = rows.filter(**{lookup: self._chosen[name]})
        if "since" in self._chosen:
            rows = rows.since(self._chosen["since"])
        return rows.until(self._chosen["until"]) if "until" in self._chosen else rows


class GestureForm(forms.Form):
    """What is to be done with the wrong predictions that are chosen."""

    act = forms.ChoiceField(choices=[(name, name) for name in sorted(GESTURES)])
    tag = forms.CharField(required=False, max_length=200)
    dismissal = forms.ChoiceField(required=False, choices=[("", ""), *Misprediction.Dismissal.choices])
    seen = forms.ChoiceField(required=False, choices=S.choices)
    may_create = forms.BooleanField(required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        if cleaned.get("act") == "correct" and not cleaned.get("tag"):
            raise forms.ValidationError(_("Name the right tag."))
        if cleaned.get("act") == "dismiss" and not cleaned.get("dismissal"):
            raise forms.ValidationError(_("Say why there is nothing to learn from it."))
        return cleaned

    def gesture(self, user: User) -> Gesture:
        """Return it; tags are made for developers alone."""
        may_create = self.cleaned_data["may_create"] and user.has_perm("accounts.develop")
        return Gesture(**{**self.cleaned_data, "seen": self.cleaned_data["seen"] or S.OPEN, "may_create": may_create})
