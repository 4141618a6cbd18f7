"""Chat completions and models as clients of OpenAI's API know them.

What a client may send is one of three things: used, taken without effect (`WithoutEffect`; the answer's header
`X-RLM-Ignored` names it), or refused because an answer without it would be another one (`Meaningful`).
"""

from dataclasses import replace
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field, WithJsonSchema

from rlmlab.api.schemas.base import Body
from rlmlab.api.schemas.runs import BudgetIn, JsonObject, RunIn
from rlmlab.errors import FieldError, Invalid, NotFound
from rlmlab.tenancy.models import Project
from trajectories.conversations import Passage, Turn, decoded_file, run_request
from trajectories.references import resolved
from trajectories.requests import TAG_CHARACTERS, RunRequest

MODEL_PREFIX: Final = "rlm/"
Role = Literal["system", "developer", "user", "assistant", "tool", "function"]
SYSTEM_ROLES: Final = {"system", "developer"}
NEUTRAL: Final[tuple[Any, ...]] = (None, [], {}, "", False)
MEANINGFUL: Final[dict[str, tuple[tuple[Any, ...], str]]] = {
    "n": ((None, 1), "one run gives one answer"),
    "tools": (NEUTRAL, "a run has the project's tools, not the client's"),
    "tool_choice": ((None, "none", "auto"), "a run has the project's tools, not the client's"),
    "functions": (NEUTRAL, "a run has the project's tools, not the client's"),
    "function_call": ((None, "none", "auto"), "a run has the project's tools, not the client's"),
    "logprobs": (NEUTRAL, "an answer made by code has no probabilities"),
    "top_logprobs": ((None, 0), "an answer made by code has no probabilities"),
    "logit_bias": (NEUTRAL, "an answer made by code has no tokens to weigh"),
    "stop": (NEUTRAL, "an answer is given whole"),
    "modalities": ((None, ["text"]), "answers are texts"),
    "audio": (NEUTRAL, "answers are texts"),
    "web_search_options": (NEUTRAL, "runs search no web"),
}
"""Of each field, the values that ask for nothing, and why others are refused."""


class NotSupported(Invalid):
    """A field asks for what no run can do; its name is the client's own."""


class FileIn(Schema):
    """A text that a message brings along (`file_data`, base64), or a file of the project by its id (`file_id`)."""

    file_id: str | None = None
    file_data: str | None = None
    filename: str | None = None


class PartIn(Schema):
    """A part of a message's content."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`text`, `file`, or `refusal` of an assistant.")
    text: str | None = None
    refusal: str | None = None
    file: FileIn | None = None

    def passage(self, place: str) -> Passage | None:
        """Return the text that it is; None for a file of the project.

        Raises:
            Invalid: it is of a kind that is not taken.
        """
        match self.type:
            case "text" | "refusal":
                return Passage(self.text or self.refusal or "")
            case "file" if self.file is not None and self.file.file_data is not None:
                return decoded_file(self.file.file_data, name=self.file.filename or "", place=place)
            case "file" if self.file is not None and self.file.file_id:
                return None
            case "file":
                raise Invalid.field(place, "a file needs file_id or file_data")
            case _:
                raise Invalid.field(place, f"a part of the type {self.type} is not taken; text and file are")

    def project_file(self, place: str) -> UUID:
        """Return the id of the project's file that it names.

        Raises:
            Invalid: it is no such id.
        """
        try:
            return UUID(self.file.file_id if self.file and self.file.file_id else "")
        except ValueError:
            raise Invalid.field(f"{place}.file.file_id", "is not the id of a file of the project") from None


class MessageIn(Schema):
    """A message; fields that only answers have, such as `annotations`, are taken without effect."""

    model_config = ConfigDict(extra="allow")

    role: Role
    content: str | list[PartIn] | None = None
    tool_calls: list[Any] | None = None

    def turn(self, at: int) -> Turn:
        """Return what it says.

        Raises:
            Invalid: it belongs to a client's tools, or has a part that is not taken.
        """
        place = f"messages.{at}"
        if self.role in {"tool", "function"} or self.tool_calls:
            raise Invalid.field(place, MEANINGFUL["tools"][1])
        role: Any = "system" if self.role in SYSTEM_ROLES else self.role
        if not isinstance(self.content, list):
            return Turn(role, (Passage(self.content),) if self.content else ())
        passages, files = [], []
        for number, part in enumerate(self.content):
            here = f"{place}.content.{number}"
            passage = part.passage(here)
            if passage is None:
                files.append(part.project_file(here))
            else:
                passages.append(passage)
        return Turn(role, tuple(passages), tuple(files))


class StreamOptions(Schema):
    """What a stream has beside the answer."""

    include_usage: bool | None = Field(None, description="A last chunk with the usage of the whole run.")
    include_obfuscation: bool | None = Field(None, description="Taken without effect.")


class JsonSchemaIn(Schema):
    """A named JSON Schema; references into its own definitions are put in place."""

    name: str = ""
    schema_: JsonObject | None = Field(None, alias="schema")
    strict: bool | None = None


class ResponseFormat(Schema):
    """What the answer has to be: any text, any JSON object, or what a schema says."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema_: JsonSchemaIn | None = Field(None, alias="json_schema")

    def response_schema(self) -> dict[str, Any] | None:
        """Return the schema that the answer is checked against.

        Raises:
            Invalid: there is none where one is announced.
        """
        if self.type == "json_object":
            return {"type": "object"}
        if self.type == "text":
            return None
        if self.json_schema_ is None or self.json_schema_.schema_ is None:
            raise Invalid.field("response_format.json_schema", "must have a schema")
        return resolved(self.json_schema_.schema_, place="response_format.json_schema.schema")


