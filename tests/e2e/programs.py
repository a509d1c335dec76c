"""The programs `conclave` and `conclaved` for tests that use them as people do: a server with a
data folder, participants who are told what to do and say what they see, certificates of other CAs.
"""
import json
import os
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

CONCLAVE = CONCLAVED = None
PATIENCE = 30
PASSWORD = "a password of good length"


def main():
    """Runs the tests of the program: NAME CONCLAVE CONCLAVED [unittest argument...]"""
    global CONCLAVE, CONCLAVED
    CONCLAVE, CONCLAVED = sys.argv[1:3]
    unittest.main(argv=[sys.argv[0]] + sys.argv[3:], verbosity=2)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """conclaved with a data folder and a port of its own."""

    def __init__(self, folder, *options, port=None):
        self.data, self.port = os.path.join(folder, "data"), port or free_port()
        self.options, self.process = options, None
        self.start()

    def start(self, env=None):
        address = os.path.join(self.data, "run", "address")
        if os.path.exists(address):
            os.unlink(address)
        self.process = subprocess.Popen(
            [CONCLAVED, "--data", self.data, "--port", str(self.port), *self.options], env=env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while not (os.path.exists(address) and os.path.getsize(address)):
            assert time.monotonic() < end and self.process.poll() is None, "no server"
            time.sleep(0.02)
        with open(address, encoding="utf-8") as f:
            self.url = f.read().strip()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        return self.process.wait(PATIENCE)


class Participant:
    """`conclave join --json`: events come in, commands go out."""

    def __init__(self, link, *options, env=None):
        self.process = subprocess.Popen([CONCLAVE, "join", link, "--json", *options], env=env,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, bufsize=1)
        self.lines, self.seen, self.requests = queue.Queue(), [], 0
        self.thread = threading.Thread(target=self.read, daemon=True)
        self.thread.start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def next(self, end):
        try:
            line = self.lines.get(timeout=max(0.01, end - time.monotonic()))
        except queue.Empty:
            line = {}
        if line is None:
            self.lines.put(None)
        elif line:
            self.seen.append(line)
        return line

    def until(self, check, since=0):
        """The first line, of those from `since` on, that passes the check."""
        end = time.monotonic() + PATIENCE
        while True:
            for line in self.seen[since:]:
                if check(line):
                    return line
            since = len(self.seen)
            if self.next(end) is None or time.monotonic() > end:
                raise AssertionError(f"waited in vain; came: {self.seen}")

    def event(self, name, since=0, **fields):
        return self.until(lambda line: line.get("event") == name and
                          all(line.get(k) == v for k, v in fields.items()), since)

    def phase(self, phase, since=0):
        return self.event("phase", since, phase=phase)

    def tell(self, what, **fields):
        """Asks for something without waiting for the answer."""
        self.requests += 1
        self.process.stdin.write(json.dumps({"do": what, "id": self.requests, **fields}) + "\n")
        self.process.stdin.flush()
        return self.requests

    def ask(self, what, **fields):
        since, request = len(self.seen), self.tell(what, **fields)
        return self.until(lambda line: line.get("request") == request, since)

    def code(self):
        return self.ask("code")["code"]

    def people(self, n):
        """The roster, once it has n people."""
        end = time.monotonic() + PATIENCE
        while True:
            people = self.ask("who")["people"]
            if len(people) == n or time.monotonic() > end:
                return people
            time.sleep(0.05)

    def number_of(self, name):
        return next(p["number"] for p in self.ask("who")["people"] if p["name"] == name)

    def over(self):
        """The last line and the exit code."""
        last = self.event("over")
        return last["reason"]["code"], self.exit()

    def exit(self):
        code = self.process.wait(PATIENCE)
        self.close()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.close()

    def close(self):
        self.thread.join()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                stream.close()
            except BrokenPipeError:
                pass


def conclave(*arguments, stdin="", timeout=PATIENCE, env=None):
    return subprocess.run([CONCLAVE, *arguments], input=stdin, capture_output=True, text=True,
                          timeout=timeout, check=False, env=env)


def openssl(*arguments, env=None):
    subprocess.run(["openssl", *arguments], check=True, stderr=subprocess.DEVNULL, env=env)


def certify(folder, name, san, issuer=None, env=None):
    """A P-256 key and a certificate for it, of an issuer made by this or of itself: their paths."""
    chain, key, request, extensions = (os.path.join(folder, name + end)
                                       for end in (".pem", ".key", ".csr", ".ext"))
    with open(extensions, "w", encoding="utf-8") as f:
        f.write(f"subjectAltName={san}\nextendedKeyUsage=serverAuth,clientAuth\n"
                "keyUsage=digitalSignature\nbasicConstraints=critical,CA:FALSE\n")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            f"/CN={name}", "-keyout", key, "-out", request)
    signer = ["-CA", issuer[0], "-CAkey", issuer[1]] if issuer else ["-signkey", key]
    openssl("x509", "-req", "-in", request, "-days", "2", "-set_serial", str(time.time_ns()),
            "-extfile", extensions, *signer, "-out", chain, env=env)
    return chain, key


