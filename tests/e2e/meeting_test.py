#!/usr/bin/env python3
"""Whole meetings over TLS: what people do in them, what kill -9 leaves of them, and what whoever
cannot take part is told.

    meeting_test.py CONCLAVE CONCLAVED CLOCK [unittest argument...]

CLOCK: the library of meeting_clock.c.
"""
import base64
import contextlib
import hashlib
import os
import socket
import struct
import sys
import tempfile
import threading
import time

import frames
import programs
import ws
from programs import Server, certify, conclave

KILLS = 20
HOUR, DAY = 3600, 86400

CLOCK = None


def clock(ahead):
    """The environment of a program whose clock is wrong by so many seconds."""
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
    return {**os.environ, "LD_PRELOAD": CLOCK, "CLOCK_SHIFT": str(ahead), "ASAN_OPTIONS": sanitizer}


@contextlib.contextmanager
def days_later(server, days):
    """The server runs in the future; so does who gets this environment."""
    env = clock(int(days * DAY))
    server.stop()
    server.start(env)
    try:
        yield env
    finally:
        server.stop()
        server.start()


def locked(value):
    return lambda line: line.get("event") == "state" and line["meeting"]["locked"] == value


class Meeting(programs.TlsCase):
    def assert_calm(self, *people):
        """Nobody was told anything alarming."""
        for p in people:
            alarms = [line for line in p.seen if line.get("severity") == "alarm"]
            self.assertEqual(alarms, [])

    def agree(self, *people):
        """The code that all of them come to read, and its epoch."""
        end = time.monotonic() + programs.PATIENCE
        while True:
            answers = [p.ask("code") for p in people]
            seen = {(a.get("code"), a.get("epoch")) for a in answers}
            if len(seen) == 1 and None not in next(iter(seen)):
                return next(iter(seen))
            self.assertLess(time.monotonic(), end, answers)
            time.sleep(0.1)

    def enter(self, link, *names):
        people = [self.user(link, name) for name in names]
        for p in people:
            p.phase("in-meeting")
        people[0].people(len(people))
        return people


    def lock_is(self, value, *people):
        """Waits until all of them see the meeting locked, or not."""
        end = time.monotonic() + programs.PATIENCE
        while any(p.ask("info")["meeting"]["locked"] != value for p in people):
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)


class Story(Meeting):
    def test_a_meeting_from_its_beginning_to_its_end(self):
        link = self.meeting()
        self.assertTrue(link.startswith(f"https://localhost:{self.tls_port}/m/"))
        ada, ben = self.enter(link, "ada", "ben")
        code = self.agree(ada, ben)

        gwen = self.join(link, "--guest", "--name", "Gwen")
        gwen.phase("in-lobby")
        lobby = ada.until(lambda line: line.get("event") == "lobby" and line["waiting"])["waiting"]
        self.assertEqual([w["name"] for w in lobby], ["Gwen"])
        self.assertEqual(self.agree(ada, ben), code, "who waits changes nothing")
        ada.ask("admit", number=lobby[0]["number"])
        gwen.phase("in-meeting")
        admitted = self.agree(ada, ben, gwen)
        self.assertNotEqual(admitted, code)

        gwen.ask("say", text="May I ask something?")
        for p in (ada, ben):
            self.assertEqual(p.event("chat")["text"], "May I ask something?")
        ben.ask("say", text="Of course.")
        self.assertEqual([p.event("chat", text="Of course.")["number"] for p in (ada, gwen)],
                         2 * [ada.number_of("Ben")])

        ada.ask("eject", number=ada.number_of("Gwen"))
        self.assertEqual(gwen.over(), ("EJECTED", 3))
        self.assertEqual(ben.event("gone")["reason"], "EJECTED")
        self.assertNotIn(self.agree(ada, ben), (code, admitted))

        ada.ask("lock")
        for p in (ada, ben):
            p.until(locked(True))
        late = self.user(link, "ben")  # the same person from another window
        late.phase("in-lobby")
        ada.ask("end")
        for p in (ada, ben, late):
            self.assertEqual(p.over(), ("ENDED", 0))
        self.assert_calm(ada, ben)


