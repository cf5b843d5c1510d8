"""Make and delete projects and tags."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.models import User
from catalog.exceptions import StorageUnavailable
from catalog.models import Picture
from catalog.services import discard_picture
from jobs.exceptions import JobFailed
from jobs.progress import Progress
from jobs.services import queue_job
from training.backends import get_mirror, get_trainer
from training.exceptions import CannotConvert, Refused
from training.models import Project, Tag
from training.names import clean_name, same_name
from training.owners import all_owners
from training.services import tagging

logger = logging.getLogger(__name__)

MOST_TAGS = 500


def create_project(
    *,
    name: str,
    description: str = "",
    domain: str = Project.Domain.GENERAL,
    type: str = Project.Type.MULTICLASS,
    backend: str = "local",
    api_settings: Mapping[str, Any] | None = None,
    uid: UUID | None = None,
) -> Project:
    """Make a project here, and its counterpart where it is mirrored.

    uid: the id by which programs know it already; None: a new one.
    """
    project = Project(
        name=clean_name(name),
        description=description,
        domain=domain,
        type=type,
        backend=backend,
        api_settings=dict(api_settings or {}),
        uid=uid or uuid4(),
    )
    trainer = get_trainer(backend)
    _check(project)
    if domain not in {each.name for each in trainer.domains()}:
        raise Refused(_("The domain %(name)s is not known to this engine.") % {"name": domain})
    if trainer.mirror:
        trainer.mirror.create_project(project)
    with _refusing_conflicts(project):
        project.save()
    logger.info("Created project=%s backend=%s", project.pk, backend)
    return project


def change_project(
    project: Project,
    *,
    name: str | None = None,
    description: str | None = None,
    domain: str | None = None,
    type: str | None = None,
    api_settings: Mapping[str, Any] | None = None,
) -> None:
    """Change what is given of a project; iterations keep what they were trained with. Raises Refused.

    Another domain or type is for the next training: pictures get vectors of the other backbone first. A project whose
    images have several tags cannot become Multiclass, and one that is mirrored elsewhere keeps its domain and type.
    """
    given = {"name": name, "description": description, "domain": domain, "type": type, "api_settings": api_settings}
    changed = {field: value for field, value in given.items() if value not in (None, getattr(project, field))}
    if changed.keys() & {"domain", "type"} and get_mirror(project):
        raise CannotConvert(_("The domain and the type of this project are not ours to change."))
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=project.pk)
        for field, value in changed.items():
            setattr(project, field, value)
        project.name = clean_name(project.name)
        _check(project)
        if "type" in changed:
            tagging.follow_type(project)
        with _refusing_conflicts(project):
            project.save(update_fields=[*changed, "modified_at"])


@transaction.atomic
def set_default(project: Project, *, is_default: bool) -> None:
    """Offer the project first to whoever may use it, in place of the one that was; or do so no more."""
    if is_default:
        Project.objects.select_for_update().filter(is_default=True).exclude(pk=project.pk).update(is_default=False)
    project.is_default = is_default
    project.save(update_fields=["is_default"])


def archive_project(project: Project) -> None:
    """Take the project out of lists and pickers; nothing is deleted, and what it published answers programs."""
    project.archived_at = timezone.now()
    project.save(update_fields=["archived_at"])
    logger.info("Archived project=%s", project.pk)


def unarchive_project(project: Project) -> None:
    """Bring the project back into lists and pickers."""
    project.archived_at = None
    project.save(update_fields=["archived_at"])
    logger.info("Unarchived project=%s", project.pk)


def delete_project(project: Project, *, by: User | None) -> None:
    """Delete the project with its tags, images, iterations and log, and what owners have; a job erases the pictures.

    Raises Refused while something is published.
    """
    published = project.iterations.published().first()
    if published:
        raise Refused(
            _("%(name)s is published as %(publish_name)s: unpublish it first.")
            % {"name": published.name, "publish_name": published.publish_name}
        )
    if mirror := get_mirror(project):
        mirror.delete_project(project)
    with transaction.atomic():
        pictures = set(project.images.values_list("picture_id", flat=True))
        for owner in all_owners():
            pictures.update(owner.forget(project))
        Project.objects.filter(pk=project.pk).update(live_iteration=None)
        Project.objects.get(pk=project.pk).delete()
        queue_discarding(pictures, project=project, by=by)
    logger.info("Deleted project=%s pictures=%s", project.pk, len(pictures))


def queue_discarding(pictures: Iterable[int], *, project: Project, by: User | None) -> None:
    """Have the pictures erased that nothing points at any more, once the transaction is committed."""
    title = gettext_noop("Erase the pictures of %(project)s")
    queue_job("discard", title=title, values={"project": project}, arguments={"pictures": list(pictures)}, by=by)


def run_discarding(progress: Progress, *, pictures: Sequence[int]) -> dict[str, int]:
    """Do the work of the job that `queue_discarding` queues: erase the pictures that nothing points at any more."""
    erased = 0
    try:
        for pk in progress.over(pictures, _("Erasing pictures"), total=len(pictures)):
            picture = Picture.objects.filter(pk=pk).first()
            erased += picture is not None and discard_picture(picture)
    except StorageUnavailable as exc:
        raise JobFailed(str(exc)) from exc
    return {"erased": erased}


def create_tags(
    *, project: Project, names: Sequence[str], type: str = Tag.Type.REGULAR, description: str = ""
) -> tuple[list[Tag], list[Tag]]:
    """Make the tags that are not there yet; return the new ones, and those that were there."""
    wanted = {same_name(name): clean_name(name) for name in names}
    existing = {same_name(tag.name): tag for tag in project.tags.all()}
    if len(existing) + len(wanted.keys() - existing.keys()) > MOST_TAGS:
        raise Refused(_("A project has at most %(limit)s tags.") % {"limit": MOST_TAGS})
    made = [
        Tag(project=project, name=name, type=type, description=description)
        for key, name in wanted.items()
        if key not in existing
    ]
    for tag in made:
        _check(tag)
    if type == Tag.Type.NEGATIVE and len(made) > 1:
        raise Refused(_("A project has one negative tag at most."))
    if made:
        if mirror := get_mirror(project):
            mirror.create_tags(made)
        with _refusing_conflicts(made[0]):
            Tag.objects.bulk_create(made)
        logger.info("Created tags=%s project=%s", len(made), project.pk)
    return made, [existing[key] for key in wanted if key in existing]


def rename_tag(tag: Tag, *, name: str) -> None:
    """Give the tag another name; iterations keep the one that they were trained with."""
    tag.name = clean_name(name)
    _check(tag)
    if mirror := get_mirror(tag.project):
        mirror.rename_tag(tag)
    with _refusing_conflicts(tag):
        tag.save(update_fields=["name"])


def change_tag(tag: Tag, *, name: str | None = None, description: str | None = None, type: str | None = None) -> None:
    """Change what is given of a tag. Raises Refused; a tag that images have keeps its type."""
    if type is not None and type != tag.type and tag.image_tags.exists():
        raise CannotConvert(_("The tag has images, and keeps its type."))
    tag.description = tag.description if description is None else description
    tag.type = type or tag.type
    _check(tag)
    if name is not None and clean_name(name) != tag.name:
        rename_tag(tag, name=name)
    with _refusing_conflicts(tag):
        tag.save(update_fields=["description", "type"])


def delete_tag(tag: Tag) -> None:
    """Delete the tag; its images stay in the project, without it. Iterations remember it."""
    if mirror := get_mirror(tag.project):
        mirror.delete_tag(tag)
    tag.delete()
    logger.info("Deleted tag=%s project=%s", tag.name, tag.project_id)


def _check(row: Project | Tag) -> None:
    """Raise Refused with the first sentence that the row's own rules give."""
    try:
        row.full_clean(exclude={"remote_id"})
    except ValidationError as exc:
        raise Refused(" ".join(_sentences(exc))) from exc


def _sentences(exc: ValidationError) -> Iterator[str]:
    """Yield what is wrong, with the name of the field where one is to blame."""
    for field, messages in exc.message_dict.items():
        for message in messages:
            yield message if field == NON_FIELD_ERRORS else f"{field}: {message}"


@contextmanager
def _refusing_conflicts(row: Project | Tag) -> Iterator[None]:
    """Say what the database refused because somebody else was faster than our check."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as exc:
        _check(row)
        raise Refused(_("Somebody changed the same thing at the same time: try again.")) from exc
