"""Print deploy/seccomp-worker.json: the system calls of a worker's container, an allow-list.

Narrower than Docker's own profile but for one call: `unshare` with exactly the flags of the jail, so that a guest can
leave the container's namespaces as it leaves a host's. What creates other namespaces, mounts, traces, loads or opens
by handle is not on the list. The format is Docker's (docs.docker.com, "Seccomp security profiles for Docker").
"""

import json
from typing import Any, Final

from sandbox.guest import jail

GROUPS: Final[dict[str, str]] = {
    "files": """
        access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
        fallocate fchdir fchmod fchmodat fchown fchownat fcntl fdatasync fgetxattr flock fstat fstatfs fsync ftruncate
        futimesat getcwd getdents getdents64 getxattr inotify_add_watch inotify_init1 inotify_rm_watch ioctl lchown
        lgetxattr link linkat listxattr lseek lstat memfd_create mkdir mkdirat newfstatat open openat openat2 pipe pipe2
        pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv rename renameat
        renameat2 rmdir sendfile splice stat statfs statx symlink symlinkat sync_file_range truncate umask unlink
        unlinkat utime utimensat utimes write writev
    """,
    "memory": "brk madvise membarrier mincore mlock mlock2 mmap mprotect mremap msync munlock munmap",
    "processes and threads": """
        arch_prctl capget execve execveat exit exit_group fork get_robust_list getcpu getegid geteuid getgid getgroups
        getpgid getpgrp getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid gettid getuid kill
        pidfd_open pidfd_send_signal rseq sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getparam
        sched_getscheduler sched_setaffinity sched_yield set_robust_list set_tid_address setgid setgroups setpgid
        setpriority setresgid setresuid setsid setuid sysinfo tgkill times tkill uname vfork wait4 waitid
    """,
    "signals and time": """
        alarm clock_getres clock_gettime clock_nanosleep getitimer gettimeofday nanosleep pause restart_syscall
        rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait setitimer
        sigaltstack signalfd4 time timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
        timerfd_gettime timerfd_settime
    """,
    "waiting": """
        epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 futex futex_waitv poll
        ppoll pselect6 select
    """,
    "network": """
        accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg sendmmsg sendmsg
        sendto setsockopt shutdown socketpair
    """,
    "what else a process reads": "getrandom",
    "the jail's walls": """
        capset landlock_create_ruleset landlock_restrict_self prctl prlimit64 seccomp setrlimit
    """,
}
SOCKET_FAMILIES: Final = {"unix": 1, "inet": 2, "inet6": 10, "netlink": 16}  # netlink: how glibc reads the addresses
JAIL_NAMESPACES: Final = jail._CLONE_NEWUSER | jail._CLONE_NEWNET | jail._CLONE_NEWIPC | jail._CLONE_NEWUTS  # noqa: SLF001
ANY_NAMESPACE: Final = 0x7E020000
ENOSYS: Final = 38
MACHINES: Final = ("SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64")


def _rule(names: list[str], comment: str, *conditions: dict[str, Any]) -> dict[str, Any]:
    rule: dict[str, Any] = {"comment": comment, "names": names, "action": "SCMP_ACT_ALLOW"}
    return {**rule, "args": list(conditions)} if conditions else rule


def profile() -> dict[str, Any]:
    """Return the whole profile."""
    rules = [_rule(sorted(names.split()), group) for group, names in GROUPS.items()]
    rules += [
        _rule(["socket"], f"{family} sockets", {"index": 0, "value": number, "op": "SCMP_CMP_EQ"})
        for family, number in SOCKET_FAMILIES.items()
    ]
    rules += [
        _rule(
            ["clone"], "threads and children, in the same namespaces",
            {"index": 0, "value": ANY_NAMESPACE, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"},
        ),
        _rule(
            ["unshare"], "the jail's user, network, IPC and UTS namespaces, all at once and nothing else",
            {"index": 0, "value": JAIL_NAMESPACES, "op": "SCMP_CMP_EQ"},
        ),
        # its flags lie in memory, where a filter cannot look: the C library falls back to clone
        {"comment": "not there", "names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": ENOSYS},
    ]  # fmt: skip
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "archMap": [{"architecture": machine, "subArchitectures": []} for machine in MACHINES],
        "syscalls": rules,
    }


if __name__ == "__main__":
    print(json.dumps(profile(), indent=2))
