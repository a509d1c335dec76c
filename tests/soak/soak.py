#!/usr/bin/env python3
"""A long meeting on a network that loses packets: `conclaved`, and `conclave join` for each
participant, who sends small pictures and sound and receives those of all others. Every few seconds
one leaves and another comes; at times one is killed and comes back, and once the server is.

    soak.py CONCLAVE CONCLAVED MEDIA_FILES SOAK_LOSS [--people N] [--seconds N] [--loss PERMILLE]
            [--churn SECONDS] [--any-pace]

MEDIA_FILES, SOAK_LOSS: the program and the library of media_files.c and soak_loss.c. The exit code
is 0 if nobody's pictures or sound stood still for a second or more, but of those who had just been
killed; nothing was refused that the switch should not have sent, nobody fell out of the meeting,
there was no alarm, and memory no longer grew in the second half. With --any-pace nothing that takes
time is judged: for machines that have no time.
"""
import argparse
import collections
import glob
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import programs  # noqa: E402

SAMPLE = 5        # seconds from one look at all to the next
KILL_EACH = 5     # of those who leave, one in so many is killed, and comes back
RESTART_FROM = 300  # seconds a soak has to take for its server to be killed
SETTLED = 120     # and for its memory to be judged
# What may be more at the end than in the middle, in KiB: an allocator's noise. Of participants it
# is the mean.
SERVER_GROWTH = 4096
PERSON_GROWTH = 1024
# Until its bandwidth is found a newcomer may not see all: so many seconds.
GROWN = 20
# A killed one's pictures stop: after so many seconds they are there again.
EXPLAINED = 15
FAULTS_TOLD = 50  # of more only the number
TICK = os.sysconf("SC_CLK_TCK")


def rss(pid):
    """KiB."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def cpu(pid):
    """Seconds of a processor."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def mean(numbers):
    return sum(numbers) / len(numbers) if numbers else 0


class Seat:
    """Where somebody sits, one after another."""

    def __init__(self, person, name, state, folder):
        self.person, self.name, self.state, self.folder = person, name, state, folder
        self.since, self.cpu, self.totals = time.monotonic(), 0, {}

    @property
    def pid(self):
        return self.person.process.pid


