#!/usr/bin/env python3
"""A meeting over TLS among people who mean harm or have bad networks: who is in it notices nothing.

    meeting_strangers_test.py CONCLAVE CONCLAVED [unittest argument...]
"""
import os
import select
import signal
import socket
import threading
import time

import frames
import programs
import ws

FLOOD = 200
LATENCY = 10  # seconds that a chat may take in a sanitizer build on a machine with other work


class Strangers(programs.TlsCase):
    SETTINGS = "[limits]\nhellos_per_minute = 100000\n"

    def setUp(self):
        super().setUp()
        self.link = self.meeting()
        self.ada, self.ben = self.user(self.link, "ada"), self.user(self.link, "ben")
        for p in (self.ada, self.ben):
            p.phase("in-meeting")
        self.ada.people(2)
        self.said = 0
        self.lines = self.log_lines()

    def log_lines(self):
        with open(self.log, encoding="utf-8") as f:
            return sum(1 for _ in f)

    def assert_undisturbed(self):
        """A chat goes there and back, soon; nobody was told anything that is not quite right."""
        for a, b in ((self.ada, self.ben), (self.ben, self.ada)):
            self.said += 1
            began, text = time.monotonic(), f"message {self.said}"
            a.ask("say", text=text)
            b.event("chat", text=text)
            self.assertLess(time.monotonic() - began, LATENCY)
        self.assertEqual(self.ada.code(), self.ben.code())
        for p in (self.ada, self.ben):
            self.assertEqual([line for line in p.seen if line.get("event") == "notice"], [])

    # ---- Who says nothing, or stops in the middle ----

    def test_sockets_that_are_opened_and_left(self):
        link = frames.Link(self.link)
        sockets = []
        for _ in range(20):
            half = frames.connect(self.tls_port)
            half.send(frames.hello(link.number, link.access())[:9], length=47)
            sockets += [ws.connect(self.tls_port),                       # before TLS
                        ws.connect(self.tls_port, tls=ws.anybody()),     # before HTTP
                        frames.connect(self.tls_port),                   # before Hello
                        half,                                            # within it
                        frames.greet(self.tls_port, self.link)[0]]       # before Knock
        self.assert_undisturbed()
        for s in sockets:
            s.close()
        self.assert_undisturbed()

    def test_a_member_who_hangs_holds_up_nobody_and_misses_nothing(self):
        self.ben.process.send_signal(signal.SIGSTOP)
        try:
            for i in range(100):
                self.ada.tell("say", text=f"{i} " + "x" * 3000)
            self.ada.until(lambda line: line.get("event") == "chat-sent")
        finally:
            self.ben.process.send_signal(signal.SIGCONT)
        for i in range(100):
            self.ben.until(lambda line, i=i: line.get("event") == "chat" and
                           line["text"].startswith(f"{i} "))
        self.assert_undisturbed()

    def test_a_connection_that_dies_silently_is_replaced(self):
        with Tunnel(self.tls_port) as tunnel:
            eve = self.join(self.link.replace(f":{self.tls_port}/", f":{tunnel.port}/"), "--guest")
            eve.phase("in-lobby")
            entry = self.ada.until(lambda line: line.get("event") == "lobby" and line["waiting"])
            self.ada.ask("admit", number=entry["waiting"][0]["number"])
            eve.phase("in-meeting")
            number = self.ada.people(3)[-1]["number"]
            since = len(eve.seen)
            tunnel.freeze()
            self.ada.ask("say", text="Who hears me?")
            eve.phase("reconnecting", since)
            eve.phase("in-meeting", since)
            eve.event("chat", text="Who hears me?")
            self.assertEqual(eve.code(), self.ada.code())
            self.assertEqual(next(p["number"] for p in eve.ask("who")["people"] if p["me"]), number)
            self.assertFalse([e for e in self.ben.seen if e.get("event") == "gone"])

    # ---- Who talks nonsense ----

    def answer_to(self, frame):
        """What becomes of somebody who has the link and says this after the Challenge."""
        s, challenge = frames.greet(self.tls_port, self.link)
        self.assertEqual(challenge[0], frames.CHALLENGE)
        s.send(frame)
        reason = frames.fault(s)
        s.close()
        return reason

    def test_frames_that_do_not_belong_or_make_no_sense(self):
        nonsense = {
            b"": {frames.MALFORMED},
            b"\0": {frames.MALFORMED},
            b"\xff" * 100: {frames.MALFORMED},
            bytes([frames.CHALLENGE]) + bytes(80): {frames.MALFORMED, frames.UNEXPECTED},
            bytes([frames.APP]) + frames.vec(b"x"): {frames.UNEXPECTED},
            bytes([frames.COMMIT]) + frames.vec(b"x" * 70000): {frames.UNEXPECTED},
            bytes([frames.COMMIT]) + frames.vec(b"x")[:-1]: {frames.MALFORMED},
            bytes([frames.KNOCK]) + frames.vec(b"x") + frames.vec(b"y") + b"z": {frames.MALFORMED},
            bytes([frames.KNOCK]) + b"\xbf\xff\xff\xff": {frames.MALFORMED},
            bytes([frames.KNOCK]) + frames.vec(bytes(70000)) + frames.vec(b""):
                {frames.MALFORMED, frames.TOO_LARGE},
        }
        for frame, reasons in nonsense.items():
            self.assertIn(self.answer_to(frame), reasons, frame[:20])
        for kind in range(256):
            self.assertIsNotNone(self.answer_to(bytes([kind]) + os.urandom(40)), kind)
        self.assert_undisturbed()

    def test_frames_that_are_too_large(self):
        first, greeted = frames.connect(self.tls_port), frames.greet(self.tls_port, self.link)[0]
        first.send(b"x", length=1 << 20)
        greeted.send(b"x", length=(16 << 20) + 64)
        for s in (first, greeted):
            self.assertIsNone(frames.fault(s))
            s.close()
        self.assertIn(self.answer_to(bytes([frames.FOUND]) + bytes(1 << 20)),
                      {frames.MALFORMED, frames.TOO_LARGE, frames.UNEXPECTED})
        self.assert_undisturbed()

    # ---- Many ----

    def test_floods_of_joins_and_of_guesses(self):
        link = frames.Link(self.link)
        guesses = frames.hello(link.number, bytes(32))
        knock = bytes([frames.KNOCK]) + frames.vec(os.urandom(900)) + frames.vec(os.urandom(70))
        done, failed = [], []

        def flood():
            try:
                for _ in range(FLOOD // 4):
                    self.assertIsNotNone(self.answer_to(knock))
                    s = frames.connect(self.tls_port)
                    s.send(guesses)
                    self.assertEqual(frames.fault(s), frames.NO_SUCH_MEETING)
                    s.close()
                done.append(True)
            except (AssertionError, OSError, ws.Closed) as e:
                failed.append(e)

        threads = [threading.Thread(target=flood) for _ in range(4)]
        for t in threads:
            t.start()
        while any(t.is_alive() for t in threads):
            self.assert_undisturbed()
        self.assertEqual(failed, [])
        self.assertEqual(len(done), 4)
        self.assert_undisturbed()
        self.assertLess(self.log_lines() - self.lines, FLOOD // 10, "a line each fills disks")


class Tunnel:
    """Passes connections on to a port of this machine, until they are frozen: then they stay open,
    and nothing comes through any more. New ones work."""

    def __init__(self, to):
        self.to, self.listener = to, socket.create_server(("127.0.0.1", 0))
        self.port, self.pairs, self.frozen = self.listener.getsockname()[1], [], set()
        self.wake, self.stop = os.pipe()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *exception):
        os.close(self.stop)
        self.thread.join()
        os.close(self.wake)
        for s in [self.listener, *(s for pair in self.pairs for s in pair)]:
            s.close()

    def freeze(self):
        self.frozen.update(s for pair in self.pairs for s in pair)

    def run(self):
        while True:
            live = {s: t for a, b in self.pairs for s, t in ((a, b), (b, a))
                    if s not in self.frozen}
            ready = select.select([self.wake, self.listener, *live], [], [], 0.1)[0]
            if self.wake in ready:
                return
            if self.listener in ready:
                self.pairs.append((self.listener.accept()[0],
                                   socket.create_connection(("127.0.0.1", self.to))))
            for s in ready:
                if s in live and s not in self.frozen:
                    self.pass_on(s, live[s])

    def pass_on(self, s, t):
        try:
            data = s.recv(65536)
            if data:
                t.sendall(data)
                return
        except OSError:
            pass
        self.pairs = [pair for pair in self.pairs if s not in pair]
        s.close()
        t.close()


if __name__ == "__main__":
    programs.main()
