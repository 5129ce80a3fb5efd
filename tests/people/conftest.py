"""Tests of people are coroutines: each runs on the event loop its database was opened on."""

import asyncio
import inspect

import pytest

from people.staff_fixture import Node, start_node
from tidegate.db.transaction import Database
from tidegate.kernel.ids import StaffId
from tidegate.people.model import Role


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    loop = pyfuncitem.funcargs["loop"]
    assert isinstance(loop, asyncio.AbstractEventLoop)
    wanted = inspect.signature(pyfuncitem.obj).parameters
    loop.run_until_complete(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
    return True


@pytest.fixture
def node(database: Database, loop: asyncio.AbstractEventLoop) -> Node:
    """A node with its first two administrators."""
    return loop.run_until_complete(start_node(database))


@pytest.fixture
def rita(node: Node, loop: asyncio.AbstractEventLoop) -> StaffId:
    """A reviewer."""
    return loop.run_until_complete(node.add("Rita Example", Role.REVIEWER))
