"""The service's classification domains, under their own ids, and which of our backbones does their work."""

from dataclasses import dataclass
from uuid import UUID

from engine import backbones
from engine.packages import FLAVORS
from training.models import Iteration, Project

GENERAL = UUID("ee85a74c-405e-4adc-bb47-ffa8ca0c9f31")
"""The domain of those who name none."""
PLATFORMS = tuple(FLAVORS)
"""What is exported, in every domain that the service calls compact."""
NAMED_PLATFORMS = ("CoreML", "TensorFlow", "DockerFile", "ONNX", "VAIDK", "OpenVino")
"""What a project's targets may be, as the SDKs name them: what is not exported is refused at export."""


@dataclass(frozen=True)
class Domain:
    """What a project may be about, as the service names it."""

    id: UUID
    name: str

    @property
    def is_exportable(self) -> bool:
        return "(compact)" in self.name

    @property
    def backbone_domain(self) -> str:
        """As `Project.domain` holds it."""
        return Project.Domain.serving(self.name)

    @property
    def megabytes(self) -> int:
        """Of an exported model, without its tags."""
        card = backbones.for_domain(self.backbone_domain)
        return round((backbones.MODELS / card.file).stat().st_size / 1e6)


DOMAINS = {
    domain.id: domain
    for domain in (
        Domain(GENERAL, "General"),
        Domain(UUID("a8e3c40f-fb4a-466f-832a-5e457ae4a344"), "General [A1]"),
        Domain(UUID("2e37d7fb-3a54-486a-b4d6-cfc369af0018"), "General [A2]"),
        Domain(UUID("c151d5b5-dd07-472a-acc8-15d29dea8518"), "Food"),
        Domain(UUID("ca455789-012d-4b50-9fec-5bb63841c793"), "Landmarks"),
        Domain(UUID("b30a91ae-e3c1-4f73-a81e-c270bff27c39"), "Retail"),
        Domain(UUID("45badf75-3591-4f26-a705-45678d3e9f5f"), "Adult"),
        Domain(UUID("0732100f-1a38-4e49-a514-c9b44c697ab5"), "General (compact)"),
        Domain(UUID("a1db07ca-a19a-4830-bae8-e004a42dc863"), "General (compact) [S1]"),
        Domain(UUID("8882951b-82cd-4c32-970b-d5f8cb8bf6d7"), "Food (compact)"),
        Domain(UUID("b5cfd229-2ac7-4b2b-8d0a-2b0661344894"), "Landmarks (compact)"),
        Domain(UUID("6b4faeda-8396-481b-9f8b-177b9fa3097f"), "Retail (compact)"),
    )
}
_BY_NAME = {domain.name: domain for domain in DOMAINS.values()}


def domain_of(project: Project) -> Domain:
    """Return the domain under which programs know the project; one made on the pages has its own."""
    given = project.api_settings.get("domainId")
    domain = DOMAINS.get(UUID(given)) if given else None
    if domain and domain.backbone_domain == project.domain:
        return domain
    return _BY_NAME[project.domain]


def domain_learned(iteration: Iteration) -> Domain:
    """Return the domain that an iteration was trained in; where no program asked for it, the project's now."""
    given = iteration.api_settings.get("domainId")
    return DOMAINS[UUID(given)] if given else domain_of(iteration.project)
