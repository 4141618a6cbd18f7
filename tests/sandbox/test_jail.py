"""The kernel's walls alone: plain Python inside the jail, as if the language layer were broken."""

import pytest
import pytest_asyncio

from sandbox.base import Environment, Session, SessionSpec
from sandbox.errors import ProtocolViolation
from tests.sandbox.driver import SMALL, Ran, Recorder, run

pytestmark = pytest.mark.asyncio(loop_scope="module")

SYSCALLS = {
    "fork": 57, "vfork": 58, "execve": 59, "clone3": 435, "kill": 62, "tgkill": 234, "ptrace": 101, "socket": 41,
    "socketpair": 53, "pipe2": 293, "open": 2, "openat": 257, "openat2": 437, "stat": 4, "newfstatat": 262,
    "statx": 332, "access": 21, "readlink": 89, "getdents64": 217, "unlink": 87, "mkdir": 83, "rename": 82,
    "chmod": 90, "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308,
    "setuid": 105, "setresuid": 117, "capset": 126, "prctl": 157, "seccomp": 317, "bpf": 321, "perf_event_open": 298,
    "userfaultfd": 323, "io_uring_setup": 425, "memfd_create": 319, "process_vm_readv": 310, "process_vm_writev": 311,
    "pidfd_open": 434, "pidfd_send_signal": 424, "keyctl": 250, "add_key": 248, "prlimit64": 302, "setrlimit": 160,
    "ioctl": 16, "fcntl": 72, "dup": 32, "dup2": 33, "sendmsg": 46, "recvmsg": 47, "shmget": 29, "msgget": 68,
    "inotify_init1": 294, "name_to_handle_at": 303, "open_by_handle_at": 304, "landlock_create_ruleset": 444,
    "personality": 135, "sysinfo": 99, "uname": 63, "getppid": 110, "sched_setaffinity": 203, "clock_settime": 227,
    "reboot": 169, "init_module": 175, "arch_prctl": 158, "modify_ldt": 154, "pkey_mprotect": 329,
}  # fmt: skip
CALL = "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"


@pytest_asyncio.fixture(loop_scope="module")
async def raw(bypassed: Environment) -> Session:
    """A session without a language layer."""
    return await bypassed.open(SessionSpec(profile=SMALL, functions=("llm_query",)))


async def attempt(session: Session, code: str, handler: Recorder | None = None) -> Ran:
    try:
        return await run(session, code, handler)
    finally:
        await session.close()


async def test_bypass_is_real(raw: Session) -> None:
    ran = await attempt(raw, "import sys, os\n[].__class__.__base__, 'posix' in sys.modules, os.getpid() > 0")
    assert ran.value == "(<class 'object'>, True, True)"


async def test_no_system_call_beyond_the_list_works(raw: Session) -> None:
    code = CALL + (
        f"failed = {{}}\nfor name, number in {SYSCALLS!r}.items():\n"
        "    result = libc.syscall(number, 0, 0, 0, 0, 0, 0)\n"
        "    failed[name] = (result, ctypes.get_errno())\n"
        "{name: got for name, got in failed.items() if got != (-1, 1)}"
    )
    assert (await attempt(raw, code)).value == "{}"


@pytest.mark.parametrize(
    "code",
    [
        "open('/etc/passwd').read()",
        "open('/proc/self/environ').read()",
        "open('/proc/self/mem', 'wb')",
        "open('/tmp/x', 'w')",
        "import os\nos.stat('/')",
        "import os\nos.listdir('/')",
        "import os\nos.getcwd()",
        "import os\nos.fork()",
        "import os\nos.kill(1, 9)",
        "import os\nos.pipe()",
        "import os\nos.memfd_create('x')",
        "import os\nos.execv('/bin/sh', ['sh'])",
        "import os\nos.posix_spawn('/bin/true', ['true'], {})",
        "import os\nos.setuid(0)",
        "import os\nos.dup(0)",
        "import socket\nsocket.socket()",
        "import socket\nsocket.socket(socket.AF_UNIX)",
        "import socket\nsocket.socketpair()",
        "import mmap\nmmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)",
    ],
)
async def test_python_is_refused_by_the_kernel(raw: Session, code: str) -> None:
    error = (await attempt(raw, code)).result.error
    assert error is not None
    assert error.type == "PermissionError"
    assert "Operation not permitted" in error.message


