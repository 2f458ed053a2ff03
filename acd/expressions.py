"""The readable text form of requirements and conditions: `roaming>=6 & italian & !trainee`.

    expression = and { "|" and }            also `or`
    and        = not { "&" not }            also `and`
    not        = [ "!" ] ( "(" expression ")" | term )      also `not`
    term       = name [ ( ">=" | "<=" | ">" | "<" | "=" | "!=" ) value ]
    value      = number | word | "quoted text" | $attribute

A bare name is a skill at level 1 or more; `name` with a number compares the level (0 = does not have it). The names
`language`, `programme`, `segment`, `team`, `node` and `agent` compare what an agent has with a word, any other name
compared with a word is one of the agent's attributes. `$attribute` stands for the interaction's own value; where the
interaction has none, the term holds for everybody. In conditions the names are figures (`waited`, `expected_wait`,
`waiting`, `position`, `ready`, `signed_in`, `hour`, `weekday`, `priority`) and attributes of the interaction.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne
from typing import NamedTuple

from core.errors import Invalid

FACTS = frozenset({"language", "programme", "segment", "team", "node", "agent"})
FIGURES = frozenset(
    {
        "waited",
        "expected_wait",
        "waiting",
        "position",
        "ready",
        "signed_in",
        "hour",
        "weekday",
        "priority",
    }
)
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">=": ge,
    "<=": le,
    ">": gt,
    "<": lt,
    "=": eq,
    "!=": ne,
}
_TOKEN = re.compile(
    r"\s*(?:(?P<op>>=|<=|!=|[<>=!&|()])|(?P<quoted>\"[^\"]*\")|(?P<number>\d+(?:\.\d+)?)(?![\w.-])"
    r"|(?P<name>\$?\w[\w.-]*))"
)
_WORDS = {"and": "&", "or": "|", "not": "!"}
_DEEPEST = 50


class ExpressionError(Invalid):
    """An expression that cannot be read. `position` is the character (from 0) at which it stops making sense."""

    code = "expression"

    def __init__(self, text: str, position: int, problem: str, remedy: str) -> None:
        self.text, self.position, self.problem = text, position, problem
        what = f"{problem} at character {position + 1} of the expression:\n  {text}\n  {' ' * position}^"
        super().__init__(what, remedy, values={"expression": text, "position": position, "problem": problem})


@dataclass(frozen=True, slots=True)
class Term:
    """`name op value`; a bare name has `op` empty."""

    name: str
    op: str = ""
    value: float | str = 1.0
    position: int = 0


@dataclass(frozen=True, slots=True)
class Not:
    """Holds where its part does not."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class All:
    """Holds where each part does; without parts: always."""

    parts: tuple["Node", ...] = ()


@dataclass(frozen=True, slots=True)
class Any:
    """Holds where at least one part does; without parts: never."""

    parts: tuple["Node", ...]


Node = Term | Not | All | Any
ANYONE = All()
NOBODY = Any(())


class _Token(NamedTuple):
    kind: str
    text: str
    position: int


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            bad = position + len(text[position:]) - len(text[position:].lstrip())
            remedy = "Close the quotation." if text[bad] == '"' else "Use letters, numbers, & | ! ( ) and comparisons."
            raise ExpressionError(text, bad, f"unexpected {text[bad]!r}", remedy)
        kind = str(match.lastgroup)
        word = match.group(kind)
        start = match.start(kind)
        if kind == "name" and word.lower() in _WORDS:
            kind, word = "op", _WORDS[word.lower()]
        found.append(_Token(kind, word, start))
        position = match.end()
    found.append(_Token("end", "", len(text)))
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.index = 0
        self.depth = 0

    def parse(self) -> Node:
        if self.tokens[0].kind == "end":
            return ANYONE
        node = self.any()
        if self.peek.kind != "end":
            remedy = "Remove the )." if self.peek.text == ")" else "Join the two with & (and) or | (or)."
            self.fail(f"unexpected {self.peek.text!r}", remedy)
        return node

    @property
    def peek(self) -> _Token:
        return self.tokens[self.index]

    def take(self) -> _Token:
        token = self.tokens[self.index]
        self.index += 1
        return token

    def is_op(self, text: str) -> bool:
        return self.peek.kind == "op" and self.peek.text == text

    def fail(self, problem: str, remedy: str) -> None:
        raise ExpressionError(self.text, self.peek.position, problem, remedy)

    def any(self) -> Node:
        parts = [self.all()]
        while self.is_op("|"):
            self.take()
            parts.append(self.all())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def all(self) -> Node:
        parts = [self.unary()]
        while self.is_op("&"):
            self.take()
            parts.append(self.unary())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def unary(self) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fail(f"more than {_DEEPEST} levels of brackets or !", "Write it in a flatter form.")
        try:
            if self.is_op("!"):
                self.take()
                return Not(self.unary())
            if self.is_op("("):
                self.take()
                node = self.any()
                if not self.is_op(")"):
                    self.fail("a ) is missing", "Close the bracket.")
                self.take()
                return node
            return self.term()
        finally:
            self.depth -= 1

    def term(self) -> Term:
        token = self.peek
        if token.kind != "name" or token.text.startswith("$"):
            problem = "the expression ends too early" if token.kind == "end" else f"unexpected {token.text!r}"
            self.fail(problem, "Write a skill or another name here.")
        self.take()
        if self.peek.kind != "op" or self.peek.text not in _COMPARE:
            return Term(token.text, position=token.position)
        op = self.take().text
        value = self.peek
        if value.kind not in ("number", "name", "quoted"):
            self.fail(f"a value is missing after {op}", "Write a number or a word after the comparison.")
        self.take()
        return Term(token.text, op, self.value(token, op, value), token.position)

    def value(self, name: _Token, op: str, value: _Token) -> float | str:
        if value.kind == "number" and name.text not in FACTS:
            return float(value.text)
        if op not in ("=", "!="):
            self.index -= 1
            self.fail(f"{op} needs a number", "Compare words with = or !=.")
        return value.text.strip('"')