class Crashes(Meeting):
    def test_a_server_killed_in_the_middle_of_commits_loses_nothing(self):
        link = self.meeting("--everybody")
        ada, ben = self.enter(link, "ada", "ben")
        guest = self.join(link, "--guest", "--name", "Gwen")
        guest.phase("in-meeting")
        people = (ada, ben, guest)
        ada.people(3)
        numbers = {p["name"]: p["number"] for p in ada.ask("who")["people"]}
        epoch = self.agree(*people)[1]
        for i in range(KILLS):
            since = [len(p.seen) for p in people]
            ada.tell("lock" if i % 2 == 0 else "unlock")
            time.sleep(0.001 * i)  # from before the commit to after it
            self.server.kill()
            self.server.start()
            for p, at in zip(people, since):
                p.phase("in-meeting", at)
            self.lock_is(i % 2 == 0, *people)
            last, epoch = epoch, self.agree(*people)[1]
            self.assertGreater(epoch, last)
        self.assertEqual({p["name"]: p["number"] for p in guest.ask("who")["people"]}, numbers)
        guest.ask("say", text="still here")
        for p in (ada, ben):
            p.event("chat", text="still here")
        self.assertFalse([line for p in people for line in p.seen if line.get("event") == "gone"])
        self.assert_calm(*people)

    def test_a_participant_killed_in_the_middle_of_commits_is_the_same_again(self):
        link, state = self.meeting(), tempfile.mkdtemp(dir=self.folder)
        ada = self.user(link, "ada")
        ada.phase("in-meeting")
        ben = self.user(link, "ben", "--state", state)
        ben.phase("in-meeting")
        number = ben.number_of("Ben")
        for i in range(5):
            last = self.agree(ada, ben)[1]
            ada.tell("lock" if i % 2 == 0 else "unlock")
            time.sleep(0.005 * i)
            ben.kill()
            ben = self.join(link, "--state", state, "--name", "Ben")
            ben.phase("in-meeting")
            self.lock_is(i % 2 == 0, ada, ben)
            # It went on from where it was, epoch by epoch.
            self.assertGreater(self.agree(ada, ben)[1], last)
            epochs = [line["epoch"] for line in ben.seen if line.get("event") == "code"]
            self.assertEqual(epochs, list(range(last + 1, last + 1 + len(epochs))))
            self.assertEqual(ben.number_of("Ben"), number)
        ada.ask("say", text="welcome back")
        ben.event("chat", text="welcome back")
        self.assertFalse([line for line in ada.seen if line.get("event") == "gone"])
        self.assert_calm(ada, ben)


