"""Call flows as data: the steps a caller goes through. One schema for YAML files and database rows."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from acd.expressions import ExpressionError, parse_requirement
from ivr.hours import Calendar

Language = Literal["it", "en"]
Divert = Literal["voicemail", "call_back", "closed"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
StepName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
PromptName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Key = Annotated[str, Field(pattern=r"^[0-9*#]$")]
Texts = dict[Language, Annotated[str, Field(min_length=1, max_length=1500)]]


def _check_requirement(text: str) -> str:
    try:
        parse_requirement(text)
    except ExpressionError as error:
        where = f"{error.problem} at character {error.position + 1} of {text!r}"
        raise ValueError(f"{where}; {error.remedy.rstrip('.')}") from None
    return " ".join(text.split())


Requirement = Annotated[str, Field(max_length=400), AfterValidator(_check_requirement)]


class _Data(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Step(_Data):
    def exits(self) -> Iterator[tuple[str, str]]:
        """(field, step name) of each way out."""
        for field in ("next", "otherwise"):
            target = getattr(self, field, None)
            if target is not None:
                yield field, target

    def silent_exits(self) -> Iterator[str]:
        """The ways out that a caller takes who presses nothing."""
        for _, target in self.exits():
            yield target

    def prompts(self) -> Iterator[tuple[str, str]]:
        """(field, prompt name) of each prompt the step names."""
        said = getattr(self, "prompt", None)
        for name in said if isinstance(said, list) else [said]:
            if name is not None:
                yield "prompt", name


Say = PromptName | list[PromptName]


class Play(_Step):
    """Say something."""

    do: Literal["play"]
    prompt: Say
    next: StepName


class Choice(_Data):
    """What a key leads to. `label` is what people read in the IVR path; `complaint` marks the complaint option."""

    to: StepName
    label: str | None = Field(default=None, max_length=40)
    complaint: bool = False


class Menu(_Step):
    """Let the caller choose by a key. `otherwise` is taken after `retries` more tries without a valid key."""

    do: Literal["menu"]
    prompt: Say
    choices: dict[Key, Choice] = Field(min_length=1)
    otherwise: StepName
    timeout: float = Field(default=5.0, ge=1, le=30)
    retries: int = Field(default=2, ge=0, le=9)
    invalid: PromptName = "invalid_choice"
    silence: PromptName = "no_choice"

    @field_validator("choices", mode="before")
    @classmethod
    def _plain_choices(cls, value: Any) -> Any:
        """`1: sales` is short for `"1": {to: sales}`."""
        if not isinstance(value, dict):
            return value
        return {str(key): {"to": choice} if isinstance(choice, str) else choice for key, choice in value.items()}

    def exits(self) -> Iterator[tuple[str, str]]:
        """(field, step name) of each way out."""
        yield from ((f"choices.{key}", choice.to) for key, choice in self.choices.items())
        yield "otherwise", self.otherwise

    def silent_exits(self) -> Iterator[str]:
        """The ways out that a caller takes who presses nothing."""
        yield self.otherwise

    def prompts(self) -> Iterator[tuple[str, str]]:
        """(field, prompt name) of each prompt the step names."""
        yield from super().prompts()
        yield "invalid", self.invalid
        yield "silence", self.silence


class CollectDigits(_Step):
    """Let the caller key a number into the call's value `into`; `#` ends it early."""

    do: Literal["collect_digits"]
    prompt: Say
    into: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,29}$")]
    min: int = Field(default=1, ge=1, le=30)
    max: int = Field(ge=1, le=30)
    timeout: float = Field(default=6.0, ge=1, le=30)
    retries: int = Field(default=2, ge=0, le=9)
    invalid: PromptName = "invalid_number"
    next: StepName
    otherwise: StepName

    @field_validator("max")
    @classmethod
    def _max_over_min(cls, value: int, info: Any) -> int:
        least = info.data.get("min", 1)
        if value < least:
            raise ValueError(f"max {value} is below min {least}; raise it")
        return value

    def silent_exits(self) -> Iterator[str]:
        """The ways out that a caller takes who presses nothing."""
        yield self.otherwise

    def prompts(self) -> Iterator[tuple[str, str]]:
        """(field, prompt name) of each prompt the step names."""
        yield from super().prompts()
        yield "invalid", self.invalid


class Hours(_Step):
    """Go on by the opening hours of a calendar; `holiday` counts as closed unless it has a step of its own."""

    do: Literal["hours"]
    calendar: str
    open: StepName
    closed: StepName
    holiday: StepName | None = None

    def exits(self) -> Iterator[tuple[str, str]]:
        """(field, step name) of each way out."""
        yield "open", self.open
        yield "closed", self.closed
        if self.holiday is not None:
            yield "holiday", self.holiday


