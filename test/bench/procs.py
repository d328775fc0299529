"""procs.py - what processes cost: CPU, memory, system calls.

Reads /proc and asks perf (or strace). Whose processes these are and what they did meanwhile
is the caller's business.
"""
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")


def read(path):
	with open(path, encoding="ascii", errors="replace") as f:
		return f.read()


def stat_fields(pid):
	"""The fields of /proc/PID/stat from the third (state) on."""
	text = read(f"/proc/{pid}/stat")
	return text[text.rindex(")") + 2:].split()


def tree(pids):
	"""PIDS and all their descendants."""
	children = {}
	for name in os.listdir("/proc"):
		if name.isdigit():
			try:
				children.setdefault(int(stat_fields(name)[1]), []).append(int(name))
			except (OSError, ValueError):
				pass
	found, todo = [], list(pids)
	while todo:
		pid = todo.pop()
		if pid not in found:
			found.append(pid)
			todo += children.get(pid, [])
	return found


def sample(pids):
	"""CPU (nanoseconds by schedstat, ticks by stat) and context switches of the trees."""
	sums = dict(ns=0, user=0, system=0, dead=0, switches=0)
	for pid in tree(pids):
		try:
			fields = stat_fields(pid)
			sums["user"] += int(fields[11])
			sums["system"] += int(fields[12])
			sums["dead"] += int(fields[13]) + int(fields[14])
			for thread in os.listdir(f"/proc/{pid}/task"):
				task = f"/proc/{pid}/task/{thread}"
				sums["ns"] += int(read(f"{task}/schedstat").split()[0])
				sums["switches"] += sum(map(int, re.findall(r"ctxt_switches:\s+(\d+)",
					read(f"{task}/status"))))
		except (OSError, ValueError):
			pass
	return sums


def cost(before, after, transactions, seconds):
	"""Two samples as figures per transaction."""
	ns = after["ns"] - before["ns"] + (after["dead"] - before["dead"]) * 1e9 / TICKS
	user, system = (after[k] - before[k] for k in ("user", "system"))
	each = ns / 1e3 / transactions if transactions else 0
	return dict(cpu_s=ns / 1e9, cpu_us=each,
		usr_us=each * user / max(1, user + system), sys_us=each * system / max(1, user + system),
		busy=ns / 1e9 / seconds if seconds else 0,
		csw=(after["switches"] - before["switches"]) / transactions if transactions else 0)


def memory(pids):
	"""Bytes (rss, pss) of the trees; pss counts shared pages once."""
	rss = pss = 0
	for pid in tree(pids):
		try:
			text = read(f"/proc/{pid}/smaps_rollup")
			rss += int(re.search(r"^Rss:\s+(\d+)", text, re.M).group(1)) * 1024
			pss += int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1)) * 1024
		except (OSError, AttributeError):
			pass
	return rss, pss


def descriptors(pids):
	"""How many the trees have open."""
	count = 0
	for pid in tree(pids):
		try:
			count += len(os.listdir(f"/proc/{pid}/fd"))
		except OSError:
			pass
	return count


def pin(pids, cpus):
	"""Let all threads of the trees run on CPUS ("0", "0,1") only."""
	if cpus is None:
		return
	for pid in tree(pids):
		subprocess.run(["taskset", "-a", "-cp", str(cpus), str(pid)],
			stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


TRACE_FOLDERS = ("/sys/kernel/tracing", "/sys/kernel/debug/tracing")
COUNTED = ("epoll_wait epoll_ctl recvfrom sendto read write readv writev recvmsg sendmsg poll "
	"futex accept4 accept close setsockopt getsockopt fcntl timerfd_settime madvise mmap munmap "
	"brk").split()


class Calls:
	"""System calls of the trees of PIDS from now on, by perf's tracepoints.

	Where nobody has mounted tracefs, perf finds no tracepoints: it then gets a mount of its
	own, in a namespace that ends with it. Without perf, strace counts, which slows the
	processes so much that their batches change: epoll_wait then says little.
	"""
	def __init__(self, pids):
		self.folder = tempfile.mkdtemp(prefix="calls-")
		self.file = f"{self.folder}/counts"
		self.process = None
		pids = tree(pids)
		self.way = self.choose()
		if self.way == "strace":
			self.begin_strace(pids)
		elif self.way:
			self.begin_perf(pids)

	@staticmethod
	def choose():
		if shutil.which("perf"):
			if any(os.path.isdir(f"{x}/events") for x in TRACE_FOLDERS):
				return "perf"
			if os.geteuid() == 0 and os.path.isdir(TRACE_FOLDERS[0]):
				return "perf and mount"
		return "strace" if shutil.which("strace") else None

	def begin(self, command):
		self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
			stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

	def begin_perf(self, pids):
		events = ["raw_syscalls:sys_enter"] + [f"syscalls:sys_enter_{x}" for x in COUNTED]
		control, told = f"{self.folder}/control", f"{self.folder}/told"
		os.mkfifo(control)
		os.mkfifo(told)
		command = ["perf", "stat", "-x", ";", "-o", self.file, "-D", "-1",
			"--control", f"fifo:{control},{told}", "-e", ",".join(events),
			"-p", ",".join(map(str, pids))]
		if self.way != "perf":
			mount = f"mount -t tracefs tracefs {TRACE_FOLDERS[0]} && exec \"$@\""
			command = ["unshare", "-m", "sh", "-c", mount, "sh"] + command
		answers = os.open(told, os.O_RDWR | os.O_NONBLOCK)
		orders = os.open(control, os.O_RDWR)
		self.begin(command)
		os.write(orders, b"enable\n")
		select.select([answers], [], [], 10)
		os.close(orders)
		os.close(answers)

	def begin_strace(self, pids):
		command = ["strace", "-c", "-f", "-qq", "-o", self.file]
		for pid in pids:
			command += ["-p", str(pid)]
		self.begin(command)
		until = time.monotonic() + 10
		while time.monotonic() < until and not all(
				re.search(r"^TracerPid:\s+[1-9]", read(f"/proc/{x}/status"), re.M) for x in pids):
			time.sleep(0.01)

	def stop(self):
		"""Counts by name, "total" among them; none if nothing could count."""
		lines = []
		if self.process is not None:
			self.process.send_signal(signal.SIGINT)
			self.process.wait()
			if os.path.exists(self.file):
				lines = read(self.file).splitlines()
		shutil.rmtree(self.folder)
		return from_strace(lines) if self.way == "strace" else from_perf(lines)


def from_perf(lines):
	found = {}
	for line in lines:
		fields = line.split(";")
		if len(fields) > 2 and fields[0].isdigit():
			name = fields[2].replace("syscalls:sys_enter_", "")
			found["total" if name == "raw_syscalls:sys_enter" else name] = int(fields[0])
	return found


def from_strace(lines):
	found = {}
	for line in lines:
		fields = line.split()
		if len(fields) > 4 and fields[3].isdigit():
			found[fields[-1]] = int(fields[3])
	return found