class RlmIn(RunIn):
    """The run's other fields, as POST /api/v1/projects/{slug}/runs takes them, and how it is followed."""

    task: str = Field("", description="Instead of the conversation, which then is all of the run's input.")
    detach: bool = Field(False, description="Let the run go on when the client goes away before it has ended.")
    progress: bool = Field(True, description="Stream the run's steps and sub-calls as `reasoning_content`.")


Unused = Annotated[Any, WithJsonSchema({"description": "Taken without effect."})]
Refused = Annotated[Any, WithJsonSchema({"description": "Refused, but for a value that asks for nothing."})]


class WithoutEffect(Body):
    """What clients often send and a run has no use for: its models are asked in their own way."""

    temperature: Unused = None
    top_p: Unused = None
    frequency_penalty: Unused = None
    presence_penalty: Unused = None
    reasoning_effort: Unused = None
    verbosity: Unused = None
    service_tier: Unused = None
    store: Unused = None
    parallel_tool_calls: Unused = None
    prediction: Unused = None
    prompt_cache_key: Unused = None
    prompt_cache_retention: Unused = None
    safety_identifier: Unused = None


class Meaningful(Body):
    """What would make another answer, and so is refused."""

    n: Refused = None
    tools: Refused = None
    tool_choice: Refused = None
    functions: Refused = None
    function_call: Refused = None
    logprobs: Refused = None
    top_logprobs: Refused = None
    logit_bias: Refused = None
    stop: Refused = None
    modalities: Refused = None
    audio: Refused = None
    web_search_options: Refused = None


