#!/usr/bin/env python3
"""Audio and video in meetings of the programs: files go in at one participant and come out the same
at the others; and what stops, goes, comes back or cannot be used is told.

    media_test.py CONCLAVE CONCLAVED MEDIA_FILES [unittest argument...]

MEDIA_FILES: the program of media_files.c.
"""
import collections
import glob
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

import programs

MEDIA_FILES = None
ATTEMPTS = 5


def content(path):
    """Of a media file: how many frames there are, for how long, and the hash of their bytes."""
    done = subprocess.run([MEDIA_FILES, "read", path], capture_output=True, text=True, check=True)
    frames, duration, digest = done.stdout.split()
    return int(frames), int(duration), digest


class Media(programs.Case):
    @classmethod
    def prepare(cls):
        subprocess.run([MEDIA_FILES, "write", cls.folder], check=True)
        cls.video = os.path.join(cls.folder, "video.ivf")
        cls.audio = os.path.join(cls.folder, "audio.opus")

    def folder_of(self, name):
        return os.path.join(tempfile.mkdtemp(dir=self.folder), name)

    def recorded(self, folder, kind):
        files = glob.glob(os.path.join(folder, f"*-{kind}.*"))
        self.assertEqual(len(files), 1, f"{kind}: {os.listdir(folder)}")
        return content(files[0])

    def received(self, who, name, source):
        """What `who` has got of a sender's track."""
        for track in who.ask("media")["received"]:
            if (track["name"], track["source"]) == (name, source):
                return track
        return {"frames": 0}

    def wait_for(self, check):
        end = time.monotonic() + programs.PATIENCE
        while not check():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.05)

    def settled(self, who, name, *sources):
        """Once nothing more comes of these tracks: how many frames of each there are."""
        before = None
        while True:
            now = [self.received(who, name, source)["frames"] for source in sources]
            if now == before:
                return now
            before = now
            time.sleep(1)

    def in_meeting(self, *people):
        for p in people:
            p.phase("in-meeting")

    def leave(self, *people):
        for p in people:
            p.tell("leave")
            self.assertEqual(p.over(), ("LEFT", 0))

    def test_files_come_out_as_they_went_in(self):
        """On a machine that is too busy frames may be given up, and are told as lost: then again."""
        self.assertTrue(any(self.files_come_out() for _ in range(ATTEMPTS)))

    def files_come_out(self):
        link, here = self.meeting(), self.folder_of("ben")
        ben = self.user(link, "ben", "--record", here)
        ben.phase("not-started")
        ada = self.user(link, "ada", "--video", self.video, "--audio", self.audio, "--record",
                        self.folder_of("ada"))
        self.in_meeting(ada, ben)
        ada.event("media", connected=True)
        ben.event("media", connected=True)
        ben.event("speaker", number=ada.number_of("Ada"))
        ada.event("media-ended", source="camera")
        ada.event("media-ended", source="sound")
        sent = [content(self.video)[0], content(self.audio)[0]]
        came = self.settled(ben, "Ada", "camera", "sound")
        report = ben.ask("media")
        self.leave(ben, ada)
        self.assertEqual(set(report["refused"].values()), {0})
        self.assertEqual(report["mislabelled"], 0)
        if came != sent:
            return False
        for track in report["received"]:
            self.assertEqual((track["lost"], track["unusable"]), (0, 0), track)
        self.assertEqual(self.recorded(here, "camera"), content(self.video))
        self.assertEqual(self.recorded(here, "sound"), content(self.audio))
        return True

    def test_what_is_stopped_is_not_sent_and_is_no_loss(self):
        link = self.meeting()
        ada = self.user(link, "ada", "--synthetic", "1", "--stay")
        ada.phase("in-meeting")
        ben = self.user(link, "ben", "--record", self.folder_of("ben"))
        self.in_meeting(ben)
        self.wait_for(lambda: self.received(ben, "Ada", "camera")["frames"] > 15)
        for stop, start, source in (("stop-video", "start-video", "camera"),
                                    ("mute", "unmute", "sound")):
            self.assertNotIn("error", ada.ask(stop))
            before = -1
            while before != self.received(ben, "Ada", source)["frames"]:
                before = self.received(ben, "Ada", source)["frames"]
                time.sleep(0.5)
            self.assertNotIn("error", ada.ask(start))
            self.wait_for(lambda: self.received(ben, "Ada", source)["frames"] > before + 15)
            self.assertEqual(self.received(ben, "Ada", source)["lost"], 0)
        self.leave(ben, ada)

    def media_of(self, link):
        """What administrators see of a meeting's media."""
        number = link.split("/m/")[1][:10]
        rooms = {room["number"]: room for room in self.admin("rooms", "list")["rooms"]}
        return rooms[number].get("media")

    def metrics(self):
        """Those of the switch, of all its workers together."""
        with urllib.request.urlopen(self.server.url + "/metrics", timeout=30) as answer:
            text = answer.read().decode()
        sums = collections.Counter()
        for name, value in re.findall(r"^conclave_media_(\w+)\{[^}]*\} (\d+)$", text, re.M):
            sums[name] += int(value)
        return sums

    def test_administrators_see_numbers(self):
        link = self.meeting()
        ada = self.user(link, "ada", "--synthetic", "1")
        ben = self.user(link, "ben", "--record", self.folder_of("ben"))
        self.in_meeting(ada, ben)
        self.wait_for(lambda: self.received(ben, "Ada", "camera")["frames"] > 15)
        self.wait_for(lambda: (seen := self.media_of(link)) and seen["packets_out"] > 30 and
                      seen["flowing"] == 1 and seen["speaker"])
        seen, metrics = self.media_of(link), self.metrics()
        self.assertEqual((seen["connected"], seen["tracks"]), (2, 2))
        self.assertGreaterEqual(metrics["peers_connected"], 2)
        for name in ("packets_in", "bytes_in", "packets_out", "bytes_out"):
            self.assertGreater(seen[name], 0, name)
            self.assertGreaterEqual(metrics[name + "_total"], seen[name], name)
        self.assertGreater(seen["bytes_in"], seen["packets_in"])
        self.wait_for(lambda: self.metrics()["streams_flowing"] > 0)
        done = programs.conclave("admin", "rooms", "list", "--server", self.server.url,
                                 "--token-file", self.token)
        titles, *rows = done.stdout.splitlines()
        self.assertRegex(titles, r"^number .* media\.connected  media\.tracks  media\.loss_ppm *$")
        number = link.split("/m/")[1][:10]
        self.assertRegex([row for row in rows if row.startswith(number)][0], r" 2 +2 +\d+ *$")
        self.leave(ben, ada)
        self.wait_for(lambda: self.metrics()["meetings"] == 0)

    def test_a_screen_is_shown_beside_the_camera(self):
        link = self.meeting()
        ada = self.user(link, "ada", "--synthetic", "2")
        ada.phase("in-meeting")
        folder = self.folder_of("ben")
        ben = self.user(link, "ben", "--record", folder)
        self.in_meeting(ben)
        self.wait_for(lambda: self.received(ben, "Ada", "camera")["frames"] > 0)
        self.assertNotIn("error", ada.ask("share", text=self.video))
        ada.event("media-ended", source="screen")
        self.assertGreater(self.settled(ben, "Ada", "screen")[0], content(self.video)[0] // 2)
        self.assertEqual(ada.ask("unshare")["error"]["code"], "ENOTFOUND")
        self.leave(ben, ada)
        self.assertGreater(self.recorded(folder, "screen")[0], 0)

    def test_frames_go_on_through_changes_of_key(self):
        link = self.meeting()
        ada = self.user(link, "ada", "--synthetic", "3")
        ada.phase("in-meeting")
        ben = self.user(link, "ben", "--record", self.folder_of("ben"))
        self.in_meeting(ben)
        self.wait_for(lambda: self.received(ben, "Ada", "camera")["frames"] > 15)
        for _ in range(3):
            since = len(ada.seen)
            guest = self.join(link, "--name", "Gwen", "--record", self.folder_of("gwen"))
            ada.until(lambda line: line.get("event") == "lobby" and line["waiting"], since)
            ada.ask("admit-all")
            guest.phase("in-meeting")
            self.wait_for(lambda: self.received(guest, "Ada", "camera")["frames"] > 3)
            since = len(ben.seen)
            guest.tell("leave")
            self.assertEqual(guest.over(), ("LEFT", 0))
            ben.event("gone", since=since)
        for source in ("camera", "sound"):
            track = self.received(ben, "Ada", source)
            self.assertEqual(track["lost"], 0, track)
            self.assertGreaterEqual(track["key_changes"], 5, track)
        self.leave(ben, ada)

    def test_media_comes_back_with_the_server_and_with_the_participant(self):
        link, state = self.meeting(), self.state()
        ada = self.user(link, "ada", "--synthetic", "4", "--state", state)
        ada.phase("in-meeting")
        ben = self.user(link, "ben", "--record", self.folder_of("ben"))
        self.in_meeting(ben)
        self.wait_for(lambda: self.received(ben, "Ada", "camera")["frames"] > 15)
        since = len(ben.seen)
        self.server.kill()
        ben.event("media", since=since, connected=False)
        self.server.start()
        ben.event("media", since=since, connected=True)
        before = self.received(ben, "Ada", "camera")["frames"]
        self.wait_for(lambda: self.received(ben, "Ada", "camera")["frames"] > before + 15)
        ada.kill()  # and the same leaf again, in the same epoch
        ada = self.user(link, "ada", "--synthetic", "4", "--state", state)
        ada.phase("in-meeting")
        before = self.received(ben, "Ada", "camera")["frames"]
        self.wait_for(lambda: self.received(ben, "Ada", "camera")["frames"] > before + 15)
        report = ben.ask("media")
        self.assertEqual((report["refused"]["replay"], report["refused"]["tampered"]), (0, 0))
        self.leave(ben, ada)

    def test_bad_files_are_named_with_what_is_wrong(self):
        link, nothing = self.meeting(), self.file("nothing.ivf", "no video at all, this file")
        with open(self.video, "rb") as f:
            cut = f.read()[:-50]
        broken = os.path.join(self.folder, "cut.ivf")
        with open(broken, "wb") as f:
            f.write(cut)
        for option, path, text in (("--video", nothing, "at byte 0"),
                                   ("--video", self.audio, "no VP8"),
                                   ("--audio", self.video, "no Opus"),
                                   ("--audio", os.path.join(self.folder, "none"), "No such file")):
            done = programs.conclave("join", link, option, path)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(text, done.stderr)
            self.assertIn(path, done.stderr)
        for options in (("--synthetic", "x"), ("--synthetic", "256"),
                        ("--synthetic", "1", "--video", self.video)):
            self.assertEqual(programs.conclave("join", link, *options).returncode, 2)
        done = programs.conclave("join", link, "--record", os.path.join(nothing, "folder"))
        self.assertEqual(done.returncode, 7, done.stderr)
        ada = self.user(link, "ada", "--video", broken)
        ada.phase("in-meeting")
        ben = self.user(link, "ben", "--record", self.folder_of("ben"))
        self.assertIn("cut.ivf: at byte", ada.event("media-trouble")["text"])
        self.assertEqual(ada.ask("stop-video")["error"]["code"], "ENOTFOUND")
        self.in_meeting(ben)
        self.leave(ben, ada)

    def test_without_media_there_is_none(self):
        link = self.meeting()
        ada = self.user(link, "ada")
        ada.phase("in-meeting")
        for command in ("mute", "media", "start-video", "unshare"):
            self.assertEqual(ada.ask(command)["error"]["code"], "EUNSUPPORTED")
        self.leave(ada)


if __name__ == "__main__":
    MEDIA_FILES = sys.argv.pop(3)
    programs.main()
