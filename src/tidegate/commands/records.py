"""Commands on the record itself, given at the machine: rebuilding views, links for people. May decide: nothing."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from pydantic import SecretStr

from tidegate.db.pool import open_pool
from tidegate.db.rebuild import rebuild
from tidegate.db.transaction import MACHINE, Database, Transaction
from tidegate.flow import STORY, VIEWS
from tidegate.kernel.clock import system_clock
from tidegate.kernel.errors import ConfigurationError, NotFound
from tidegate.kernel.ids import StaffId
from tidegate.kernel.keys import Keyring
from tidegate.people import sign_in, steps, store
from tidegate.settings import Settings

Result = TypeVar("Result")


async def at_the_machine(
    settings: Settings, action: Callable[[Database], Awaitable[Result]], *, url: SecretStr | None = None
) -> Result:
    """Do something with the database of the settings, without a node.

    Raises:
        ConfigurationError: no database is named.
    """
    chosen = url or settings.database_url
    if chosen is None:
        raise ConfigurationError("No database: set TIDEGATE_DATABASE_URL, or start the node first.")
    async with open_pool(chosen.get_secret_value(), size=4) as pool:
        keys = Keyring.open(settings.keys_directory)
        return await action(Database(pool, system_clock, secrets.token_bytes, keys, STORY))


async def rebuild_views(settings: Settings) -> dict[str, int]:
    """Fold all events again and compare; give the number of rows that differ, by view."""
    return await at_the_machine(settings, lambda database: rebuild(database, VIEWS), url=settings.database_owner_url)


async def first_administrator(settings: Settings) -> str | None:
    """Make the first administrator and a one-time link, when nobody is on the staff yet."""

    async def make(database: Database) -> str | None:
        async with database.transaction(MACHINE) as tx:
            if (await store.count_staff(tx))[0]:
                return None
            return await _link(tx, await steps.bootstrap(tx, "First administrator"), settings)

    return await at_the_machine(settings, make)


async def links_for(settings: Settings, names_or_ids: Sequence[str]) -> list[str]:
    """Make a one-time link for each of these people on the staff, by id or by name.

    Raises:
        NotFound: nobody, or several, have one of the names.
    """

    async def make(database: Database) -> list[str]:
        async with database.transaction(MACHINE) as tx:
            return [await _link(tx, await _named(tx, wanted), settings) for wanted in names_or_ids]

    return await at_the_machine(settings, make)


async def _named(tx: Transaction, wanted: str) -> StaffId:
    staff = await store.all_staff(tx)
    found = [each.id for each in staff if str(each.id) == wanted or await store.name_of(tx, each.id) == wanted]
    if len(found) != 1:
        raise NotFound(f'{len(found)} people on the staff are called "{wanted}": name one by id.')
    return found[0]


async def _link(tx: Transaction, staff: StaffId, settings: Settings) -> str:
    token = await sign_in.make_link(tx, staff)
    return f"{str(settings.staff_url).rstrip('/')}/sign-in/link?token={token}"
