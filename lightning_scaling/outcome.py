"""What an estimate says of itself: an enum member whose text is the message a person reads."""

import enum


class Outcome(enum.Enum):
    """Base of every outcome and verdict: `str(member)` is its sentence, `member.name` is what programs compare."""

    def __str__(self) -> str:
        return str(self.value)
