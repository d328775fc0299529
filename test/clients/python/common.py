"""What the Python clients share: their settings, their tags and the counting of checks.

Every value a client sends carries a tag that no other session and no other process
uses, so an answer that went to the wrong session cannot pass for the right one.
"""
import asyncio
import os
import sys
import threading
import time
import traceback

CLIENTS = int(os.environ.get("CLIENTS", "12"))
ROUNDS = int(os.environ.get("ROUNDS", "20"))
COPY_ROWS = 50
CANCEL_SECONDS = 5

# A sleeping query occupies a server and the watcher needs another one, so a
# process cancels one query at a time.
WATCH = ("select count(*) from pg_stat_activity "
         "where wait_event = 'PgSleep' and strpos(query, {}) > 0")

_lock = threading.Lock()
_checks = 0


class Mismatch(Exception):
    pass


def expect(what, expected, came):
    """Count one check, or say what was expected and what came."""
    global _checks
    if expected != came:
        raise Mismatch(f"{what}: expected {expected!r}, got {came!r}")
    with _lock:
        _checks += 1


def tag(session, n):
    return f"{os.getpid()}-s{session}-r{n}"


def table(driver):
    return f"clients_{driver}_{os.getpid()}"


def own_text(session):
    """A statement text of this session alone, under whatever name the driver gives it."""
    return f"select 'p{os.getpid()}s{session}' || "


def own_answer(session, value):
    return f"p{os.getpid()}s{session}{value}"


def deadline():
    return time.monotonic() + CANCEL_SECONDS


def expect_in_time(what, until):
    expect(f"{what} within {CANCEL_SECONDS} s", True, time.monotonic() < until)


def finish(driver, version):
    print(f"ok {driver} {version} {_checks} checks")


def die(error):
    """One line for the reader of the suite, the trace for who looks closer."""
    sys.stdout.flush()
    trace = "".join(traceback.format_exception(error))
    print(f"{trace}failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    os._exit(1)


def in_threads(session):
    """Run SESSION(number) in CLIENTS threads; the first failure ends the process."""
    def guarded(number):
        try:
            session(number)
        except BaseException as error:
            die(error)
    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


async def in_tasks(session):
    """Run SESSION(number) in CLIENTS tasks; the first failure ends them all."""
    await asyncio.gather(*(session(i) for i in range(CLIENTS)))
