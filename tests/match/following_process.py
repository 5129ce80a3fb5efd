"""A second process for ``test_two_processes.py``: follows a database and a folder, and says what it finds.

Reads a value in hexadecimal a line, answers the signals it matches. With ``build`` it builds again and again instead.
"""

import asyncio
import secrets
import sys
from pathlib import Path

from tidegate.content.model import Fingerprints, Look
from tidegate.db.pool import open_pool
from tidegate.db.transaction import Database
from tidegate.flow import STORY
from tidegate.kernel.clock import system_clock
from tidegate.kernel.keys import Keyring
from tidegate.match.following import Follower
from tidegate.match.index import Index
from tidegate.match.upkeep import Upkeep
from tidegate.match.values import hamming
from tidegate.match.values.files import Folder

hamming.SCANNED = 8  # type: ignore[misc]  # tables even for a few entries


async def answer(database: Database, path: Path) -> None:
    index = Index(path)
    follower = Follower(database, index)
    await follower.catch_up()
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        value = bytes.fromhex(line)
        await follower.catch_up()
        asked = Fingerprints(sha256=value, looks=(Look(pdq=(value,), quality=100),), quality=100)
        print(*(match.signal for match in index.search(asked)[0]), flush=True)


async def build(database: Database, path: Path) -> None:
    keeper = Upkeep(database, Folder(path), build_from=1)
    print("ready", flush=True)
    while True:
        await keeper.once()


async def main(url: str, keys: str, path: str, what: str) -> None:
    async with open_pool(url, size=2) as pool:
        database = Database(pool, system_clock, secrets.token_bytes, Keyring.open(Path(keys)), STORY)
        await (build if what == "build" else answer)(database, Path(path))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