class Refusals(Meeting):
    """One sentence and the next step for each; the reason's code is for programs."""

    SETTINGS = "[limits]\nparticipants = 2\nhellos_per_minute = 100000\n"

    def test_the_link(self):
        link = self.meeting()
        self.assertEqual(self.refused(2, link.split("/m/")[0], "--guest"), "BAD_LINK")
        base, secret = link.split("#1.")
        number = base[-10:]
        other = base.replace(number, f"{(int(number) + 1) % 10**10:010d}")
        self.assertEqual(self.refused(6, f"{other}#1.{secret}", "--guest"), "NO_SUCH_MEETING")
        swapped = ("B" if secret[0] == "A" else "A") + secret[1:]
        self.assertEqual(self.refused(6, f"{base}#1.{swapped}", "--guest"), "NO_SUCH_MEETING")

    def test_a_person_reads_the_sentence_and_the_next_step(self):
        done = conclave("join", self.meeting()[:-20], "--guest", *self.TRUST)
        self.assertEqual(done.returncode, 2)
        said = done.stdout + done.stderr
        self.assertIn("This is not a meeting link.", said)
        self.assertIn("Copy the whole link, with everything after the # sign.", said)

    def test_wrong_numbers_and_wrong_secrets_take_the_same_time(self):
        link = frames.Link(self.meeting())
        unknown = f"{(int(link.number) + 1) % 10**10:010d}"
        asked = {"number": frames.hello(unknown, link.access()),
                 "secret": frames.hello(link.number, bytes(32))}
        best = dict.fromkeys(asked, 1e9)
        answers = set()
        for _ in range(30):
            for what, hello in asked.items():
                s = frames.connect(self.tls_port)
                began = time.perf_counter()
                s.send(hello)
                answer = s.recv()
                best[what] = min(best[what], time.perf_counter() - began)
                answers.add(answer)
                s.close()
        self.assertEqual(answers, {struct.pack(">BH", frames.FAULT, frames.NO_SUCH_MEETING)})
        # What a stranger can see is the least of many; both do the same work.
        self.assertLess(abs(best["number"] - best["secret"]), 0.5 * max(best.values()) + 0.0002)

    def test_a_link_that_has_expired(self):
        link = self.meeting("--days", "1")
        with days_later(self.server, 1.5) as later:
            self.assertEqual(self.refused(6, link, "--guest", env=later), "EXPIRED_LINK")

    def test_signing_in(self):
        link, wrong = self.meeting(), self.file("wrong", "not the password\n")
        for name in ("ada", "nobody"):
            self.assertEqual(self.refused(5, link, "--sign-in", f"{name}@conclave.test",
                                          "--password-file", wrong), "SIGN_IN")
        self.assertEqual(self.refused(5, link, "--device", "AAAA-BBBB-CCCC"), "ACTIVATION_CODE")

    def test_a_server_that_is_another(self):
        """Same address, other keys: who knows the first is not taken in."""
        link, state = self.meeting(), tempfile.mkdtemp(dir=self.folder)
        ada = self.user(link, "ada", "--state", state)
        ada.phase("in-meeting")
        ada.ask("leave")
        ada.over()
        first = self.server
        first.stop()
        other = Server(tempfile.mkdtemp(dir=self.folder), *self.OPTIONS, port=first.port)
        try:
            done = conclave("account", "sign-up", "ada@conclave.test", "--server", other.url,
                            "--password-file", self.password, *self.TRUST)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(self.refused(6, self.meeting(), "--state", state), "CARD_SERVER")
        finally:
            other.stop()
            first.start()

    def test_a_clock_that_tls_does_not_forgive(self):
        done = conclave("join", self.meeting(), "--guest", *self.TRUST, env=clock(-DAY))
        self.assertEqual(done.returncode, 4)
        self.assertIn("this device's clock", done.stdout + done.stderr)

    def test_a_locked_meeting_that_turns_away(self):
        link = self.meeting("--locked-refuse")
        ada, = self.enter(link, "ada")
        ada.ask("lock")
        ada.until(locked(True))
        self.assertEqual(self.refused(3, link, "--guest"), "LOCKED")

    def test_a_meeting_that_is_full(self):
        link = self.meeting("--everybody")
        self.enter(link, "ada", "ben")
        self.assertEqual(self.refused(3, link, "--guest"), "FULL")

    def test_after_the_end_there_is_no_way_back_in(self):
        link = self.meeting()
        ada, = self.enter(link, "ada")
        ada.ask("end")
        self.assertEqual(ada.over(), ("ENDED", 0))
        self.join(link, "--guest").phase("not-started")

    def test_versions(self):
        s = frames.connect(self.tls_port)
        s.send(frames.hello("0123456789", bytes(32), version=2))
        self.assertEqual(frames.fault(s), frames.VERSION)
        s.close()
        with FakeServer(frames.challenge(b"", version=2)) as link:
            self.assertEqual(self.refused(4, link, "--certificate", *self.stranger()), "VERSION")
        with FakeServer(frames.challenge(b"another card")) as link:
            self.assertEqual(self.refused(6, link, "--certificate", *self.stranger()),
                             "CARD_INVALID")

    def stranger(self):
        chain, key = certify(self.folder, "stranger", "email:eve@elsewhere.example")
        return chain, "--key", key


