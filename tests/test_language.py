"""Plain English in documents, docstrings, messages, help texts and comments.

The expressions below are rare, old or private; each has a common one in its place.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator

from documents import PAGES, ROOT, text_of

# A regular expression, and what to write instead.
AVOID = {
    r"\b(?:is|are|was|were) (?-i:none)\b": "it is not ..., there are no ...",
    r"\bmend(?:s|ed|ing)?\b": "fix, repair",
    r"\bbeside\b": "next to, around, compared with",
    r"\b(?:there|here|where)(?:of|in|by|upon|with|unto)\b": "of it, in it, with it",
    r"\b(?:whil|among|amid)st\b": "while, among",
    r"\b(?:hitherto|henceforth|albeit|lest|n[ao]ught|thence|whence|withal|viz)\b": "a common word",
    r"\bupon\b": "on",
    r"\butili[sz]": "use",
    r"\b(?:right|wrong)ly\b": "correctly, incorrectly",
    r"\blook(?:s|ed)? again\b": "refresh",
    r"\bfor want of\b": "because ... is missing",
    r"\bbut for\b": "except for",
    r"\bshall\b": "should, will",
    r"\bin lieu of\b": "instead of",
    r"\b(?:prior|subsequent(?:ly)?) to\b": "before, after",
    r"\bin order to\b": "to",
    r"\bdue to the fact\b": "because",
    r"\bit is (?:worth noting|important to note)\b": "leave it out",
    r"\b(?:artefact|behaviour|centre|colour|grey|licence)s?\b": "American spelling",
    r"\b(?:simply|basically|really|obviously|of course)\b": "leave it out",
    # A sentence whose subject is a clause with "what", as in "What D cannot see wanders."
    r"(?:^|[.;] |\"\"\")What (?:\w+ ){1,8}?(?:is|are|has|goes|travels|wanders|raises|lies)\b"
    r"(?![^.\n]*\?)": "name the thing: 'Details that D cannot see change'",
    # A docstring that is such a clause.
    r'"""What \w': "name the thing: 'The output of ...', or say what it does: 'Checks ...'",
}


def texts() -> Iterator[tuple[str, str]]:
    """A place and a text: the pages, and the strings and comments of the code."""
    for page in PAGES:
        yield page.relative_to(ROOT).as_posix(), text_of(page)
    for package in ("keras_gan", "export", "serving"):
        for path in sorted((ROOT / package).rglob("*.py")):
            source = io.StringIO(path.read_text(encoding="utf-8"))
            for token in tokenize.generate_tokens(source.readline):
                if token.type in (tokenize.COMMENT, tokenize.STRING) and " " in token.string:
                    yield f"{path.relative_to(ROOT)}:{token.start[0]}", token.string


def findings(text: str) -> Iterator[str]:
    """The expressions to avoid in a text, each with a common one."""
    for expression, instead in AVOID.items():
        spaces = expression.replace(" ", r"\s+")
        for match in re.finditer(spaces, text, re.MULTILINE | re.IGNORECASE):
            yield f"{' '.join(match[0].split())!r}: {instead}"


def test_expressions_are_found() -> None:
    text = "There are none\nbeside it. What D cannot see wanders. What is it? Whatever is new is."
    assert len(list(findings(text))) == 3
    assert list(findings("Nothing is missing. None is a value. Next to it. Forward pass.")) == []


def test_english_is_plain() -> None:
    found = [f"{place}: {finding}" for place, text in texts() for finding in findings(text)]
    assert found == [], "\n".join(found)
