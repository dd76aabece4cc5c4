"""Flask apps are built once and one at a time, however many clients come first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Lock

from flask import Flask

from emulator.servers.http.building import built_once

_CLIENTS = 8


def test_an_app_is_built_once_and_none_beside_it() -> None:
    alone, built, arrived = Lock(), [], Barrier(_CLIENTS)

    @built_once
    def app(name: str) -> Flask:
        assert alone.acquire(blocking=False), "two apps are built at once"
        made = Flask(name)
        built.append(name)
        alone.release()
        return made

    def ask(number: int) -> Flask:
        arrived.wait()
        return app(f"app{number % 2}")

    with ThreadPoolExecutor(_CLIENTS) as pool:
        found = list(pool.map(ask, range(_CLIENTS)))
    assert sorted(built) == ["app0", "app1"]
    assert len(set(map(id, found))) == 2