def terms(node: Node) -> Iterator[Term]:
    """All terms of an expression, from left to right."""
    if isinstance(node, Term):
        yield node
    elif isinstance(node, Not):
        yield from terms(node.part)
    else:
        for part in node.parts:
            yield from terms(part)


@lru_cache(maxsize=4096)
def parse(text: str) -> Node:
    """Read an expression; empty text is everyone. Raises `ExpressionError`."""
    return _Parser(text).parse()


def parse_requirement(text: str, known_skills: Collection[str] | None = None) -> Node:
    """Read an expression about agents. With `known_skills`, an unknown skill is an error too."""
    node = parse(text)
    for term in terms(node):
        by_word = isinstance(term.value, str)
        if term.name in FACTS and not by_word:
            raise ExpressionError(
                text, term.position, f"{term.name} needs a value", f"Write {term.name}=..., with a word."
            )
        if known_skills is not None and not by_word and term.name not in known_skills:
            near = get_close_matches(term.name, known_skills, 1)
            remedy = f"Did you mean {near[0]}?" if near else "Add the skill first, or correct its name."
            raise ExpressionError(text, term.position, f"unknown skill {term.name!r}", remedy)
    return node


def parse_condition(text: str) -> Node:
    """Read a condition on the state of a queue and an interaction. Raises `ExpressionError`."""
    node = parse(text)
    for term in terms(node):
        if term.name in FIGURES:
            if term.op and not isinstance(term.value, str):
                continue
            raise ExpressionError(text, term.position, f"{term.name} needs a number", f"Write {term.name}>=... or <...")
        if not isinstance(term.value, str):
            near = get_close_matches(term.name, FIGURES, 1)
            remedy = f"Did you mean {near[0]}?" if near else f"Figures are {', '.join(sorted(FIGURES))}."
            raise ExpressionError(text, term.position, f"unknown figure {term.name!r}", remedy)
    return node


def attributes_named(node: Node) -> frozenset[str]:
    """The interaction's attributes that the expression asks for by `$name`."""
    return frozenset(t.value[1:] for t in terms(node) if isinstance(t.value, str) and t.value.startswith("$"))


def bind(node: Node, attributes: Mapping[str, str], positive: bool = True) -> Node:
    """The expression with each `$name` replaced by the interaction's value (absent: the term holds for everybody).

    `positive` is false under a negation, where "holds for everybody" means that the term itself never does.
    """
    if isinstance(node, Term):
        if not isinstance(node.value, str) or not node.value.startswith("$"):
            return node
        value = attributes.get(node.value[1:], "")
        if value:
            return Term(node.name, node.op, value, node.position)
        return ANYONE if positive else NOBODY
    if isinstance(node, Not):
        return Not(bind(node.part, attributes, not positive))
    parts = tuple(bind(part, attributes, positive) for part in node.parts)
    return All(parts) if isinstance(node, All) else Any(parts)


def holds(node: Node, lookup: Callable[[str], float | str | None]) -> bool:
    """Whether a condition holds; `lookup` gives figures and attributes by name (None: unknown, compares false)."""
    if isinstance(node, Term):
        have = lookup(node.name)
        if isinstance(node.value, str):
            return (str(have or "") == node.value) == (node.op == "=")
        return isinstance(have, int | float) and _COMPARE[node.op](have, node.value)
    if isinstance(node, Not):
        return not holds(node.part, lookup)
    if isinstance(node, All):
        return all(holds(part, lookup) for part in node.parts)
    return any(holds(part, lookup) for part in node.parts)


def compare(op: str, have: float, value: float) -> bool:
    """`have op value`; a bare name (`op` empty) asks for 1 or more."""
    return have >= 1 if not op else _COMPARE[op](have, value)