class Soak:
    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.seats, self.names, self.faults = [], 0, 0
        self.killed = {}       # name: when
        self.restarted = None  # when the server was
        self.sum = collections.Counter()  # by what, and in what
        self.used = {"server": 0.0, "people": 0.0}
        self.server_cpu = 0.0
        self.memory = []       # seconds, server, {name: KiB} of those who stay
        self.joined = []       # seconds until in the meeting
        self.longest = collections.Counter()  # ms of standing still
        self.begun = time.monotonic()

    # ---- Who comes and goes ----

    def fault(self, text):
        self.faults += 1
        if self.faults <= FAULTS_TOLD:
            print(f"{self.seconds():4.0f} s: FAULT: {text}", flush=True)

    def seconds(self):
        return time.monotonic() - self.begun

    def open(self):
        subprocess.run([self.arguments.media_files, "small", self.folder], check=True)
        self.server = programs.Server(self.folder)
        password = os.path.join(self.folder, "password")
        with open(password, "w", encoding="utf-8") as f:
            f.write(programs.PASSWORD + "\n")
        who = ["ada@conclave.test", "--server", self.server.url, "--password-file", password]
        done = programs.conclave("account", "sign-up", *who)
        assert done.returncode == 0, done.stderr
        done = programs.conclave("meeting", "new", "--title", "Soak", "--everybody", "--sign-in",
                                 *who)
        assert done.returncode == 0, done.stderr
        self.link = done.stdout.strip()
        self.host = ("--sign-in", who[0], "--password-file", password)

    def environment(self):
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        return {**os.environ, "LD_PRELOAD": self.arguments.soak_loss, "ASAN_OPTIONS": sanitizer,
                "LOSS_PERMILLE": str(self.arguments.loss), "LOSS_SEED": str(self.names)}

    def start(self, name, state, folder, *options):
        return programs.Participant(
            self.link, "--name", name, "--state", state, "--record", folder, "--loop", "--video",
            os.path.join(self.folder, "small.ivf"), "--audio",
            os.path.join(self.folder, "audio.opus"), *options, env=self.environment())

    def come(self, *options):
        """Somebody new, once in the meeting."""
        self.names += 1
        name = f"P{self.names}"
        state, folder = (os.path.join(self.folder, f"{kind}-{name}") for kind in ("state", "media"))
        os.mkdir(state, 0o700)
        seat = Seat(self.start(name, state, folder, *options), name, state, folder)
        self.enter(seat)
        return seat

    def enter(self, seat):
        seat.since = time.monotonic()
        seat.person.phase("in-meeting")
        self.joined.append(time.monotonic() - seat.since)

    def leave(self, seat):
        self.account_cpu(seat)
        seat.person.tell("leave")
        reason, code = seat.person.over()
        if (reason, code) != ("LEFT", 0):
            self.fault(f"{seat.name} did not leave but ended with {reason}, exit code {code}")
        self.sum["left"] += 1
        self.trim(seat)

    def kill(self, seat):
        """The same again, out of its state folder."""
        self.account_cpu(seat)
        seat.person.kill()
        self.killed[seat.name] = time.monotonic()
        self.names += 1
        seat.person = self.start(seat.name, seat.state, seat.folder)
        seat.cpu, seat.totals = 0, {}
        self.enter(seat)
        self.sum["killed"] += 1

    def churn(self, n):
        """The second half of the seats changes; the first stays, host and all."""
        half = len(self.seats) // 2
        i = half + n % (len(self.seats) - half)
        if n % KILL_EACH == KILL_EACH - 1:
            self.kill(self.seats[i])
            return
        self.leave(self.seats[i])
        self.seats[i] = self.come()

    def restart_server(self):
        self.account_server()
        self.server.kill()
        self.server.start()
        self.server_cpu = 0.0
        self.restarted = time.monotonic()
        for seat in self.seats:
            seat.person.event("media", connected=True, since=len(seat.person.seen))
        print(f"{self.seconds():4.0f} s: server killed and started; all have media again after "
              f"{time.monotonic() - self.restarted:.1f} s", flush=True)

    # ---- What is seen ----

    def account_cpu(self, seat):
        now = cpu(seat.pid)
        self.used["people"] += now - seat.cpu
        seat.cpu = now

    def account_server(self):
        now = cpu(self.server.process.pid)
        self.used["server"] += now - self.server_cpu
        self.server_cpu = now

    def trim(self, seat):
        """What was recorded is not needed; it is appended to, wherever the end is."""
        for path in glob.glob(os.path.join(seat.folder, "*")):
            os.truncate(path, 0)

    def lately(self, when):
        return when is not None and time.monotonic() - when < EXPLAINED

    def take_events(self, seat):
        for line in seat.person.seen:
            event = line.get("event")
            if event == "notice" and line["severity"] == "alarm":
                self.fault(f"{seat.name} was alarmed: {line['reason']}")
            elif event in ("over", "media-trouble", "media-ended"):
                self.fault(f"{seat.name}: {line}")
            elif event == "media" and not line["connected"] and not self.lately(self.restarted):
                self.fault(f"{seat.name} lost its media")
        seat.person.seen.clear()

    def grown(self, seat, value, *what):
        """By how much a number of what one has seen has risen."""
        before = seat.totals.get(what, 0)
        seat.totals[what] = value
        return value - before

    def take_track(self, seat, track):
        kind = "sound" if track["source"] == "sound" else "pictures"
        which = track["number"], track["name"], kind, track["file"]
        known = (*which, "frames") in seat.totals
        rise = {name: self.grown(seat, track[name], *which, name)
                for name in ("frames", "lost", "unusable", "freezes", "freezes_long")}
        explained = self.lately(self.killed.get(track["name"])) or self.arguments.any_pace
        for name in ("frames", "lost", "unusable", "freezes"):
            self.sum[kind, name] += rise[name]
        self.sum[kind, "explained" if explained else "long"] += rise["freezes_long"]
        if explained:
            return
        if rise["freezes_long"] != 0:
            self.fault(f"{kind} of {track['name']} froze at {seat.name} for up to "
                       f"{track['freeze_longest_ms']} ms")
        if known and kind == "pictures" and rise["frames"] == 0:
            self.take_darkness(seat, track)
        self.longest[kind] = max(self.longest[kind], track["freeze_longest_ms"])

    def take_darkness(self, seat, track):
        """No picture since the last look: also where the switch has said that it sends none."""
        there = any(s.name == track["name"] and time.monotonic() - s.since > 2 * SAMPLE
                    for s in self.seats)
        grown = time.monotonic() - seat.since > GROWN
        if there and grown and not track["gone"] and not self.lately(self.restarted):
            self.fault(f"no picture of {track['name']} at {seat.name}")

    def take_absence(self, seat, report):
        """Whom one should have seen by now."""
        def new(s):
            return time.monotonic() - s.since < GROWN or self.lately(self.restarted)
        seen = {t["name"] for t in report["received"] if t["source"] == "camera"}
        if new(seat) or self.arguments.any_pace:
            return
        for other in self.seats:
            if other is not seat and not new(other) and other.name not in seen:
                self.fault(f"{seat.name} has never seen {other.name}")

    def take_report(self, seat, report):
        for track in report["received"]:
            self.take_track(seat, track)
        self.take_absence(seat, report)
        for why, n in report["refused"].items():
            rise = self.grown(seat, n, "refused", why)
            self.sum["refused", why] += rise
            if rise != 0 and why in ("packet", "form", "tampered", "source"):
                self.fault(f"{seat.name} refused {rise} frames: {why}")
        # The switch's word comes another way than the frames, and may come after them.
        self.sum["mislabelled"] += self.grown(seat, report["mislabelled"], "mislabelled")
        for sent in report["sent"]:
            self.sum["resent"] += self.grown(seat, sent["resent"], "resent", sent["source"])

    def look(self):
        asked = [(s, len(s.person.seen), s.person.tell("media")) for s in self.seats]
        for seat, since, request in asked:
            report = seat.person.until(lambda line, r=request: line.get("request") == r, since)
            self.take_report(seat, report)
            self.take_events(seat)
            self.account_cpu(seat)
            self.trim(seat)
        self.account_server()
        stay = self.seats[:len(self.seats) // 2]
        self.memory.append((self.seconds(), rss(self.server.process.pid),
                            {s.name: rss(s.pid) for s in stay}))

    def tell(self):
        (_, server, people), passed = self.memory[-1], self.seconds()
        print(f"{passed:4.0f} s: {' | '.join(self.of(kind) for kind in ('pictures', 'sound'))} | "
              f"RSS {server} and {mean(people.values()):.0f} KiB, CPU "
              f"{self.used['server'] / passed:.1%} and {self.used['people'] / passed:.1%}, "
              f"load {os.getloadavg()[0]:.1f}", flush=True)

    def of(self, kind):
        s = {name: self.sum[kind, name]
             for name in ("frames", "lost", "unusable", "freezes", "long", "explained")}
        return (f"{kind} {s['frames']}, lost {s['lost']}, unusable {s['unusable']}, freezes "
                f"{s['freezes']} (longest {self.longest[kind]} ms; long {s['long']}, of killed ones "
                f"{s['explained']})")

    # ---- The whole ----

    def play(self):
        self.open()
        self.seats = [self.come(*self.host)]
        while len(self.seats) < self.arguments.people:
            self.seats.append(self.come())
        print(f"{self.seconds():4.0f} s: all {len(self.seats)} are there", flush=True)
        begun, looked, churned, changes = time.monotonic(), 0.0, 0.0, 0
        while time.monotonic() - begun < self.arguments.seconds:
            passed = time.monotonic() - begun
            if passed - looked >= SAMPLE:
                self.look()
                self.tell()
                looked = passed
            elif passed - churned >= self.arguments.churn:
                self.churn(changes)
                changes += 1
                churned = passed
            elif (self.restarted is None and self.arguments.seconds > RESTART_FROM and
                  passed > self.arguments.seconds * 0.3):
                self.restart_server()
            time.sleep(0.05)
        self.look()

    def judge_memory(self):
        middle = next(m for m in self.memory if m[0] >= self.memory[-1][0] / 2)
        first, last = self.memory[0], self.memory[-1]
        for name, at in (("at first", first), ("in the middle", middle), ("at the end", last)):
            print(f"RSS {name} ({at[0]:.0f} s): server {at[1]} KiB, participants who stay "
                  f"{mean(at[2].values()):.0f} KiB, at most {max(at[2].values())} KiB")
        if self.arguments.seconds < SETTLED:
            return
        server, people = last[1] - middle[1], mean(last[2].values()) - mean(middle[2].values())
        if server > SERVER_GROWTH:
            self.fault(f"the server's memory grew by {server} KiB in the second half")
        if people > PERSON_GROWTH:
            self.fault(f"participants' memory grew by {people:.0f} KiB in the second half")

    def judge(self):
        self.tell()
        self.judge_memory()
        print("refused: " + ", ".join(f"{self.sum['refused', why]} {why}" for why in
                                      ("key", "sender", "replay", "packet", "form", "tampered",
                                       "source")) +
              f"; {self.sum['mislabelled']} before the switch said whose they are")
        print(f"{self.sum['left']} left and as many came, {self.sum['killed']} were killed and came "
              f"back; in the meeting after {mean(self.joined):.2f} s, at most "
              f"{max(self.joined):.2f} s; {self.sum['resent']} packets of senders sent again")
        if self.arguments.loss != 0 and self.sum["resent"] == 0:
            self.fault("nothing was lost on the way")
        if 0 in (self.sum["pictures", "frames"], self.sum["sound", "frames"]):
            self.fault("nothing was received")
        print(f"{self.faults} faults")
        return 1 if self.faults else 0

    def close(self):
        for seat in self.seats:
            if seat.person.process.poll() is None:
                seat.person.kill()
        if self.server.process.poll() is None:
            self.server.kill()


def main():
    parser = argparse.ArgumentParser()
    for name in ("conclave", "conclaved", "media_files", "soak_loss"):
        parser.add_argument(name)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--loss", type=int, default=20)
    parser.add_argument("--churn", type=float, default=4)
    parser.add_argument("--any-pace", action="store_true")
    arguments = parser.parse_args()
    programs.CONCLAVE, programs.CONCLAVED = arguments.conclave, arguments.conclaved
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(arguments, folder)
        try:
            soak.play()
            return soak.judge()
        finally:
            soak.close()


if __name__ == "__main__":
    sys.exit(main())
