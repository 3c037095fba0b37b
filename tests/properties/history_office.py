"""The desks of a whole everpin at which operators order and advisories are read, each beside the model's."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from mirror.catalog.database import Catalog
from mirror.errors import NotThereError
from mirror.orders import Orders
from mirror.targets import Verb
from mirror.targets import order_of as parsed
from tests.properties import history_orders
from tests.properties.history_acts import Step, Upstream
from tests.properties.history_advisers import Advisers
from tests.properties.history_crashes import CrashError, CrashingCatalog
from tests.properties.history_model import HistoryModel
from tests.properties.history_nouns import Told
from tests.properties.history_orders import Order, order_of
from tests.watcher.houses import House


class Office:
    """Takes orders and reads advisories, in the house that stands now."""

    def __init__(
        self,
        upstream: Upstream,
        model: HistoryModel,
        advisers: Advisers,
        *,
        catalog: Catalog,
        house: Callable[[], House],
    ) -> None:
        self._upstream = upstream
        self._model = model
        self._advisers = advisers
        self._catalog = catalog
        self._house = house

    async def order(self, step: Step) -> None:
        """An operator's act is carried out, or refused where it means nothing."""
        order = order_of(step, self._upstream)
        assert await self._is_carried_out(self._house().orders, order) is history_orders.carry_out(self._model, order)

    async def crash_in_order(self, step: Step) -> None:
        """Everpin dies in the act; when it starts again, it finishes what it began."""
        verbs = history_orders.ORDERS
        order = order_of(Step(verbs[step.this % len(verbs)], step.project, step.this, step.that), self._upstream)
        house, before_commit = self._house(), step.this < 2
        catalog = CrashingCatalog(self._catalog, transaction=1 + step.that % 2, before_commit=before_commit)
        orders = Orders(catalog=catalog, store=house.supply.store, rules=house.rules, now=self._upstream.pypi.now)
        with suppress(CrashError):
            assert not await self._is_carried_out(orders, order)
        if not before_commit or step.that % 2:
            history_orders.carry_out(self._model, order)
        await self.begin()

    async def release_brake(self) -> None:
        """An operator has looked, and says that what is missing is gone."""
        await self._house().orders.carry_out(parsed(Verb.RELEASE, "brake", actor="olga", reason="so be it"))
        self._model.brake_released_at = self._upstream.pypi.now()
        self._model.told.append(Told("operator.act", "", None, None))

    async def begin(self) -> None:
        """What is done at each start."""
        await self._house().orders.finish()

    async def heed(self) -> bool:
        """Advisories are read, if it is time for that; False where nobody is heard."""
        reader = self._house().advisories
        assert reader is not None
        if not await reader.tick():
            return False
        self._model.heed(self._advisers.said)
        return True

    async def assert_heard(self) -> None:
        """Where everything works, advisories are read, however long that failed."""
        self._upstream.pypi.advance(timedelta(hours=2))
        assert await self.heed()

    async def _is_carried_out(self, orders: Orders, order: Order) -> bool:
        try:
            await orders.carry_out(
                parsed(Verb(order.verb), order.aim.text, actor="olga", reason="so be it", as_was=order.as_was)
            )
        except NotThereError:
            return False
        return True
