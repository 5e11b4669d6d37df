"""What an owner writes on a job: a note, and tags to find it by."""

from collections.abc import Sequence

from openccp.core.problems import InvalidRequest

MOST_TAGS = 20
LONGEST_TAG = 50
LONGEST_NOTE = 2_000


def checked_tags(given: Sequence[str]) -> tuple[str, ...]:
    """Tags as they are kept: in order, each once, without spaces around it.

    InvalidRequest for more than 20 given, for one longer than 50 letters, and for one with a
    comma or a letter that cannot be seen.
    """
    if len(given) > MOST_TAGS:
        raise InvalidRequest(f"A job has at most {MOST_TAGS} tags.")
    tags = tuple(sorted({tag.strip() for tag in given} - {""}))
    for tag in tags:
        if len(tag) > LONGEST_TAG or "," in tag or not tag.isprintable():
            raise InvalidRequest(
                f"A tag has at most {LONGEST_TAG} letters that can be seen, and no comma."
            )
    return tags


def checked_note(given: str) -> str | None:
    """A note as it is kept; an empty one is none. InvalidRequest where it is too long."""
    note = given.strip()
    if len(note) > LONGEST_NOTE:
        raise InvalidRequest(f"A note has at most {LONGEST_NOTE} letters.")
    return note or None
