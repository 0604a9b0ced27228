"""What every door hands over: an article as it was sent, already proven."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from services.ingest.core.revision import About, storable
from shared.errors import InputError
from shared.events import ArticleKind
from shared.urls import parse


def _aware(value: object) -> object:
    """A time without its zone is taken as UTC."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return value
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return value


def _in_utc(moment: datetime) -> datetime:
    if not 1000 <= moment.year <= 9000:
        raise ValueError("the year must lie between 1000 and 9000")
    return moment.astimezone(UTC)


Text = Annotated[str, AfterValidator(storable)]
Name = Annotated[Text, Field(max_length=300)]
Moment = Annotated[AwareDatetime, BeforeValidator(_aware), AfterValidator(_in_utc)]


class ArticleIn(BaseModel):
    """Body of `POST /v1/articles`, and a line of `POST /v1/import`. Without `content` it is fetched from `url`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    url: Annotated[Text, Field(min_length=1, max_length=16_384)]
    external_id: Annotated[Text, Field(min_length=1, max_length=1000)] | None = None
    source: Annotated[Text, Field(min_length=1, max_length=200)] | None = None
    title: Annotated[Text, Field(max_length=2000)] | None = None
    authors: Annotated[tuple[Name, ...], Field(max_length=200)] = ()
    published_at: Moment | None = None
    modified_at: Moment | None = None
    content: str | None = None
    content_type: ArticleKind = "text/html"
    tags: Annotated[tuple[Name, ...], Field(max_length=200)] = ()

    @field_validator("url")
    @classmethod
    def _web(cls, value: str) -> str:
        try:
            url = parse(value)
        except InputError as error:
            raise ValueError(str(error)) from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError("the article's address must begin with http:// or https://")
        return url.href


@dataclass(frozen=True, slots=True)
class Submission:
    """One article, from whichever door."""

    source: str
    url: str | None
    content: bytes | str | None
    """None: fetch it from `url` afterwards."""
    kind: ArticleKind = "text/html"
    external_id: str | None = None
    title: str | None = None
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    tags: tuple[str, ...] = ()
    modified_at: datetime | None = None
    """When the sender last changed it: what comes late and is older than what is there is left."""
    content_type: str | None = None
    """The HTTP header, where the content is bytes."""
    base: str | None = None
    """Where the content was found, when redirects led away from `url`."""

    @property
    def about(self) -> About:
        """What the sender says about the article."""
        return About(self.url, self.title, self.authors, self.published_at, self.tags)


def from_api(article: ArticleIn, usual: str = "api") -> Submission:
    """A submission from the API's own form; `usual` is its source where it names none."""
    return Submission(
        source=article.source or usual,
        url=article.url,
        content=article.content,
        kind=article.content_type,
        external_id=article.external_id,
        title=article.title,
        authors=article.authors,
        published_at=article.published_at,
        tags=article.tags,
        modified_at=article.modified_at,
    )
