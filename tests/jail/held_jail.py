"""A jail with an engine that misbehaves, on an event loop of its own."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from tidegate.jail import Jail

Result = TypeVar("Result")

HERE = Path(__file__).parent

_SETTINGS: dict[str, Any] = {"engines": ["misbehaving"], "sys_path": [HERE]}


class HeldJail:
    """Runs the asynchronous jail from synchronous tests."""

    def __init__(self, **settings: Any) -> None:
        self.jail = Jail(**(_SETTINGS | settings))
        self.runner = asyncio.Runner()
        try:
            self.runner.run(self.jail.start())
        except BaseException:
            self.runner.close()
            raise

    def do(self, what: Awaitable[Result]) -> Result:
        async def wait() -> Result:
            return await what

        return self.runner.run(wait())

    def run(self, function: str, data: bytes = b"", arguments: bytes = b"", **settings: Any) -> bytes:
        return self.do(self.jail.run(f"misbehaving:{function}", data, arguments, **settings))

    def stop(self) -> None:
        with self.runner:
            self.runner.run(self.jail.stop())


MakeJail = Callable[..., HeldJail]