class ChooseLanguage(_Step):
    """Set the language, or let the caller choose it: each language's text of the prompt is then said in turn."""

    do: Literal["language"]
    set: Language | None = None
    prompt: PromptName | None = None
    choices: dict[Key, Language] = Field(default_factory=dict)
    timeout: float = Field(default=4.0, ge=1, le=30)
    next: StepName

    @field_validator("choices", mode="before")
    @classmethod
    def _keys_as_text(cls, value: Any) -> Any:
        return {str(key): language for key, language in value.items()} if isinstance(value, dict) else value


class Identify(_Step):
    """Find out who calls, by number or by a code keyed before. `to` names steps for some outcomes, else `next`."""

    do: Literal["identify"]
    by: Literal["number", "code"] = "number"
    code: str | None = None
    to: dict[Literal["none", "one", "several", "withheld", "shared"], StepName] = Field(default_factory=dict)
    use_language: bool = True
    next: StepName

    def exits(self) -> Iterator[tuple[str, str]]:
        """(field, step name) of each way out."""
        yield from ((f"to.{kind}", target) for kind, target in self.to.items())
        yield "next", self.next


class SetSkill(_Step):
    """Ask more of the agent (one requirement, or one by the caller's language), or raise the call's priority."""

    do: Literal["set_skill"]
    require: Requirement | dict[Language, Requirement] = ""
    priority: int = Field(default=0, ge=-100, le=100)
    next: StepName


class TicketStatus(_Step):
    """Say how the caller's open ticket stands; `otherwise` when there is none."""

    do: Literal["ticket_status"]
    next: StepName
    otherwise: StepName


class AnnouncePosition(_Step):
    """Say the place in the line and, when it can be said honestly, the expected wait."""

    do: Literal["announce_position"]
    queue: str
    next: StepName


class Consent(_Step):
    """Tell that the call is recorded, and record from here on. With `refuse`, that key means: no recording."""

    do: Literal["consent"]
    prompt: Say = "recording_notice"
    refuse: Key | None = None
    timeout: float = Field(default=3.0, ge=0, le=15)
    next: StepName


class ToQueue(_Step):
    """The end of the IVR: wait for an agent."""

    do: Literal["queue"]
    queue: str
    require: Requirement | dict[Language, Requirement] = ""
    priority: int = Field(default=0, ge=-100, le=100)


class LeaveVoicemail(_Step):
    """Record a message, which becomes a ticket."""

    do: Literal["voicemail"]
    prompt: Say = "leave_message"
    max_seconds: int = Field(default=120, ge=5, le=600)
    silence_seconds: int = Field(default=5, ge=2, le=30)
    next: StepName


class CallBack(_Step):
    """Offer to call back, at the shown number or at one that the caller keys; `otherwise` when not taken."""

    do: Literal["call_back"]
    prompt: Say = "call_back_offer"
    timeout: float = Field(default=6.0, ge=1, le=30)
    next: StepName
    otherwise: StepName

    def silent_exits(self) -> Iterator[str]:
        """The ways out that a caller takes who presses nothing."""
        yield self.otherwise


class Transfer(_Step):
    """Connect with an outside number (E.164); `otherwise` when that cannot be done."""

    do: Literal["transfer"]
    number: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{4,14}$")]
    prompt: Say | None = None
    ring_seconds: int = Field(default=45, ge=5, le=120)
    otherwise: StepName


class HangUp(_Step):
    """Say good-bye and end the call."""

    do: Literal["hang_up"]
    prompt: Say | None = "goodbye"


Step = Annotated[
    Play
    | Menu
    | CollectDigits
    | Hours
    | ChooseLanguage
    | Identify
    | SetSkill
    | TicketStatus
    | AnnouncePosition
    | Consent
    | ToQueue
    | LeaveVoicemail
    | CallBack
    | Transfer
    | HangUp,
    Field(discriminator="do"),
]
AnyStep = _Step
ENDINGS = (ToQueue, HangUp)


class Flow(_Data):
    """A call flow. `prompts` are its own texts; `diverts` name the steps for callers that routing sends back.

    `complaint_required`: refuse a flow without a complaint option at the first menu (Italian law asks for one in
    telecom and media customer care).
    """

    flow: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    name: str = Field(default="", max_length=80)
    languages: list[Language] = Field(default_factory=lambda: list(LANGUAGES), min_length=1)
    complaint_required: bool = False
    start: StepName
    prompts: dict[PromptName, Texts] = Field(default_factory=dict)
    calendars: dict[str, Calendar] = Field(default_factory=dict)
    diverts: dict[Divert, StepName] = Field(default_factory=dict)
    steps: dict[StepName, Step] = Field(min_length=1, max_length=300)
