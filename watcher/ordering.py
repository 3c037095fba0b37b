"""What operators are told of their orders, whether they give them by command or over HTTP."""

from collections.abc import Iterator, Sequence

from mirror.catalog.files import FoundFile
from mirror.errors import StartError
from mirror.orders import CarriedOut, Orders
from mirror.targets import BrakeTarget, FilesTarget, Order, Verb


async def would_destroy(orders: Orders, order: Order) -> Sequence[FoundFile]:
    """The files whose bytes that purge would destroy. Raises NotThereError where it means none that is known."""
    if not isinstance(order.target, FilesTarget):
        raise StartError("the brake has no bytes")
    return await orders.would_purge(order.target)


def bytes_stored(found: Sequence[FoundFile]) -> int:
    """How much of it is in the store."""
    return sum(file.facts.listed_file.size or 0 for file in found if file.facts.stored_at is not None)


def remarks(order: Order, done: CarriedOut) -> Iterator[str]:
    """What whoever gave the order may not expect of what it did."""
    files = done.files
    if order.verb is Verb.BLOCK:
        yield (
            "what is seen of it later is blocked, too"
            if files
            else "no file of it is known yet; those seen later are blocked"
        )
    if order.verb is Verb.UNBLOCK and (still := sum(file.after.blocked_by is not None for file in files)):
        yield f"still blocked by another block: {still} of them; `everpin explain` names it"
    if order.verb is Verb.RELEASE and not isinstance(order.target, BrakeTarget) and not files:
        yield "nothing of it is held that this releases; blocked files need unblock, or release by their sha256"
