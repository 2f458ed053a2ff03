"""The bytes of the manager interface: panoramisk parses and prints, this class makes it keep its word.

What is ours and why: docs/decisions/0201-manager-interface.md.
"""

import codecs
from collections.abc import Callable, Mapping, Sequence

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from core.errors import Invalid

Event = Mapping[str, str]
"""One message of Asterisk: header → value. The values of a repeated header are joined by a line feed, which no
single value can hold."""

_END = "\r\n\r\n"
_LONGEST_MESSAGE = 1_000_000
# Asterisk reads a line of an action into 1,024 bytes and drops the rest of a longer one.
_LONGEST_LINE = 1000
_MOST_LINES = 120


def new_action(name: str, fields: Mapping[str, str | Sequence[str]]) -> Action:
    """An action with an id of its own. Raises Invalid when a value could break out of its line."""
    lines = 2
    for key, value in fields.items():
        values = (value,) if isinstance(value, str) else value
        lines += len(values)
        for text in values:
            line = f"{key}: {text}"
            if "\r" in line or "\n" in line or "\0" in line:
                raise Invalid(
                    f"A value of the manager action {name} holds a line break or a zero byte: {key}={text!r}.",
                    "Remove it before it is sent to Asterisk.",
                )
            if len(line) > _LONGEST_LINE // 4 and len(line.encode()) > _LONGEST_LINE:
                raise Invalid(
                    f"The value {key} of the manager action {name} is longer than {_LONGEST_LINE} bytes.",
                    "Shorten it: Asterisk would cut it.",
                )
    if lines > _MOST_LINES:
        raise Invalid(f"The manager action {name} has {lines} lines.", f"At most {_MOST_LINES} reach Asterisk.")
    return Action({"Action": name, **{key: _plain(value) for key, value in fields.items()}})


def _plain(value: str | Sequence[str]) -> str | list[str]:
    return value if isinstance(value, str) else list(value)


class ManagerProtocol(AMIProtocol):  # type: ignore[misc]
    """One connection. Every message goes, in order, to `on_message`; `on_lost` is called once, at the end."""

    def __init__(self, on_message: Callable[[Event], None], on_lost: Callable[[str], None]) -> None:
        self._on_message = on_message
        self._on_lost = on_lost
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""
        self._why = "Asterisk closed the connection"
        self.malformed = 0
        """Messages that could not be read as one."""

    def send_all(self, actions: Sequence[Action]) -> None:
        """Send actions in one write. Raises ConnectionError when the connection has ended."""
        if self.closed or self.transport.is_closing():
            raise ConnectionError(self._why)
        self.transport.write("".join(map(str, actions)).encode())

    def data_received(self, data: bytes) -> None:
        """Letters may be split over reads, and so may line ends."""
        *blocks, self._rest = (self._rest + self._decoder.decode(data)).split(_END)
        if len(self._rest) > _LONGEST_MESSAGE:
            self.drop("Asterisk sent a message without an end")
            return
        for block in blocks:
            if self.closed:
                return
            self._take(block.lstrip("\r\n"))

    def _take(self, block: str) -> None:
        if block.startswith("Asterisk Call Manager/"):
            self.version, _, block = block.partition("\r\n")
        if block.startswith("Event: "):
            self._on_message(_event(block))
            return
        message = Message.from_line(block) if block else None
        if message is None:
            self.malformed += bool(block)
            return
        # The library adds a header of its own, `content`, for the text of a command's answer.
        self._on_message({key: _joined(value) for key, value in message.items() if key != "content" or value})

    def connection_lost(self, exc: Exception | None) -> None:
        """Told once, whoever ended it; nothing is kept to be sent again."""
        self.closed = True
        self._on_lost(f"{self._why} ({exc})" if exc else self._why)

    def drop(self, why: str) -> None:
        """End the connection now, without waiting for a peer that may be dead."""
        if not self.closed:
            self._why = why
            self.closed = True
            self.transport.abort()


def _event(block: str) -> Event:
    """What the library would read, at a fifth of its price: callers wait for what events say."""
    event: dict[str, str] = {}
    for line in block.split("\r\n"):
        key, colon, value = line.partition(": ")
        if colon:
            event[key] = f"{event[key]}\n{value}" if key in event else value
    return event


def _joined(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "\n".join(value)
