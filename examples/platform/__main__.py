# ruff: noqa: A005 - a folder run by its path: nobody imports it as "platform"
"""Run the pretend platform: ``python examples/platform --help``. May decide: nothing."""

import argparse
import socket
from pathlib import Path

import uvicorn
from app import make_app
from node_client import Node
from store import Store


def main() -> None:
    """Read the options and serve until stopped."""
    options = argparse.ArgumentParser(prog="platform", description="A small pretend platform beside Tidegate.")
    options.add_argument("--port", type=int, default=8450, help="0 takes a free one")
    options.add_argument("--host", default="127.0.0.1", help="it has no sign-in: keep it on this machine")
    options.add_argument("--data", type=Path, default=Path(".platform"), help="folder of its database")
    options.add_argument("--node", default="http://127.0.0.1:8441", help="the node's platform listener")
    options.add_argument("--key-file", type=Path, required=True, help="file that holds the API key and nothing else")
    options.add_argument("--node-timeout", type=float, default=10, help="seconds an upload waits for its verdict")
    options.add_argument("--tick", type=float, default=0.5, help="seconds between two looks at the clock")
    options.add_argument("--pull", type=float, default=60, help="seconds between two readings of the node's stream")
    chosen = options.parse_args()
    node = Node(chosen.node, chosen.key_file.read_text().strip(), timeout=chosen.node_timeout)
    app = make_app(Store(chosen.data), node, tick=chosen.tick, pull=chosen.pull)
    # Bound here, as TCP by name: otherwise asyncio leaves out TCP_NODELAY and each answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((chosen.host, chosen.port))
    listener.listen()
    print(f"The pretend platform is at http://{chosen.host}:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
