"""Commands and replies of AGI: what is sent cannot break out of its line, what comes back is read right."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ivr.agi import Agi, AgiFault, CallerGone, Reply, SoundMissing, parse_reply, quote
from tests.unit.ivr.peer import Channel, Connected, split

WORDS = st.lists(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])), max_size=6)


def asterisk_arguments(line: str) -> list[str]:
    """Splits a command line by the rules of Asterisk's own parser (quotes toggle, a backslash takes the next)."""
    words: list[str] = []
    current: list[str] | None = None
    quoted = escaped = False
    for letter in line:
        if letter == '"' and not escaped:
            quoted = not quoted
            current = [] if current is None else current
        elif letter in " \t" and not quoted and not escaped:
            if current is not None:
                words.append("".join(current))
            current = None
        elif letter == "\\" and not escaped:
            escaped = True
            continue
        else:
            current = [letter] if current is None else [*current, letter]
        escaped = False
    return words if current is None else [*words, "".join(current)]


@settings(max_examples=300, deadline=None)
@given(WORDS)
def test_quoted_words_come_apart_again_as_they_were(words: list[str]) -> None:
    line = " ".join(["SET", *(quote(word) for word in words)])
    assert asterisk_arguments(line) == ["SET", *words]
    assert split(line) == ["SET", *words]


@pytest.mark.parametrize("word", ["a\nSET VARIABLE X 1", "a\rb", "\0", "\n"])
def test_a_word_that_would_begin_a_new_line_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        quote(word)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80))
def test_any_line_is_a_reply_or_a_fault_and_nothing_else(line: str) -> None:
    try:
        reply = parse_reply(line)
    except AgiFault:
        return
    assert 0 <= reply.code <= 999


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(exclude_characters="\n\r"), max_size=40))
def test_a_variable_comes_back_whatever_it_holds(value: str) -> None:
    assert parse_reply(f"200 result=1 ({value})").value == value


@pytest.mark.parametrize(
    ("line", "reply"),
    [
        ("200 result=0", Reply(200, "0")),
        ("200 result=-1", Reply(200, "-1")),
        ("200 result=50 endpos=12000", Reply(200, "50", None, 12000)),
        ("200 result=-1 (hangup) endpos=4000", Reply(200, "-1", "hangup", 4000)),
        ("200 result=1 (a (b) c)", Reply(200, "1", "a (b) c")),
        ("200 result=1 (see endpos=9)", Reply(200, "1", "see endpos=9")),
        ("200 result=0 Gosub complete", Reply(200, "0")),
        ("100 result=0 Trying...", Reply(100, "0")),
        (
            "510 Invalid or unknown command",
            Reply(510, "", "Invalid or unknown command"),
        ),
    ],
)
def test_each_form_of_reply_is_read(line: str, reply: Reply) -> None:
    assert parse_reply(line) == reply


async def test_a_command_longer_than_asterisk_reads_is_not_sent() -> None:
    channel = Channel()
    async with Connected(channel) as agi:
        with pytest.raises(ValueError, match="bytes"):
            await agi.set_variable("OC_PATH", "x" * 3000)
        await agi.set_variable("OC_PATH", "y")
    assert [words[:2] for words in channel.commands] == [["SET", "VARIABLE"]]


async def test_after_a_hang_up_no_more_is_sent() -> None:
    channel = Channel()
    channel.hang_up_at = "ANSWER"
    async with Connected(channel) as agi:
        for _ in range(2):
            with pytest.raises(CallerGone):
                await agi.answer()
    assert len(channel.commands) == 1


@pytest.mark.parametrize("reply", ["511 Command Not Permitted on a dead channel or intercept routine", "200 result=-1"])
async def test_a_dead_channel_is_a_caller_gone_also_without_a_hang_up_line(reply: str) -> None:
    channel = Channel()
    channel._wait = lambda *_: reply  # type: ignore[method-assign]
    async with Connected(channel) as agi:
        with pytest.raises(CallerGone):
            await agi.wait_for_digit(1)


async def test_a_hang_up_told_between_two_commands_is_noticed_at_the_next() -> None:
    channel = Channel()
    channel._set = lambda name, value: "200 result=1\nHANGUP"  # type: ignore[method-assign]
    async with Connected(channel) as agi:
        await agi.set_variable("A", "1")
        with pytest.raises(CallerGone):
            await agi.set_variable("B", "2")


async def test_a_peer_that_does_not_answer_in_time_is_a_fault_and_is_not_asked_again() -> None:
    reader = asyncio.StreamReader()

    class Silent:
        def write(self, data: bytes) -> None:
            sent.append(data)

        async def drain(self) -> None:
            return None

    sent: list[bytes] = []
    agi = Agi(reader, Silent(), {})  # type: ignore[arg-type]
    with pytest.raises(AgiFault, match="no reply to NOOP within"):
        await agi.command("NOOP", timeout=0.02)
    with pytest.raises(CallerGone):
        await agi.command("NOOP")
    assert sent == [b"NOOP\n"]


async def test_a_file_that_asterisk_cannot_open_is_told_from_one_that_was_played() -> None:
    channel = Channel()
    channel.missing.add("gone")
    async with Connected(channel) as agi:
        assert await agi.play("there") == ""
        with pytest.raises(SoundMissing):
            await agi.play("gone")


async def test_a_subroutine_says_trying_before_its_result() -> None:
    channel = Channel()
    async with Connected(channel) as agi:
        await agi.gosub("oc-record")
        assert await agi.get_variable("NOT_SET") == ""
    assert channel.gosubs == ["oc-record"]