class Certificates(programs.Case):
    """Dates of certificates and of clocks; without TLS, whose certificates have dates, too."""

    def test_a_certificate_nobody_knows_the_ca_of_waits_and_is_told_so(self):
        link = self.meeting()
        self.user(link, "ada").phase("in-meeting")
        chain, key = certify(self.folder, "carol", "email:carol@partner.example")
        carol = self.join(link, "--certificate", chain, "--key", key)
        self.assertEqual(carol.event("notice")["reason"]["code"], "UNVERIFIED")
        carol.phase("in-lobby")

    def test_an_expired_certificate(self):
        link = self.meeting()
        chain, key = certify(self.folder, "old", "email:old@partner.example", env=clock(-3 * DAY))
        self.assertEqual(self.refused(5, link, "--certificate", chain, "--key", key),
                         "CERTIFICATE_EXPIRED")

    def test_a_device_that_was_revoked_gets_no_further_certificate(self):
        link, state = self.meeting(), tempfile.mkdtemp(dir=self.folder)
        self.user(link, "ada").phase("in-meeting")
        made = self.admin("devices", "add", "room-1.conclave.test")
        room = self.join(link, "--device", made["code"], "--state", state)
        room.phase("in-meeting")
        room.ask("leave")
        self.assertEqual(room.over(), ("LEFT", 0))
        device = next(d for d in self.admin("devices")["devices"] if not d["revoked"])
        self.admin("devices", "revoke", str(device["id"]))
        with days_later(self.server, 6) as later:
            self.assertEqual(self.refused(5, link, "--state", state, env=later), "DEVICE_REVOKED")

    def test_a_clock_that_is_slow(self):
        """The certificate is not valid yet, says the clock; the server's says who is wrong."""
        self.assertEqual(self.refused(5, self.meeting(), "--guest", env=clock(-HOUR)), "CLOCK")

    def test_a_clock_that_is_fast(self):
        link = self.meeting("--everybody")
        self.user(link, "ada").phase("in-meeting")
        fast = self.join(link, "--guest", env=clock(HOUR))
        notice = fast.event("notice")
        self.assertEqual((notice["reason"]["code"], notice["severity"]), ("CLOCK", "warning"))
        fast.phase("in-meeting")


class FakeServer:
    """Answers one WebSocket's first frame with a frame; gives the link that leads to it."""

    def __init__(self, answer):
        self.answer, self.listener = answer, socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def __enter__(self):
        self.thread.start()
        port = self.listener.getsockname()[1]
        secret = base64.urlsafe_b64encode(bytes(64)).decode().rstrip("=")
        return f"http://localhost:{port}/m/0123456789#1.{secret}"

    def __exit__(self, *exception):
        self.listener.close()
        self.thread.join()

    def serve(self):
        s, _ = self.listener.accept()
        with s:
            self.speak(s)

    def speak(self, s):
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                head += s.recv(4096)
            key = next(line.split(b": ")[1] for line in head.split(b"\r\n")
                       if line.lower().startswith(b"sec-websocket-key"))
            accept = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
            s.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      b"Connection: Upgrade\r\nSec-WebSocket-Protocol: conclave.1\r\n"
                      b"Sec-WebSocket-Accept: " + base64.b64encode(accept) + b"\r\n\r\n")
            s.recv(4096)
            s.sendall(bytes([0x80 | ws.BINARY, len(self.answer)]) + self.answer)
            while s.recv(4096):
                pass
        except OSError:
            pass


if __name__ == "__main__":
    CLOCK = sys.argv.pop(3)
    programs.main()
