/** A seccomp profile in the form that container runtimes read (OCI runtime-spec, `linux.seccomp`). */
export interface SeccompProfileFile {
  readonly defaultAction: "SCMP_ACT_ERRNO";
  readonly defaultErrnoRet: number;
  readonly archMap: readonly { architecture: string; subArchitectures: readonly string[] }[];
  readonly syscalls: readonly SyscallRule[];
}

interface SyscallRule {
  readonly names: readonly string[];
  readonly action: "SCMP_ACT_ALLOW" | "SCMP_ACT_ERRNO";
  readonly errnoRet?: number;
  readonly args?: readonly { index: number; value: number; valueTwo?: number; op: string }[];
}

const files = `access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat faccessat2 fadvise64
  fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fremovexattr
  fsetxattr fstat fstatfs fsync ftruncate futimesat getcwd getdents getdents64 getxattr ioctl lchown lgetxattr link
  linkat listxattr llistxattr lremovexattr lseek lsetxattr lstat mkdir mkdirat mknod mknodat newfstatat open openat
  openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv removexattr rename
  renameat renameat2 rmdir sendfile setxattr splice stat statfs statx symlink symlinkat sync sync_file_range syncfs tee
  truncate umask unlink unlinkat utime utimensat utimes vmsplice write writev`;

const processes = `alarm arch_prctl capget capset execve execveat exit exit_group fork vfork getegid geteuid getgid
  getgroups getpgid getpgrp getpid getppid getpriority getresgid getresuid getrlimit getrusage getsid gettid getuid
  kill pause pidfd_open pidfd_send_signal prctl prlimit64 restart_syscall rseq rt_sigaction rt_sigpending
  rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_get_priority_max
  sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval
  sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp set_robust_list
  get_robust_list set_tid_address setfsgid setfsuid setgid setgroups setitimer getitimer setpgid setpriority setregid
  setresgid setresuid setreuid setrlimit setsid setuid sigaltstack sysinfo tgkill time times tkill uname wait4 waitid
  getcpu`;

const memory = `brk futex futex_wait futex_waitv futex_wake futex_requeue madvise map_shadow_stack membarrier mincore
  mlock mlock2 mlockall mmap mprotect mremap mseal msync munlock munlockall munmap memfd_create pkey_alloc pkey_free
  pkey_mprotect`;

const events = `epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 inotify_add_watch
  inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_setup io_submit pipe pipe2 poll ppoll
  pselect6 select signalfd signalfd4 timer_create timer_delete timer_getoverrun timer_gettime timer_settime
  timerfd_create timerfd_gettime timerfd_settime clock_getres clock_gettime clock_nanosleep getrandom gettimeofday
  nanosleep mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd semctl
  semget semop semtimedop shmat shmctl shmdt shmget`;

const sockets = `accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg recvmsg
  sendmmsg sendmsg sendto setsockopt shutdown socketpair`;

/** CLONE_NEW* flags: namespaces that an agent must not create (user, mount, pid, net, ipc, uts, cgroup, time is clone3's). */
const namespaceFlags = 0x7e02_0000;

const addressFamilies = { unix: 1, inet: 2, inet6: 10, netlink: 16 };

/**
 * Seccomp profile of an agent: what Node, Bun, Chromium and common tools call, and nothing else. Left out on purpose:
 * ptrace and process_vm_*, mount, unshare and setns, bpf, perf_event_open, io_uring, userfaultfd, keyctl, kexec, module
 * and clock calls, name_to_handle_at and open_by_handle_at, raw and packet sockets.
 */
export const seccompProfile: SeccompProfileFile = {
  defaultAction: "SCMP_ACT_ERRNO",
  defaultErrnoRet: 1,
  archMap: [
    { architecture: "SCMP_ARCH_X86_64", subArchitectures: [] },
    { architecture: "SCMP_ARCH_AARCH64", subArchitectures: [] },
  ],
  syscalls: [
    {
      names: [files, processes, memory, events, sockets].flatMap((names) => names.split(/\s+/)),
      action: "SCMP_ACT_ALLOW",
    },
    {
      names: ["clone"],
      action: "SCMP_ACT_ALLOW",
      args: [{ index: 0, value: namespaceFlags, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
    },
    // clone3 hides its flags behind a pointer; ENOSYS makes the C library fall back to clone.
    { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 },
    ...Object.values(addressFamilies).map(
      (family): SyscallRule => ({
        names: ["socket"],
        action: "SCMP_ACT_ALLOW",
        args: [{ index: 0, value: family, op: "SCMP_CMP_EQ" }],
      }),
    ),
  ],
};
