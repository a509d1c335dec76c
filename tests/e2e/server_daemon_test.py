#!/usr/bin/env python3
"""conclaved as its administrator and strangers see it.

    server_daemon_test.py CONCLAVED
"""
import gzip
import http.client
import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ws  # noqa: E402

PROGRAM = None
PATIENCE = 30
HELLO, FAULT = 1, 79
NO_SUCH_MEETING, MALFORMED, UNEXPECTED, TOO_MANY, SERVER_STOPS, VERSION = 2, 80, 81, 83, 86, 9
PASSWORD = "correct horse battery staple"


def opaque(data):
    """RFC 9420 2.1.2."""
    n = len(data)
    return (bytes([n]) if n < 64 else (0x4000 | n).to_bytes(2, "big")) + data


def hello(number=b"0123456789", access=b"a" * 32, version=1):
    return bytes([HELLO]) + version.to_bytes(2, "big") + opaque(number) + opaque(access)


def free_port(host="127.0.0.1"):
    with socket.socket() as s:
        s.bind((host, 0))
        return s.getsockname()[1]


def self_made_certificate(folder, name):
    chain, key = os.path.join(folder, "chain.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                    "-keyout", key, "-out", chain], check=True, stderr=subprocess.DEVNULL)
    return chain, key


class Daemon:
    def __init__(self, data, *options, settings=None):
        self.data, self.options, self.process = data, list(options), None
        self.address = os.path.join(data, "run", "address")
        self.errors = data + ".stderr"
        if settings is not None:
            path = data + ".ini"
            with open(path, "w", encoding="utf-8") as f:
                f.write(settings)
            self.options += ["--config", path]
        self.start()

    def start(self):
        if os.path.exists(self.address):
            os.unlink(self.address)
        with open(self.errors, "ab") as errors:
            self.process = subprocess.Popen([PROGRAM, "--data", self.data, *self.options],
                                            stdout=subprocess.DEVNULL, stderr=errors)
        end = time.monotonic() + PATIENCE
        while not (os.path.exists(self.address) and os.path.getsize(self.address)):
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end, "it does not get ready"
            time.sleep(0.02)
        with open(self.address, encoding="utf-8") as f:
            self.url = f.read().strip()
        self.port = int(self.url.rsplit(":", 1)[1])

    def log(self):
        with open(self.errors, encoding="utf-8") as f:
            return f.read()

    def stop(self, signum=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(signum)
        return self.process.wait(PATIENCE)

    def ask(self, method, path, body=None, token=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def socket(self):
        return ws.WebSocket(ws.connect(self.port), "conclave.1")


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def daemon(self, *options, **how):
        daemon = Daemon(self.path("data"), *(options or ("--port", "0")), **how)
        self.addCleanup(daemon.stop, signal.SIGKILL)
        return daemon

    def fault(self, socket_):
        """The reason of the Fault that comes, after which the server closes."""
        message = socket_.recv()
        self.assertEqual(message[0], FAULT)
        with self.assertRaises(ws.Closed):
            socket_.recv()
        socket_.close()
        return int.from_bytes(message[1:3], "big")


class Strangers(Case):
    def test_a_wrong_number_and_a_wrong_hello_are_told_so(self):
        daemon = self.daemon()
        for frame, reason in [(hello(), NO_SUCH_MEETING), (hello(b""), NO_SUCH_MEETING),
                              (hello(b"x" * 60), NO_SUCH_MEETING), (hello(version=2), VERSION),
                              (bytes([13]), UNEXPECTED), (b"", MALFORMED), (b"\xff", MALFORMED),
                              (hello() + b"x", MALFORMED), (hello()[:-1], MALFORMED)]:
            socket_ = daemon.socket()
            socket_.send(frame)
            self.assertEqual(self.fault(socket_), reason, frame)

    def test_guessing_numbers_ends_soon_and_for_one_address_alone(self):
        daemon = self.daemon(settings="[server]\nport = 0\n[limits]\nhellos_per_minute = 5\n")
        reasons = []
        for _ in range(8):
            socket_ = daemon.socket()
            socket_.send(hello())
            reasons.append(self.fault(socket_))
        self.assertEqual(reasons[:5], [NO_SUCH_MEETING] * 5)
        self.assertEqual(reasons[-1], TOO_MANY)
        other = ws.WebSocket(ws.connect(daemon.port, host="::1"), "conclave.1")
        other.send(hello())
        self.assertEqual(self.fault(other), NO_SUCH_MEETING)

    def test_too_large_a_first_frame_is_not_read(self):
        daemon = self.daemon()
        socket_ = daemon.socket()
        socket_.send(b"x" * 100, length=(64 << 10) + 1)
        with self.assertRaises(ws.Closed) as closed:
            socket_.recv()
        self.assertEqual(closed.exception.code, 1009)
        self.assertEqual(daemon.ask("GET", "/healthz")[0], 200)

    def test_a_flood_of_connections_leaves_the_server_standing(self):
        daemon = self.daemon(settings="[server]\nport = 0\n[limits]\nconnections = 100\n"
                                      "connections_per_address = 50\n")
        held = [ws.connect(daemon.port) for _ in range(120)]
        for i, sock in enumerate(held):
            try:
                sock.sendall(b"GET /ws HTTP/1.1\r\n" if i % 2 else os.urandom(50))
            except OSError:
                pass
        other = ws.WebSocket(ws.connect(daemon.port, host="::1"), "conclave.1")
        other.send(hello())
        self.assertEqual(self.fault(other), NO_SUCH_MEETING)
        for sock in held:
            sock.close()
        self.assertIsNone(daemon.process.poll())


class Pages(Case):
    def test_pages_are_there_and_others_are_not(self):
        daemon = self.daemon()
        for method, path, status, word in [
                ("GET", "/healthz", 200, b"ok"), ("GET", "/", 200, b"conclave join"),
                ("GET", "/m/0123456789", 200, b"conclave join"), ("GET", "/ws", 426, b"WebSocket"),
                ("GET", "/healthz/", 404, b""), ("GET", "/etc/passwd", 404, b""),
                ("GET", "/m/../../etc/passwd", 404, b""), ("POST", "/healthz", 405, b""),
                ("GET", "/api/v1/nothing", 404, b"{"), ("GET", "/api/v1/ca", 200, b"root")]:
            answer = daemon.ask(method, path, "" if method == "POST" else None)
            self.assertEqual(answer[0], status, path)
            self.assertIn(word, answer[1])
            self.assertEqual(answer[2]["x-content-type-options"], "nosniff")

    def web(self, **files):
        """A folder as the build makes it; names have _ for dots and __ for slashes."""
        os.makedirs(self.path("web/assets"))
        for name, text in {"index_html": "<!doctype html>", "manifest_json": "{}", **files}.items():
            with open(self.path("web/" + name.replace("__", "/").replace("_", ".")), "wb") as f:
                f.write(text if isinstance(text, bytes) else text.encode())
        return f"[server]\nport = 0\nweb = {self.path('web')}\n"

    def test_the_app_is_given_for_the_front_and_for_links_and_nothing_beside_it(self):
        daemon = self.daemon(settings=self.web(assets__app_js="run()", notes_txt="mine"))
        for path, status, word in [
                ("/", 200, b"<!doctype"), ("/m/0123456789", 200, b"<!doctype"),
                ("/index.html", 200, b"<!doctype"), ("/assets/app.js", 200, b"run()"),
                ("/manifest.json", 200, b"{}"), ("/notes.txt", 404, b""), ("/assets/", 404, b""),
                ("/assets/../../etc/passwd", 404, b""), ("/healthz", 200, b"ok")]:
            answer = daemon.ask("GET", path)
            self.assertEqual(answer[0], status, path)
            self.assertIn(word, answer[1])

    def test_the_app_runs_its_own_scripts_alone(self):
        daemon = self.daemon(settings=self.web(assets__app_js="run()"))
        headers = daemon.ask("GET", "/")[2]
        policy = dict(part.strip().split(" ", 1)
                      for part in headers["content-security-policy"].split(";"))
        self.assertEqual(policy["default-src"], "'none'")
        self.assertEqual(policy["script-src"], "'self' 'wasm-unsafe-eval'")
        self.assertEqual(policy["require-trusted-types-for"], "'script'")
        self.assertNotIn("unsafe-inline", headers["content-security-policy"])
        self.assertEqual(headers["cross-origin-opener-policy"], "same-origin")
        self.assertEqual(headers["cross-origin-embedder-policy"], "require-corp")
        self.assertEqual(headers["cache-control"], "no-cache")
        self.assertIn("immutable", daemon.ask("GET", "/assets/app.js")[2]["cache-control"])

    def test_who_takes_gzip_is_given_it(self):
        packed = gzip.compress(b"run()" * 100)
        daemon = self.daemon(settings=self.web(assets__app_js="run()" * 100,
                                               assets__app_js_gz=packed))
        for accepted, encoding in [("gzip, deflate, br", "gzip"), ("br", None), (None, None),
                                   ("gzip;q=0", None)]:
            headers = {} if accepted is None else {"accept-encoding": accepted}
            connection = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=PATIENCE)
            connection.request("GET", "/assets/app.js", headers=headers)
            answer = connection.getresponse()
            self.assertEqual(answer.getheader("content-encoding"), encoding)
            body = answer.read()
            self.assertEqual(gzip.decompress(body) if encoding else body, b"run()" * 100)
            connection.close()

    def test_a_folder_without_an_app_is_told(self):
        os.makedirs(self.path("empty"))
        with open(self.path("c.ini"), "w", encoding="utf-8") as f:
            f.write(f"[server]\nport = 0\nweb = {self.path('empty')}\ndata = {self.path('d')}\n")
        done = subprocess.run([PROGRAM, "--config", self.path("c.ini")], capture_output=True,
                              text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("[server] web", done.stderr)

    def test_metrics_count(self):
        daemon = self.daemon()
        socket_ = daemon.socket()
        socket_.send(hello())
        self.fault(socket_)
        text = daemon.ask("GET", "/metrics")[1].decode()
        values = dict(line.split() for line in text.splitlines()
                      if not line.startswith("#") and "{" not in line)
        self.assertEqual(values["conclave_hellos_failed_total"], "1")
        self.assertEqual(values["conclave_errors_total"], "0")
        self.assertEqual(values["conclave_rooms"], "0")
        for line in text.splitlines():
            self.assertRegex(line, r"^(# (HELP|TYPE) conclave_\w+ .+|conclave_\w+(\{.*\})? \d+)$")

    def test_media_metrics_are_of_each_worker(self):
        text = self.daemon(settings="[server]\nport = 0\n[media]\nworkers = 3\n").ask(
            "GET", "/metrics")[1].decode()
        self.assertEqual(re.findall(r"^conclave_media_peers(\{.*) 0$", text, re.M),
                         [f'{{worker="{i}"}}' for i in range(3)])

    def test_there_is_no_media_unless_wanted(self):
        text = self.daemon(settings="[server]\nport = 0\n[media]\nenabled = no\n").ask(
            "GET", "/metrics")[1].decode()
        self.assertNotIn("conclave_media", text)

    def test_metrics_can_be_off(self):
        daemon = self.daemon(settings="[server]\nport = 0\nmetrics = off\n")
        self.assertEqual(daemon.ask("GET", "/metrics")[0], 404)

    def test_passwords_do_not_hold_up_others(self):
        daemon = self.daemon()
        account = {"email": "ada@conclave.test", "password": PASSWORD}
        self.assertEqual(daemon.ask("POST", "/api/v1/sign-up", account)[0] // 100, 2)
        threads = [threading.Thread(target=daemon.ask, args=("POST", "/api/v1/sign-in", account))
                   for _ in range(4)]
        for thread in threads:
            thread.start()
        slowest = 0
        while any(thread.is_alive() for thread in threads):
            start = time.monotonic()
            self.assertEqual(daemon.ask("GET", "/healthz")[0], 200)
            slowest = max(slowest, time.monotonic() - start)
        self.assertLess(slowest, 1)

    def test_the_log_holds_no_secrets(self):
        daemon = self.daemon(settings="[server]\nport = 0\n[log]\nlevel = debug\n")
        account = {"email": "ada@conclave.test", "password": PASSWORD}
        daemon.ask("POST", "/api/v1/sign-up", account)
        answer = json.loads(daemon.ask("POST", "/api/v1/sign-in", account)[1])
        daemon.ask("GET", "/api/v1/meetings", token=answer["token"])
        socket_ = daemon.socket()
        socket_.send(hello(access=b"secret" * 5 + b"xx"))
        self.fault(socket_)
        daemon.stop()
        for secret in (PASSWORD, answer["token"], "ada", "secretsecret"):
            self.assertNotIn(secret, daemon.log())


class Life(Case):
    def test_it_is_ready_at_once_and_private(self):
        start = time.monotonic()
        daemon = self.daemon()
        self.assertLess(time.monotonic() - start, 5)  # with sanitizers; a release takes 0.1 s
        self.assertTrue(daemon.url.startswith("http://localhost:"))
        for folder, _, files in os.walk(daemon.data):
            self.assertEqual(stat.S_IMODE(os.stat(folder).st_mode), 0o700, folder)
            for name in files:
                mode = stat.S_IMODE(os.stat(os.path.join(folder, name)).st_mode)
                self.assertEqual(mode, 0o600, name)

    def test_it_stops_when_asked_and_tells_who_is_there(self):
        daemon = self.daemon()
        socket_ = daemon.socket()
        socket_.send(b"", ws.PING)
        socket_.raw()
        daemon.process.terminate()
        self.assertEqual(self.fault(socket_), SERVER_STOPS)
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(os.path.exists(daemon.address))

    def test_who_does_not_go_is_not_waited_for(self):
        daemon = self.daemon()
        held = [daemon.socket() for _ in range(3)]
        start = time.monotonic()
        self.assertEqual(daemon.stop(signal.SIGINT), 0)
        self.assertLess(time.monotonic() - start, 8)
        for socket_ in held:
            socket_.close()

    def test_a_folder_has_one_server(self):
        daemon = self.daemon()
        second = subprocess.run([PROGRAM, "--data", daemon.data, "--port", "0"],
                                capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(second.returncode, 1)
        self.assertIn("another conclaved serves from this folder", second.stderr)
        self.assertEqual(daemon.ask("GET", "/healthz")[0], 200)

    def test_a_port_has_one_server(self):
        daemon = self.daemon()
        second = subprocess.run([PROGRAM, "--data", self.path("other"), "--port",
                                 str(daemon.port)], capture_output=True, text=True,
                                timeout=PATIENCE, check=False)
        self.assertEqual(second.returncode, 1)
        self.assertIn("another program has this port", second.stderr)

    def test_after_kill_9_it_is_who_it_was(self):
        daemon = self.daemon("--port", str(free_port()))
        account = {"email": "ada@conclave.test", "password": PASSWORD}
        self.assertEqual(daemon.ask("POST", "/api/v1/sign-up", account)[0] // 100, 2)
        before = daemon.ask("GET", "/api/v1/ca")[1]
        daemon.stop(signal.SIGKILL)
        daemon.start()
        self.assertEqual(daemon.ask("GET", "/api/v1/ca")[1], before)
        self.assertEqual(daemon.ask("POST", "/api/v1/sign-in", account)[0], 200)

    def test_the_log_is_opened_again(self):
        log = self.path("log")
        daemon = self.daemon(settings=f"[server]\nport = 0\n[log]\nfile = {log}\n")
        os.rename(log, log + ".old")
        daemon.process.send_signal(signal.SIGHUP)
        end = time.monotonic() + PATIENCE
        while not os.path.exists(log) or os.path.getsize(log) == 0:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)
        daemon.stop()
        with open(log, encoding="utf-8") as f:
            lines = f.read().splitlines()
        for line in lines:
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warning|error) .")
        self.assertTrue(lines[-1].endswith("stopped"))

    def test_other_domains_make_another_root(self):
        daemon = self.daemon(settings="[server]\nport = 0\ndomains = one.example\n")
        one = json.loads(daemon.ask("GET", "/api/v1/ca")[1])["root"]
        daemon.stop()
        with open(daemon.data + ".ini", "w", encoding="utf-8") as f:
            f.write("[server]\nport = 0\ndomains = one.example, two.example\n")
        daemon.start()
        two = json.loads(daemon.ask("GET", "/api/v1/ca")[1])["root"]
        self.assertNotEqual(one, two)
        self.assertIn("new root certificate", daemon.log())
        daemon.stop()
        daemon.start()
        self.assertEqual(json.loads(daemon.ask("GET", "/api/v1/ca")[1])["root"], two)

    def test_a_token_for_administration_is_made_and_works(self):
        daemon = self.daemon()
        for _ in range(2):
            made = subprocess.run([PROGRAM, "--data", daemon.data, "--make-admin-token"],
                                  capture_output=True, text=True, timeout=PATIENCE, check=True)
            token = made.stdout.strip()
            self.assertRegex(token, r"^[\w-]{40,}$")
            self.assertEqual(daemon.ask("GET", "/api/v1/admin/users", token=token)[0], 200)
        self.assertEqual(daemon.ask("GET", "/api/v1/admin/users", token="x" * 43)[0], 401)


class Tls(Case):
    def certificate_of(self, port):
        return ssl.get_server_certificate(("127.0.0.1", port), timeout=PATIENCE)

    def test_it_makes_itself_a_certificate_and_keeps_it(self):
        port = free_port()
        daemon = self.daemon("--listen", f"127.0.0.1:{port}", "--port", "0")
        self.assertEqual(daemon.url, f"https://127.0.0.1:{port}")
        first = self.certificate_of(port)
        text = subprocess.run(["openssl", "x509", "-noout", "-text"], input=first.encode(),
                              capture_output=True, check=True).stdout.decode()
        for part in ("DNS:localhost", "IP Address:127.0.0.1", "TLS Web Server Authentication",
                     "CA:FALSE", "NIST CURVE: P-256"):
            self.assertIn(part, text)
        with ws.connect(port, tls=ws.anybody()) as sock:
            socket_ = ws.WebSocket(sock, "conclave.1")
            socket_.send(hello())
            self.assertEqual(socket_.recv()[0], FAULT)
        daemon.stop()
        daemon.start()
        self.assertEqual(self.certificate_of(port), first)

    def test_its_own_certificate_can_be_trusted_by_name(self):
        port = free_port()
        daemon = self.daemon("--listen", f"127.0.0.1:{port}", "--port", "0")
        context = ssl.create_default_context(
            cafile=os.path.join(daemon.data, "tls", "certificate.pem"))
        for name in ("localhost", "127.0.0.1"):
            with socket.create_connection(("127.0.0.1", port), PATIENCE) as sock:
                with context.wrap_socket(sock, server_hostname=name) as tls:
                    self.assertEqual(tls.version(), "TLSv1.3")

    def test_a_renewed_certificate_is_taken_without_a_restart(self):
        port = free_port()
        chain, key = self_made_certificate(self.folder.name, "first.example")
        daemon = self.daemon(settings=f"[server]\nport = 0\nlisten = 127.0.0.1:{port}\n"
                                      f"url = https://first.example:{port}\n"
                                      f"[tls]\ncertificate = {chain}\nkey = {key}\n")
        self.assertEqual(daemon.url, f"https://first.example:{port}")
        first = self.certificate_of(port)
        with open(key, encoding="utf-8") as f:
            old_key = f.read()
        self_made_certificate(self.folder.name, "first.example")
        with open(key, encoding="utf-8") as f:
            new_key = f.read()
        with open(key, "w", encoding="utf-8") as f:
            f.write(old_key)  # not the certificate's: the old pair stays
        daemon.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.assertEqual(self.certificate_of(port), first)
        self.assertIn("the old certificate stays", daemon.log())
        with open(key, "w", encoding="utf-8") as f:
            f.write(new_key)
        daemon.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        self.assertNotEqual(self.certificate_of(port), first)

    def test_who_serves_others_does_not_let_anybody_sign_up(self):
        daemon = self.daemon("--listen", f"127.0.0.1:{free_port()}", "--port", "0")
        connection = http.client.HTTPSConnection("127.0.0.1", daemon.port, timeout=PATIENCE,
                                                 context=ws.anybody())
        connection.request("POST", "/api/v1/sign-up",
                           json.dumps({"email": "eve@conclave.test", "password": PASSWORD}))
        self.assertEqual(connection.getresponse().status // 100, 4)
        connection.close()


class Settings(Case):
    def refused(self, *options, settings=None):
        if settings is not None:
            with open(self.path("conclaved.ini"), "w", encoding="utf-8") as f:
                f.write(settings)
            options += ("--config", self.path("conclaved.ini"))
        done = subprocess.run([PROGRAM, "--check-config", *options], capture_output=True,
                              text=True, timeout=PATIENCE, check=False)
        self.assertNotEqual(done.returncode, 0, options)
        self.assertTrue(done.stderr.startswith("conclaved: "), done.stderr)
        return done.stderr

    def test_wrong_lines_are_told_with_file_line_and_cure(self):
        for line, cure in [
                ("port = 70000", "must be a number from 0 to 65535"),
                ("port = -1", "must be a number"), ("port =", "must be a number"),
                ("port = 8080 ; here", "must be a number"),
                ("port", "write key = value"), ("= 5", "no key"), ("[", "[name]"),
                ("prot = 5", "docs/ADMIN.md"), ("file = x", "belongs into section [log]"),
                ("plain_http = maybe", "must be yes or no"),
                ("metrics = some", "must be one of: local, all, off"),
                ("certificate_days = 32", "1 to 31"), ("name = " + "x" * 2000, "at most"),
                ("name = \0", "no text file")]:
            told = self.refused(settings=f"# a comment\n[server]\n{line}\n")
            self.assertIn("conclaved.ini:3: ", told, line)
            self.assertIn(cure, told)

    def test_settings_that_do_not_go_together_are_told(self):
        for settings, cure in [
                ("url = http://meet.example.org", "write https://"),
                ("url = https://meet.example.org/", "without anything after it"),
                ("url = meet.example.org", "must be like"),
                ("listen = meet.example.org", "is no address"),
                ("listen = 1.2.3.4:99999", "is no address"),
                ("listen = [::1", "is no address"),
                ("plain_http = no", "set listen"),
                ("name = " + "x" * 65, "1 to 64"),
                ("[tls]\ncertificate = x", "both certificate and key"),
                ("[media]\naddresses = meet.example.org", "is no address"),
                ("[media]\naddresses = " + "192.0.2.1 " * 9, "at most 8"),
                ("[media]\nport = 65530\nworkers = 7", "no ports for so many workers"),
                ("domains = " + " ".join(f"d{i}.example" for i in range(65)), "at most 64")]:
            self.assertIn(cure, self.refused(settings=f"[server]\n{settings}\n"))

    def test_wrong_options_are_told(self):
        for options, cure in [(("--porty", "5"), "--help"), (("--port",), "value is missing"),
                              (("--port", "x"), "must be a number"), (("extra",), "--help"),
                              (("--help=yes",), "has no value"),
                              (("--listen", "nowhere"), "is no address"),
                              (("--config", "/nowhere"), "cannot be read"),
                              (("--data", ""), "must name a folder")]:
            self.assertIn(cure, self.refused(*options))

    def test_what_only_starting_shows_is_told_too(self):
        for settings, cure in [
                ("domains = not_a domain!", "plain domains"),
                ("public_roots = /nowhere", "public_roots"),
                ("listen = 192.0.2.77:0", "does not have this address"),
                ("listen = 127.0.0.1:0\n[tls]\ncertificate = /a\nkey = /b", "/a"),
                ("[limits]\nconnections = 1000000\n", "ulimit"),
                ("[log]\nfile = /nowhere/log", "/nowhere/log")]:
            with open(self.path("c.ini"), "w", encoding="utf-8") as f:
                f.write(f"[server]\nport = 0\n{settings}\n")
            done = subprocess.run(["sh", "-c", "ulimit -Hn 5000; exec \"$@\"", "sh", PROGRAM,
                                   "--data", self.path("d"), "--config", self.path("c.ini")]
                                  if "connections" in settings else
                                  [PROGRAM, "--data", self.path("d"), "--config",
                                   self.path("c.ini")],
                                  capture_output=True, text=True, timeout=PATIENCE, check=False)
            self.assertEqual(done.returncode, 1, settings)
            self.assertIn(cure, done.stderr)

    def test_a_media_port_that_is_taken_is_told(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 0))
            with open(self.path("c.ini"), "w", encoding="utf-8") as f:
                f.write(f"[server]\nport = 0\n[media]\nport = {taken.getsockname()[1]}\n")
            done = subprocess.run([PROGRAM, "--data", self.path("d"), "--config",
                                   self.path("c.ini")], capture_output=True, text=True,
                                  timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("[media] port", done.stderr)
        self.assertIn("in use", done.stderr)

    def test_right_settings_are_right(self):
        with open(self.path("c.ini"), "w", encoding="utf-8") as f:
            f.write("; all of them\r\n[server]\r\n  name = \" Our server \"\n"
                    "url = https://meet.example.org\nlisten = 0.0.0.0:443 [::]:443, ::1\n"
                    "domains = example.org\nport = 0\nplain_http = Yes\nopen_sign_up = no\n"
                    "certificate_days = 31\ntoken_days = 1\nmetrics = all\ndata = /tmp/none\n"
                    "[ limits ]\nconnections = 500\nconnections_per_address = 500\n"
                    "queue_megabytes = 64\nparticipants = 200\nwaiting = 10\n"
                    "hellos_per_minute = 100\n[log]\nfile = /tmp/none.log\nlevel = warning\n"
                    "megabytes = 0\nkeep = 0\n[tls]\ncertificate = a\nkey = b\n"
                    "[media]\nenabled = yes\nport = 20000\nworkers = 4\n"
                    "addresses = 192.0.2.1, 2001:db8::1\n")
        done = subprocess.run([PROGRAM, "--config", self.path("c.ini"), "--check-config"],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertFalse(os.path.exists("/tmp/none"))

    def test_every_setting_is_in_the_manual_with_its_section(self):
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        with open(os.path.join(root, "src", "cmd", "conclaved_config.c"), encoding="utf-8") as f:
            known = re.findall(r'^    {"(\w+)", "(\w+)", ', f.read(), re.M)
        with open(os.path.join(root, "docs", "ADMIN.md"), encoding="utf-8") as f:
            sections = dict(re.findall(r"^### \[(\w+)\]\n(.*?)(?=^##)", f.read(), re.M | re.S))
        told = [(section, key) for section, text in sections.items()
                for key in re.findall(r"^\| `(\w+)` \|", text, re.M)]
        self.assertEqual(sorted(known), sorted(told))

    def test_every_metric_is_in_the_manual(self):
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        with open(os.path.join(root, "docs", "ADMIN.md"), encoding="utf-8") as f:
            manual = set(re.findall(r"`(conclave_\w+)`", f.read()))
        text = self.daemon().ask("GET", "/metrics")[1].decode()
        self.assertEqual(set(re.findall(r"^# TYPE (\w+)", text, re.M)), manual)

    def test_the_command_line_wins(self):
        daemon = self.daemon("--port", "0", "--config", "/dev/null",
                             settings="[server]\nport = 1\n")
        self.assertNotEqual(daemon.port, 1)


if __name__ == "__main__":
    PROGRAM = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=1)