class CompletionIn(WithoutEffect, Meaningful):
    """A chat completion. Other fields than these are refused."""

    model: str = Field(description="`rlm/<project>`; the run's own models stand in `rlm`.")
    messages: list[MessageIn]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1, description="As `max_completion_tokens`.")
    max_completion_tokens: int | None = Field(
        None,
        ge=1,
        description="The model is told how long the answer is to be; the run's limits stand in `rlm.budget`.",
    )
    response_format: ResponseFormat | None = None
    seed: int | None = None
    user: str | None = Field(None, description="Becomes the tag `user:…`.")
    metadata: dict[str, str] | None = Field(None, description="Each becomes a tag `key:value`.")
    rlm: RlmIn = RlmIn.model_validate({})

    @property
    def project(self) -> str:
        """The slug that the model's name stands for.

        Raises:
            NotFound: there can be no such model.
        """
        return project_of(self.model)

    @property
    def wants_usage(self) -> bool:
        """Tell whether a stream ends with the usage."""
        return bool(self.stream_options and self.stream_options.include_usage)

    @property
    def ignored(self) -> list[str]:
        """Name what was sent and has no effect."""
        return [name for name in WithoutEffect.model_fields if getattr(self, name) is not None]

    def take_request(self, limits: BudgetIn) -> RunRequest:
        """Return what is asked for, in the domain's words, and keep no message: the input may be large, waiting long.

        Raises:
            Invalid: a field is wrong, or asks for what a run cannot do.
        """
        self._refuse_meaningful()
        given = self.rlm.request()
        schema = self.response_format.response_schema() if self.response_format else None
        given = replace(
            given,
            budget=lowest(given.budget, limits.model_dump()),
            response_schema=given.response_schema if given.response_schema is not None else schema,
            seed=given.seed if given.seed is not None else self.seed,
            tags=[*given.tags, *self._tags()],
        )
        messages, self.messages = self.messages, []
        turns = [message.turn(at) for at, message in enumerate(messages)]
        return run_request(turns, given=given, answer_tokens=self.max_completion_tokens or self.max_tokens)

    def _refuse_meaningful(self) -> None:
        """Refuse what would make another answer.

        Raises:
            NotSupported: it is asked for.
        """
        for name, (allowed, reason) in MEANINGFUL.items():
            if getattr(self, name) not in allowed:
                message = f"is not supported: {reason}"
                raise NotSupported(f"{name} {message}", errors=(FieldError(name, message),))

    def _tags(self) -> list[str]:
        """Return the tags that name the client's user and say its metadata."""
        found = {"user": f"user:{self.user}"} if self.user else {}
        found |= {f"metadata.{key}": f"{key}:{value}" for key, value in (self.metadata or {}).items()}
        for field, tag in found.items():
            if len(tag) > TAG_CHARACTERS:
                raise Invalid.field(field, f"becomes a tag, which may have {TAG_CHARACTERS} characters: {tag[:80]}")
        return list(found.values())


class LimitHeaders(Schema):
    """The run's limits, for clients that can set headers only; of two limits of a kind the lower holds."""

    max_tokens: int | None = Field(None, alias="X-RLM-Max-Tokens")
    max_cost_usd: float | None = Field(None, alias="X-RLM-Max-Cost-USD")
    max_seconds: float | None = Field(None, alias="X-RLM-Max-Seconds")
    max_depth: int | None = Field(None, alias="X-RLM-Max-Depth")
    max_steps: int | None = Field(None, alias="X-RLM-Max-Steps")
    max_sub_calls: int | None = Field(None, alias="X-RLM-Max-Sub-Calls")

    def budget(self) -> BudgetIn:
        """Return them as a run's."""
        return BudgetIn(**self.model_dump())


def project_of(model: str) -> str:
    """Return the slug that a model's name stands for.

    Raises:
        NotFound: there can be no such model.
    """
    if not model.startswith(MODEL_PREFIX):
        raise NotFound(f"The model `{model}` does not exist: models are called rlm/<project>.")
    return model.removeprefix(MODEL_PREFIX)


def lowest(*budgets: Any) -> dict[str, Any]:
    """Join budgets: of each limit the lowest that is given."""
    names = {name for budget in budgets for name in budget}
    given = {name: [budget[name] for budget in budgets if budget.get(name) is not None] for name in names}
    return {name: min(values) for name, values in given.items() if values}


class ModelOut(Schema):
    """A project as a model."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str

    @classmethod
    def of(cls, project: Project, owner: str) -> Self:
        """Show a project."""
        return cls(id=f"{MODEL_PREFIX}{project.slug}", created=int(project.created_at.timestamp()), owned_by=owner)


class ModelsOut(Schema):
    """All of them: this list has no pages."""

    object: Literal["list"] = "list"
    data: list[ModelOut]


class ErrorDetail(Schema):
    """What is wrong; `param` names the field, `code` is stable."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorOut(Schema):
    """An error in OpenAI's form."""

    error: ErrorDetail
