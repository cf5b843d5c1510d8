"""Projects, domains and tags, as programs see them."""

from uuid import UUID

from customvision.domains import PLATFORMS, Domain, domain_of
from customvision.fields import Body, ListOf, Shape, Word, utc
from training.models import Project, Tag

_AUGMENTATIONS = ("rotation", "scaling", "translation", "horizontal flip", "equalize", "solarize", "padtosquare")
"""Names that programs look for; vectors of a frozen backbone are computed once, without any of them."""


class ModelInformationOut(Shape):
    estimated_model_size_in_megabytes: int
    description: str


class DomainOut(Shape):
    id: UUID
    name: str
    type: str
    exportable: bool
    enabled: bool
    exportable_platforms: list[str]
    model_information: ModelInformationOut | None

    @classmethod
    def of(cls, domain: Domain) -> "DomainOut":
        about = f"A linear head on an EfficientNet-Lite0 made for {domain.backbone_domain} photographs."
        exports = ModelInformationOut(estimated_model_size_in_megabytes=domain.megabytes, description=about)
        return cls(
            id=domain.id,
            name=domain.name,
            type="Classification",
            exportable=domain.is_exportable,
            enabled=True,
            exportable_platforms=list(PLATFORMS) if domain.is_exportable else [],
            model_information=exports if domain.is_exportable else None,
        )


class ImageProcessingSettings(Shape):
    augmentation_methods: dict[str, bool]


class ProjectSettingsOut(Shape):
    domain_id: UUID
    classification_type: str
    target_export_platforms: list[str]
    use_negative_set: bool
    detection_parameters: str | None
    image_processing_settings: ImageProcessingSettings


class ProjectOut(Shape):
    id: UUID
    name: str
    description: str
    settings: ProjectSettingsOut
    created: str
    last_modified: str
    thumbnail_uri: str | None
    dr_mode_enabled: bool
    status: str

    @classmethod
    def of(cls, project: Project) -> "ProjectOut":
        return cls(
            id=project.uid,
            name=project.name,
            description=project.description,
            settings=ProjectSettingsOut(
                domain_id=domain_of(project).id,
                classification_type=project.type,
                target_export_platforms=project.api_settings.get("targetExportPlatforms", []),
                use_negative_set=True,
                detection_parameters=None,
                image_processing_settings=ImageProcessingSettings(
                    augmentation_methods=dict.fromkeys(_AUGMENTATIONS, True)
                ),
            ),
            created=utc(project.created_at),
            last_modified=utc(project.modified_at),
            thumbnail_uri=None,
            dr_mode_enabled=False,
            status="Succeeded",
        )


class ProjectSettingsIn(Body):
    domain_id: UUID | None = None
    classification_type: Word | None = None
    target_export_platforms: ListOf[str] | None = None


class ProjectIn(Body):
    """A change: what is not sent stays."""

    name: str | None = None
    description: str | None = None
    settings: ProjectSettingsIn | None = None


class TagOut(Shape):
    id: UUID
    name: str
    description: str | None
    type: str
    image_count: int

    @classmethod
    def of(cls, tag: Tag) -> "TagOut":
        """From a tag of `with_image_counts`, or a new one."""
        count: int = getattr(tag, "image_count", 0)
        return cls(id=tag.uid, name=tag.name, description=tag.description or None, type=tag.type, image_count=count)


class TagIn(Body):
    """A change: what is not sent stays."""

    name: str | None = None
    description: str | None = None
    type: Word | None = None