async def test_threads_cannot_be_started(raw: Session) -> None:
    error = (await attempt(raw, "import _thread\n_thread.start_new_thread(print, ())")).result.error
    assert error is not None
    assert (error.type, error.message) == ("RuntimeError", "can't start new thread")


async def test_no_other_descriptor_is_open(raw: Session) -> None:
    code = (
        "import os, errno\nopen_ = []\nfor fd in range(1, 4096):\n    try:\n        os.read(fd, 0)\n"
        "        open_.append(fd)\n    except OSError as e:\n"
        "        if e.errno != errno.EBADF:\n            open_.append(fd)\n"
        "open_"
    )
    assert (await attempt(raw, code)).value == "[]"


async def test_environment_and_identity_tell_nothing(raw: Session) -> None:
    ran = await attempt(
        raw, "import os, sys\ndict(os.environ), [m for m in sys.modules if 'django' in m or 'rlmlab' in m]"
    )
    assert ran.value == "({}, [])"


async def test_memory_beyond_the_limit_is_refused(raw: Session) -> None:
    error = (await attempt(raw, "import mmap\nmmap.mmap(-1, 200 << 20)")).result.error
    assert error is not None
    assert "Cannot allocate memory" in error.message


@pytest.mark.parametrize(
    "code",
    ["import ctypes\nctypes.string_at(0)", "import os\nos.abort()", "import os\nos._exit(0)"],
)
async def test_death_of_the_guest_is_a_killed_cell(raw: Session, code: str) -> None:
    ran = await attempt(raw, code)
    assert (ran.result.status, ran.result.alive) == ("killed", False)


FORGE = """import os, struct, json
def send(frame):
    body = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
    os.write(0, struct.pack(">I", len(body)) + body)
"""


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        ("{'t': 'call', 'ordinal': 1, 'name': 'delete_everything', 'args': [], 'kwargs': {}}", "unknown function"),
        ("{'t': 'call', 'ordinal': 7, 'name': 'llm_query', 'args': ['x'], 'kwargs': {}}", "out of order"),
        ("{'t': 'ready', 'missing': []}", "a frame 'ready' while running"),
        ("{'t': 'output', 'channel': 'nowhere', 'text': 'x'}", "malformed"),
        ("b'\\x80\\x04cposix\\nsystem\\n(Vid\\ntR.'", "no ASCII JSON"),
        ("b'[' * 100000", "no ASCII JSON"),
    ],
)
async def test_forged_frame_ends_the_session(raw: Session, frame: str, what: str) -> None:
    with pytest.raises(ProtocolViolation, match=what):
        await attempt(raw, f"{FORGE}send({frame})\nwhile True: pass")


async def test_forged_flood_of_output_ends_the_session(raw: Session) -> None:
    flood = "while True: send({'t': 'output', 'channel': 'stdout', 'text': 'x' * 100000})"
    with pytest.raises(ProtocolViolation, match="output beyond its limit"):
        await attempt(raw, FORGE + flood)


async def test_announced_giant_frame_ends_the_session(raw: Session) -> None:
    with pytest.raises(ProtocolViolation, match="a frame of 4294967295 bytes"):
        await attempt(raw, "import os\nos.write(0, b'\\xff' * 4)\nwhile True: pass")


async def test_forged_end_of_cell_leaves_the_next_frame_out_of_turn(raw: Session) -> None:
    submission = {"content": "x", "ready": True, "dialect": "answer"}
    done = {"t": "done", "cell": 1, "error": None, "submission": submission, "truncated": {}}
    ran = await run(raw, f"{FORGE}send({done})")
    assert ran.result.submission.ready
    with pytest.raises(ProtocolViolation):
        await attempt(raw, "1")


async def test_closing_the_channel_is_a_killed_cell(raw: Session) -> None:
    ran = await attempt(raw, "import os\nos.close(0)\nwhile True: pass")
    assert ran.result.status == "killed"
