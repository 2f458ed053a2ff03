"""How a process is told to stop, at whatever point of its life."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def ending_like_ctrl_c() -> Iterator[None]:
    """SIGTERM and a closed terminal let go in order too, unless they were being ignored (`nohup`)."""
    numbers = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def until_told_to_stop(say: Callable[[], None]) -> Iterator[asyncio.Event]:
    """Ctrl-C, SIGTERM and a closed terminal end what goes on inside, at whatever await it is; the event is set then.

    Once is enough: letting go in order is not hurried by a second one. A command started by `nohup` outlives its
    terminal as before.
    """
    loop, task, told = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()
    assert task is not None, "this runs in a task"

    def stop() -> None:
        if not told.is_set():
            told.set()
            say()
            task.cancel()

    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop)
    try:
        yield told
    except asyncio.CancelledError:
        if not told.is_set():
            raise
        task.uncancel()
