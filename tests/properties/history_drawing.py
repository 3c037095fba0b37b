"""Draws histories: of steps of every kind, the most telling ones more often, or of those of one theme only."""

from collections.abc import Sequence

from hypothesis import strategies as st

from tests.properties.history_acts import ACTS, Step
from tests.properties.history_orders import ORDERS

# What is frequent in a history, so that it has something to lose.
_FREQUENT = {
    "upload": 5,
    "upload_young": 2,
    "delete_file": 2,
    "delete_release": 3,
    "delete_project": 2,
    "yank": 2,
    "quarantine_project": 2,
    "clear_project": 3,
    "quarantine_release": 2,
    "clear_release": 3,
    "restore": 3,
    "poll": 6,
    "refresh": 4,
    "watch": 4,
    "page": 5,
    "file": 4,
    "advance": 3,
}
_ADVICE = ("advise", "withdraw", "advisers_down", "heed")
_EVERPINS = (
    "poll",
    "poll_in_small_pages",
    "poll_twice_at_once",
    "crash_in_poll",
    "crash_in_refresh",
    "crash_in_order",
    "confirm",
    "look_for_all",
    "release_brake",
    "refresh",
    "keep",
    "watch",
    "page",
    "file",
    "metadata",
    "advance",
    "restart",
)
# Nothing comes first: a failing history shrinks towards it.
_WEIGHTED = [
    "nothing",
    *(verb for verb in (*ACTS, *ORDERS, *_ADVICE, *_EVERPINS) for _ in range(_FREQUENT.get(verb, 1))),
]


# What some histories are only about: in so few steps, one about everything seldom gets far with anything.
_LIVES = ("upload", "delete_project", "register", "add_owner", "restore", "upload_same_name", "delete_file", "yank")
_QUARANTINES = ("quarantine_project", "clear_project", "quarantine_release", "clear_release")
_SEEN = ("poll", "poll_in_small_pages", "crash_in_poll", "crash_in_refresh", "page", "watch")
# The page is asked for though no row says so, and then everpin dies, or not.
_YANKS = ("yank", "yank", "unyank", "unyank_and_delete", "crash_in_refresh", "crash_in_refresh")
_FETCHED = ("files_down", "file_broken", "file_broken", "forget", "file", "file", "metadata", "keep", "advance")
_RELEASED = ("release", "release", "release_as_was", "block", "unblock")
_BANNED = (*ORDERS, "crash_in_order", "advise", "advise", "withdraw", "heed", "heed")
_ABSENCES = ("vanish", "vanish", "find_again", "restore", "page_broken", "confirm", *("look_for_all",) * 4)
_THEMES = (
    tuple(_WEIGHTED),
    ("nothing", "upload", "upload", "delete_release", "delete_file", "delete_project", *_ABSENCES, *_SEEN, "keep"),
    ("nothing", *_LIVES, *_QUARANTINES, *_ABSENCES, *_RELEASED, "journal_down", "release_brake", *_SEEN),
    ("nothing", "upload", "upload_young", "delete_release", "delete_file", "restore", *_BANNED, *_SEEN, "file", "keep"),
    ("nothing", *_LIVES, *_RELEASED, *_QUARANTINES, "delete_release", "advance", *_SEEN),
    ("nothing", *_LIVES, *_BANNED, *_SEEN, "file", "keep", "advance", "restart"),
    ("nothing", *_LIVES, *_SEEN),
    ("nothing", "upload", "delete_file", "delete_release", "restore", *_QUARANTINES, *_SEEN),
    ("nothing", *_LIVES, *_QUARANTINES, "delete_release", "unyank_and_delete", "vanish", "advance", *_SEEN),
    ("nothing", "upload", "upload", "delete_release", "restore", "quarantine_release", *_FETCHED, *_SEEN),
    ("nothing", "upload", "upload", "delete_release", "delete_file", "advance", "advance", *_YANKS, *_YANKS, *_SEEN),
    ("nothing", "upload", "upload", "delete_release", "advance", "advance", "restore", *_YANKS, "yank_unseen", *_SEEN),
    ("nothing", *_LIVES, *_QUARANTINES, "cdn", "lose_purge", "purges", "page_broken", *_SEEN),
)


def steps(verbs: Sequence[str] = _WEIGHTED) -> st.SearchStrategy[Step]:
    """Any step of these verbs; most are about the first project."""
    return st.builds(
        Step,
        st.sampled_from(verbs),
        st.sampled_from((0, 0, 0, 0, 1, 2)),
        st.integers(0, 7),
        st.integers(0, 3),
    )


def histories() -> st.SearchStrategy[list[Step]]:
    """Some start with a project that is known and whose files are kept, so that more of them get far."""
    begun = [
        Step("upload", 0, 0, 0),
        Step("upload", 0, 0, 1),
        Step("upload", 0, 2, 0),
        Step("page"),
        Step("file", 0, 0),
        Step("watch"),
    ]
    more = st.sampled_from(_THEMES).flatmap(lambda verbs: st.lists(steps(verbs), min_size=15, max_size=60))
    set_up = st.builds(Step, st.just("set_up"), st.just(0), st.integers(0, 2), st.integers(0, 2))
    chosen = st.builds(lambda first, rest: [first, *rest], set_up, more)
    return st.one_of(more, more.map(lambda rest: begun + rest), chosen.map(lambda all_: [all_[0], *begun, *all_[1:]]))
