#!/usr/bin/env python3
"""The program `conclave` against a real server: who gets in, what they tell each other, what a crash
leaves, and what the programs exit with.

    join_test.py CONCLAVE CONCLAVED [unittest argument...]
"""
import json
import os
import pty
import resource
import select
import signal
import subprocess
import tempfile
import time

import programs
from programs import PATIENCE, Server, authority, certify, conclave, free_port, openssl


class Meetings(programs.Case):
    # ---- Getting in ----

    def test_members_meet_and_read_the_same_code(self):
        link = self.meeting()
        ada = self.user(link, "ada")
        ada.phase("in-meeting")
        ben = self.user(link, "ben")
        ben.phase("in-meeting")
        people = ada.people(2)
        self.assertEqual({p["identity"]["identifier"] for p in people},
                         {"ada@conclave.test", "ben@conclave.test"})
        self.assertEqual({p["role"] for p in people}, {"organiser", "attendee"})
        self.assertTrue(all(p["identity"]["category"] == "member" for p in people))
        self.assertEqual(ada.code(), ben.code())
        ada.ask("say", text="\"hello\" <b>&amp; \u6f22\u5b57")
        self.assertEqual(ben.event("chat")["text"], "\"hello\" <b>&amp; \u6f22\u5b57")
        ada.event("chat-sent")
        ada.ask("end")
        self.assertEqual(ben.over(), ("ENDED", 0))
        self.assertEqual(ada.over(), ("ENDED", 0))

    def test_a_guest_waits_until_a_host_admits_and_is_shown_as_unverified(self):
        link = self.meeting()
        ada = self.user(link, "ada")
        ada.phase("in-meeting")
        eve = self.join(link, "--guest", "--name", "Ada")
        eve.phase("in-lobby")
        waiting = ada.until(lambda line: line.get("event") == "lobby" and line["waiting"])
        entry = waiting["waiting"][0]
        self.assertEqual((entry["name"], entry["identity"]["category"]), ("Ada", "unverified"))
        self.assertIn("error", eve.ask("say", text="let me in"))
        self.assertEqual(eve.ask("who")["people"], [])
        ada.ask("admit", number=entry["number"])
        eve.phase("in-meeting")
        self.assertTrue(any(p["same_name"] for p in ada.people(2)))
        ada.ask("eject", number=next(p["number"] for p in ada.people(2) if not p["me"]))
        self.assertEqual(eve.over(), ("EJECTED", 3))

    def test_a_host_can_turn_somebody_away(self):
        link = self.meeting()
        ada = self.user(link, "ada")
        ada.phase("in-meeting")
        eve = self.join(link, "--guest")
        entry = ada.until(lambda line: line.get("event") == "lobby" and line["waiting"])
        ada.ask("refuse", number=entry["waiting"][0]["number"])
        self.assertEqual(eve.over(), ("REFUSED_BY_HOST", 3))

    def test_a_device_joins_with_its_activation_code_and_no_more_once_revoked(self):
        link = self.meeting()
        self.user(link, "ada").phase("in-meeting")
        made = self.admin("devices", "add", "room-2.conclave.test")
        state = self.state()
        room = self.join(link, "--device", made["code"], "--name", "Room 2", "--state", state)
        room.phase("in-meeting")
        me = next(p for p in room.people(2) if p["me"])
        self.assertEqual((me["identity"]["category"], me["identity"]["identifier"]),
                         ("device", "room-2.conclave.test"))
        room.ask("leave")
        self.assertEqual(room.over(), ("LEFT", 0))
        again = conclave("join", link, "--device", made["code"], "--json")
        self.assertEqual(again.returncode, 5)

    def test_nobody_but_a_host_starts_and_who_came_first_gets_in_then(self):
        link = self.meeting()
        ben = self.user(link, "ben")
        ben.phase("not-started")
        ada = self.user(link, "ada")
        ada.phase("in-meeting")
        ben.phase("in-meeting")
        self.assertEqual(ada.code(), ben.code())

    def test_a_locked_meeting_has_a_lobby_for_members_too(self):
        link = self.meeting()
        ada = self.user(link, "ada")
        ada.phase("in-meeting")
        ada.ask("lock")
        ada.until(lambda line: line.get("event") == "state" and line["meeting"]["locked"])
        ben = self.user(link, "ben")
        ben.phase("in-lobby")
        ada.ask("unlock")
        ada.ask("admit-all")
        ben.phase("in-meeting")

    def test_certificates_of_another_ca_are_worth_what_the_others_trust(self):
        folder = tempfile.mkdtemp(dir=self.folder)
        partner, rogue = authority(folder, "Partner"), authority(folder, "Rogue")
        carol = certify(folder, "carol", "email:carol@partner.example", partner)
        mallory = certify(folder, "mallory", "email:ada@conclave.test", rogue)
        link = self.meeting("--organization", "conclave.test", "--organization", "partner.example")
        ada = self.user(link, "ada", "--trust", f"{partner[0]}:partner.example")
        ada.phase("in-meeting")
        for chain, key in (carol, mallory):
            self.join(link, "--certificate", chain, "--key", key).phase("in-lobby")
        waiting = ada.until(lambda line: line.get("event") == "lobby" and
                            len(line["waiting"]) == 2)["waiting"]
        seen = {(w["identity"]["category"], w["identity"]["identifier"], w["identity"]["issuer"])
                for w in waiting}
        self.assertEqual(seen, {("member", "carol@partner.example", "Partner"),
                                ("unverified", "", "")})
        openssl("ec", "-in", carol[1], "-out", carol[1] + ".ec")  # the form of RFC 5915
        os.chmod(carol[1] + ".ec", 0o600)
        self.join(link, "--certificate", carol[0], "--key", carol[1] + ".ec").phase("in-lobby")
        os.chmod(carol[1], 0o644)
        self.assertEqual(self.refused(5, link, "--certificate", carol[0], "--key", carol[1]),
                         "OPEN_KEY")
        self.assertEqual(self.refused(5, link, "--certificate", carol[0], "--key", mallory[1]),
                         "ECREDENTIAL")
        self.assertEqual(self.refused(5, link, "--certificate", carol[0], "--key", "/nonexistent"),
                         "ENOTFOUND")

    # ---- In the meeting ----

    def test_commands_without_the_role_or_the_sense_are_answered(self):
        link = self.meeting()
        ada, ben = self.user(link, "ada"), self.user(link, "ben")
        ada.phase("in-meeting")
        ben.phase("in-meeting")
        self.assertEqual(ben.ask("lock")["error"]["code"], "EPOLICY")
        self.assertEqual(ada.ask("eject", number=99)["error"]["code"], "ENOTFOUND")
        self.assertEqual(ada.ask("eject")["error"]["code"], "EINVAL")
        self.assertEqual(ada.ask("dance")["error"]["code"], "EINVAL")
        self.assertEqual(ada.ask("say", text="")["error"]["code"], "EINVAL")
        ada.process.stdin.write("nonsense\n")
        ada.until(lambda line: line.get("error", {}).get("code") == "ESYNTAX")
        self.assertTrue(any("conclave.test" in line for line in
                            ada.ask("certificate", number=ben.number_of("Ben"))["lines"].split()))
        ben.ask("hand")
        ada.event("hand", raised=True)
        ben.ask("react", text="\U0001f44d")
        self.assertEqual(ada.event("reaction")["emoji"], "\U0001f44d")

    def test_a_cohost_may_do_what_hosts_do(self):
        link = self.meeting()
        ada, ben = self.user(link, "ada"), self.user(link, "ben")
        ada.phase("in-meeting")
        ben.phase("in-meeting")
        ada.people(2)
        ada.ask("cohost", number=ada.number_of("Ben"))
        ben.until(lambda line: line.get("event") == "state")
        end = time.monotonic() + PATIENCE
        while "error" in ben.ask("lock") and time.monotonic() < end:
            time.sleep(0.1)
        ada.until(lambda line: line.get("event") == "state" and line["meeting"]["locked"])

    def test_the_end_of_the_input_leaves(self):
        link = self.meeting()
        ada = self.user(link, "ada")
        ada.phase("in-meeting")
        ben = self.user(link, "ben")
        ben.phase("in-meeting")
        ben.process.stdin.close()
        self.assertEqual(ben.over(), ("LEFT", 0))
        self.assertEqual(ada.event("gone")["reason"], "LEFT")

    def test_a_signal_leaves(self):
        link = self.meeting()
        ada = self.user(link, "ada")
        ada.phase("in-meeting")
        ada.process.send_signal(signal.SIGTERM)
        self.assertEqual(ada.over(), ("LEFT", 0))

    def test_leaving_does_not_wait_for_a_server_that_hangs(self):
        link = self.meeting()
        ada = self.user(link, "ada")
        ada.phase("in-meeting")
        self.server.process.send_signal(signal.SIGSTOP)
        try:
            began = time.monotonic()
            ada.ask("leave")
            self.assertEqual(ada.over(), ("LEFT", 0))
            self.assertLess(time.monotonic() - began, 10)
        finally:
            self.server.process.send_signal(signal.SIGCONT)

    # ---- Coming back ----

    def test_after_kill_9_a_participant_is_the_same_one_in_the_same_epoch(self):
        link, state = self.meeting(), self.state()
        ada = self.user(link, "ada")
        ada.phase("in-meeting")
        ben = self.user(link, "ben", "--state", state)
        ben.phase("in-meeting")
        number, code = ben.number_of("Ben"), ben.code()
        ben.kill()
        ada.ask("say", text="while you were away")
        ben = self.join(link, "--state", state, "--name", "Ben")
        ben.phase("in-meeting")
        self.assertEqual(ben.number_of("Ben"), number)
        self.assertEqual(ben.code(), code)
        self.assertEqual(ada.code(), code)
        ben.ask("say", text="here again")
        self.assertEqual(ada.event("chat")["text"], "here again")

    def test_after_the_server_is_killed_the_meeting_goes_on(self):
        link = self.meeting()
        ada, ben = self.user(link, "ada"), self.user(link, "ben")
        ada.phase("in-meeting")
        ben.phase("in-meeting")
        ada.people(2)
        code, since = ada.code(), len(ben.seen)
        self.server.kill()
        ben.phase("reconnecting", since)
        self.server.start()
        ben.phase("in-meeting", since)
        self.assertEqual(ben.code(), code)
        ben.ask("say", text="still here")
        self.assertEqual(ada.event("chat")["text"], "still here")

    def test_a_server_that_is_away_is_waited_for(self):
        link, state = self.meeting(), self.state()
        ada = self.user(link, "ada", "--state", state)
        ada.phase("in-meeting")
        ada.ask("leave")
        ada.over()
        self.server.kill()
        ada = self.join(link, "--state", state)
        self.assertEqual(ada.event("notice")["reason"]["code"], "UNREACHABLE")
        self.server.start()
        ada.phase("in-meeting")

    def test_two_processes_do_not_share_a_state_folder(self):
        link, state = self.meeting(), self.state()
        ada = self.user(link, "ada", "--state", state)
        ada.phase("in-meeting")
        other = conclave("join", link, "--json", "--state", state)
        self.assertEqual(other.returncode, 7)
        self.assertEqual(json.loads(other.stdout)["reason"]["code"], "IN_USE")

    def test_a_state_folder_keeps_who_we_are(self):
        link, state = self.meeting(), self.state()
        ada = self.user(link, "ada", "--state", state)
        ada.phase("in-meeting")
        ada.ask("leave")
        ada.over()
        ada = self.join(link, "--state", state)
        ada.phase("in-meeting")
        self.assertEqual(ada.people(1)[0]["identity"]["identifier"], "ada@conclave.test")
        for name in os.listdir(state):
            self.assertEqual(os.stat(os.path.join(state, name)).st_mode & 0o077, 0, name)

    def test_a_full_disk_ends_it_before_a_key_could_be_used_twice(self):
        link, state = self.meeting(), self.state()
        ada = self.user(link, "ada", "--state", state)
        ada.phase("in-meeting")
        resource.prlimit(ada.process.pid, resource.RLIMIT_FSIZE, (1, 1))
        ada.process.stdin.write(json.dumps({"do": "say", "text": "x" * 4000}) + "\n")
        self.assertEqual(ada.over(), ("STORAGE", 7))

    # ---- What goes wrong is told, and the exit code with it ----

    def test_text_that_is_no_link(self):
        self.assertEqual(self.refused(2, "https://example.org/"), "BAD_LINK")
        self.assertEqual(self.refused(2, "http://example.org/m/1234567890"), "BAD_LINK")

    def test_a_wrong_number_and_a_wrong_secret_look_the_same(self):
        link = self.meeting()
        number = link.split("/m/")[1][:10]
        other = f"{(int(number) + 1) % 10**10:010d}"
        self.assertEqual(self.refused(6, link.replace(number, other), "--guest"),
                         "NO_SUCH_MEETING")
        head, secret = link.split("#1.")
        swapped = ("B" if secret[0] == "A" else "A") + secret[1:]
        self.assertEqual(self.refused(6, f"{head}#1.{swapped}", "--guest"), "NO_SUCH_MEETING")
        self.assertEqual(self.refused(6, head, "--guest"), "NO_SUCH_MEETING")

    def test_a_server_that_is_not_there(self):
        link = self.meeting().replace(str(self.server.port), str(free_port()))
        self.assertEqual(self.refused(4, link, "--guest"), "UNREACHABLE")

    def test_a_wrong_password(self):
        wrong = self.file("wrong", "not the password\n")
        self.assertEqual(self.refused(5, self.meeting(), "--sign-in", "ada@conclave.test",
                                      "--password-file", wrong), "SIGN_IN")

    def test_command_lines_that_make_no_sense(self):
        for arguments in (["join"], ["join", "a", "b"], ["join", "a", "--nonsense"], ["nonsense"],
                          ["join", "a", "--guest", "--sign-in", "x"], ["meeting", "new"],
                          ["meeting", "old"], ["admin"], ["admin", "users", "eat"],
                          ["account", "burn", "x", "--server", "http://localhost:1"],
                          ["account", "sign-up", "x", "--server", "http://example.org"], []):
            self.assertEqual(conclave(*arguments).returncode, 2, arguments)
        self.assertEqual(conclave("join", "--help").returncode, 0)

    # ---- Meetings and administration ----

    def test_an_open_meeting_needs_no_secret(self):
        link = self.meeting("--open", "--everybody")
        ada = self.user(link, "ada")
        ada.phase("in-meeting")
        self.assertTrue(ada.event("card")["meeting"]["open"])
        eve = self.join(link.split("#")[0], "--guest", "--name", "Eve")
        eve.phase("in-meeting")
        self.assertEqual(eve.code(), ada.code())

    def test_a_personal_room_keeps_its_number(self):
        first, second = self.meeting("--personal"), self.meeting("--personal")
        self.assertEqual(first.split("#")[0], second.split("#")[0])
        self.assertNotEqual(first, second)

    def test_administrators_see_and_end_what_is_held(self):
        link = self.meeting()
        ada = self.user(link, "ada")
        ada.phase("in-meeting")
        number = link.split("/m/")[1][:10]
        rooms = {r["number"]: r for r in self.admin("rooms", "list")["rooms"]}
        self.assertEqual(rooms[number]["members"], 1)
        self.assertIn("ada@conclave.test", [u["email"] for u in self.admin("users")["users"]])
        self.admin("rooms", "end", number)
        # the server says so, and no host signed it
        self.assertEqual(ada.over(), ("UNCONFIRMED_END", 6))
        actions = [e["action"] for e in self.admin("audit", "list", "--max", "100")["entries"]]
        self.assertIn("meeting-create", actions)

    def test_a_password_can_be_changed(self):
        conclave("account", "sign-up", "carl@conclave.test", "--server", self.server.url,
                 "--password-file", self.password)
        fresh = self.file("fresh", "another password of good length\n")
        arguments = ["account", "password", "carl@conclave.test", "--server", self.server.url,
                     "--password-file", self.password, "--new-password-file", fresh]
        self.assertEqual(conclave(*arguments).returncode, 0)
        self.assertEqual(conclave(*arguments).returncode, 5)

    # ---- TLS ----

    def test_over_tls_with_a_trusted_certificate_only(self):
        folder, port = tempfile.mkdtemp(dir=self.folder), free_port()
        chain, key = certify(folder, "server", "DNS:localhost")
        config = os.path.join(folder, "config")
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"[server]\nurl = https://localhost:{port}\nlisten = 127.0.0.1:{port}\n"
                    f"open_sign_up = yes\n[tls]\ncertificate = {chain}\nkey = {key}\n")
        server = Server(folder, "--config", config)
        try:
            self.meet_over_tls(f"https://localhost:{port}", chain)
        finally:
            self.assertEqual(server.stop(), 0)

    def meet_over_tls(self, url, chain):
        common = ["--password-file", self.password, "--ca", chain]
        done = conclave("account", "sign-up", "ada@conclave.test", "--server", url, *common)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = conclave("meeting", "new", "--title", "TLS", "--sign-in", "ada@conclave.test",
                        "--server", url, *common)
        link = done.stdout.strip()
        self.assertTrue(link.startswith(url), done.stderr)
        self.assertEqual(self.refused(4, link, "--guest"), "TLS")
        self.assertEqual(self.refused(2, link, "--guest", "--ca", self.password), "EINVAL")
        ada = self.join(link, "--sign-in", "ada@conclave.test", *common)
        ada.phase("in-meeting")
        ada.ask("end")
        self.assertEqual(ada.over(), ("ENDED", 0))

    # ---- A person at a terminal ----

    def test_at_a_terminal_lines_come_above_the_prompt(self):
        link = self.meeting()
        master, slave = pty.openpty()
        process = subprocess.Popen([programs.CONCLAVE, "join", link, "--name", "Ada",
                                    "--sign-in", "ada@conclave.test", "--password-file",
                                    self.password],
                                   stdin=slave, stdout=slave, stderr=slave, close_fds=True,
                                   start_new_session=True)
        os.close(slave)
        screen = b""

        def until(text):
            nonlocal screen
            end = time.monotonic() + PATIENCE
            while text not in screen:
                self.assertLess(time.monotonic(), end, screen)
                if select.select([master], [], [], 0.1)[0]:
                    screen += os.read(master, 65536)
            before, screen = screen.split(text, 1)
            return before

        until(b"connected end-to-end encrypted")
        until(b"Security code: ")
        until(b"\r> ")
        ben = self.user(link, "ben")
        until(b" joined.")
        until(b"\r> ")
        os.write(master, b"half a li")
        ben.phase("in-meeting")
        ben.ask("say", text="hello Ada")
        until(b": hello Ada")
        until(b"\r> half a li")
        os.write(master, b"ne\r")
        self.assertEqual(ben.event("chat")["text"], "half a line")
        os.write(master, b"/who\r")
        until(b"Identity verified by")
        os.write(master, b"/info\r")
        until(b"this participant sends and receives no audio and video")
        os.write(master, b"\x04")
        until(b"Left the meeting.")
        self.assertEqual(process.wait(PATIENCE), 0)
        os.close(master)


if __name__ == "__main__":
    programs.main()
