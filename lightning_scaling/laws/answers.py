"""The answer to a question about a law: yes, or no with what would change it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """True or false in an `if`; as text "yes", or "no" with the remedy.

    >>> str(Answer(False, "add a larger run")), bool(Answer(True))
    ('no: add a larger run', True)
    """

    yes: bool
    remedy: str = ""

    def __bool__(self) -> bool:
        return self.yes

    def __str__(self) -> str:
        return "yes" if self.yes else f"no: {self.remedy}"


YES = Answer(True)


def answer(yes: bool, remedy: object) -> Answer:
    """YES, or a no with the text of `remedy` (an outcome or a sentence)."""
    return YES if yes else Answer(False, str(remedy))