def authority(folder, name):
    chain, key = os.path.join(folder, name + ".pem"), os.path.join(folder, name + ".key")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "9", "-subj", f"/O={name}/CN={name}", "-addext",
            "keyUsage=critical,keyCertSign", "-keyout", key, "-out", chain)
    return chain, key


class Case(unittest.TestCase):
    """A server with accounts of ada and ben, for all tests of a class."""

    OPTIONS = ()  # of the server
    TRUST = ()    # of whoever speaks with it

    @classmethod
    def prepare(cls):
        """Sets what is to be set before the server is there."""

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = cls.temporary.name
        cls.prepare()
        cls.server = Server(cls.folder, *cls.OPTIONS)
        cls.password = cls.file("password", PASSWORD + "\n")
        for name in ("ada", "ben"):
            done = conclave("account", "sign-up", f"{name}@conclave.test", "--server",
                            cls.server.url, "--password-file", cls.password, *cls.TRUST)
            assert done.returncode == 0, done.stderr
        token = subprocess.run([CONCLAVED, "--data", cls.server.data, "--make-admin-token"],
                               capture_output=True, text=True, check=True).stdout
        cls.token = cls.file("token", token)

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0
        cls.temporary.cleanup()

    @classmethod
    def file(cls, name, content):
        path = os.path.join(cls.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(content)
        return path

    def setUp(self):
        self.participants = []

    def tearDown(self):
        for p in self.participants:
            if p.process.poll() is None:
                p.kill()
            elif p.thread.is_alive() or not p.process.stdin.closed:
                p.close()

    def state(self):
        return tempfile.mkdtemp(dir=self.folder)

    def meeting(self, *options, by="ada"):
        done = conclave("meeting", "new", "--title", "A test", "--sign-in", f"{by}@conclave.test",
                        "--password-file", self.password, "--server", self.server.url, *self.TRUST,
                        *options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def join(self, link, *options, env=None):
        p = Participant(link, *self.TRUST, *options, env=env)
        self.participants.append(p)
        return p

    def user(self, link, name, *options, env=None):
        return self.join(link, "--name", name.capitalize(), "--sign-in", f"{name}@conclave.test",
                         "--password-file", self.password, *options, env=env)

    def admin(self, *arguments):
        done = conclave("admin", *arguments, "--json", "--server", self.server.url, "--token-file",
                        self.token, *self.TRUST)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def refused(self, code, *arguments, env=None):
        """What `conclave join` gives as the reason for ending at once, with this exit code."""
        done = conclave("join", *arguments, "--json", "--stay", *self.TRUST, env=env)
        last = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((last["event"], last["exit"], done.returncode),
                         ("over", done.returncode, code), done.stdout)
        for sentence in (last["reason"]["text"], last["reason"]["next"]):
            self.assertRegex(sentence, r"^\S.*\.$")
        return last["reason"]["code"]


class TlsCase(Case):
    """The same over TLS and nothing else, with a log to be looked at."""

    SETTINGS = ""  # more of them

    @classmethod
    def prepare(cls):
        port = free_port()
        chain, key = certify(cls.folder, "server", "DNS:localhost")
        cls.log = os.path.join(cls.folder, "log")
        cls.tls_port = port
        cls.TRUST = ("--ca", chain)
        cls.OPTIONS = ("--config", cls.file("settings", f"""
[server]
url = https://localhost:{port}
listen = 127.0.0.1:{port}
plain_http = no
open_sign_up = yes
[tls]
certificate = {chain}
key = {key}
[log]
file = {cls.log}
{cls.SETTINGS}"""))
