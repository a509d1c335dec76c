#!/usr/bin/env python3
"""Rude clients against src/net's server: whatever one does, others are served.

    server_test.py SERVER_ECHO
"""
import http.client
import json
import os
import random
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import ws  # noqa: E402

PROGRAM = None


def certificate(folder):
    chain, key = os.path.join(folder, "chain.pem"), os.path.join(folder, "key.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", chain],
                   check=True, stderr=subprocess.DEVNULL)
    return chain, key


class Server(unittest.TestCase):
    LIMIT = 1000  # of file descriptors

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.chain, cls.key = certificate(cls.folder.name)
        cls.process = subprocess.Popen(["sh", "-c", f'ulimit -n {cls.LIMIT}; exec "$@"', "sh",
                                        PROGRAM, cls.chain, cls.key], stdout=subprocess.PIPE,
                                       text=True)
        ports = [cls.process.stdout.readline().split() for _ in range(3)]
        cls.plain, cls.plain6, cls.tls = [int(port) for _, port in ports]

    @classmethod
    def tearDownClass(cls):
        cls.process.terminate()
        status = cls.process.wait(20)
        cls.process.stdout.close()
        cls.folder.cleanup()
        assert status == 0, f"the server ended with {status}"

    def tearDown(self):
        """The story of every test ends so: others are served."""
        self.assertEqual(self.ask("POST", "/echo", b"still here")[1], b"still here")
        self.assertIsNone(self.process.poll())

    def ask(self, method, path, body=None, headers=None, port=None):
        connection = http.client.HTTPConnection("127.0.0.1", port or self.plain, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def totals(self):
        return json.loads(self.ask("GET", "/totals")[1])

    def eventually(self, check, seconds=15):
        end = time.monotonic() + seconds
        while not check():
            self.assertLess(time.monotonic(), end, "waited in vain")
            time.sleep(0.1)

    def open(self, **how):
        sock = ws.connect(self.plain, **how)
        return ws.WebSocket(sock, "echo.1")

    def speak(self, request, port=None):
        """Bytes as they are; what comes back until the server closes."""
        with ws.connect(port or self.plain) as sock:
            sock.sendall(request)
            answer = b""
            try:
                while part := sock.recv(65536):
                    answer += part
            except ConnectionError:
                pass
            return answer


class Http(Server):
    def test_a_request_comes_as_it_was_sent(self):
        status, body, _ = self.ask("PUT", "/request?after=12&max=50", b"content",
                                   {"Authorization": "Bearer abc"})
        self.assertEqual((status, body), (200, b"PUT /request after=12&max=50 Bearer abc content"))

    def test_every_answer_forbids_what_a_browser_might_do_with_it(self):
        _, _, headers = self.ask("GET", "/totals")
        self.assertIn("default-src 'none'", headers["content-security-policy"])
        for name, value in [("x-content-type-options", "nosniff"), ("cache-control", "no-store"),
                            ("x-frame-options", "DENY"), ("referrer-policy", "no-referrer")]:
            self.assertEqual(headers[name], value)
        self.assertNotIn("strict-transport-security", headers)
        self.assertNotIn("libwebsockets", headers.get("server", ""))

    def test_what_is_sent_ahead_of_an_answer_is_not_taken_for_anything(self):
        one = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n%03d"
        get = b"GET /request HTTP/1.1\r\nHost: a\r\n\r\n"
        for first, body in [(one % 0, b"000"), (get, b"GET /request   ")]:
            answer = self.speak(first + b"".join(one % i for i in range(1, 6)))
            self.assertEqual(answer.count(b"HTTP/1.1 200"), 1)
            self.assertEqual(answer.split(b"\r\n\r\n")[1], body)

    def test_empty_bodies_are_bodies(self):
        for method in ("GET", "POST", "PUT", "DELETE"):
            status, body, _ = self.ask(method, "/request", b"" if method != "GET" else None)
            self.assertEqual((status, body.split()[0]), (200, method.encode()))

    def test_head_is_answered_without_a_body(self):
        status, body, headers = self.ask("HEAD", "/big")
        self.assertEqual((status, body, headers["content-length"]), (200, b"", str(8 << 20)))

    def test_a_large_answer_arrives_whole(self):
        self.assertEqual(self.ask("GET", "/big")[1], bytes(8 << 20))

    def test_slow_work_does_not_hold_up_others(self):
        slow = threading.Thread(target=lambda: self.ask("GET", "/slow"))
        slow.start()
        start = time.monotonic()
        self.ask("GET", "/totals")
        self.assertLess(time.monotonic() - start, 0.15)
        slow.join()

    def test_who_leaves_before_the_answer_does_no_harm(self):
        for _ in range(20):
            sock = ws.connect(self.plain)
            sock.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            sock.close()
        self.eventually(lambda: self.totals()["connections"] <= 2)

    def test_too_large_a_body_is_refused_before_it_is_read(self):
        status, _, headers = self.ask("POST", "/echo", b"x" * 10001)
        self.assertEqual((status, headers["connection"]), (413, "close"))
        self.assertEqual(self.ask("POST", "/echo", b"x" * 10000)[0], 200)

    def test_a_body_without_a_clear_length_is_refused(self):
        for header, status in [(b"Transfer-Encoding: chunked", b"411"), (b"X-Other: y", b"411"),
                               (b"Content-Length: -1", b"400"), (b"Content-Length: 5x", b"400"),
                               (b"Content-Length: +5", b"400"),
                               (b"Content-Length: 5\r\nContent-Length: 6", b"400"),
                               (b"Content-Length: 99999999999999999999999", b"413")]:
            answer = self.speak(b"POST /echo HTTP/1.1\r\nHost: a\r\n" + header + b"\r\n\r\n")
            self.assertEqual(answer.split()[1:2], [status], header)

    def test_what_is_no_request_is_not_answered_with_one(self):
        for junk in (b"\0" * 64, b"hello\r\n\r\n", b"GET\r\n\r\n", b"CONNECT a:1 HTTP/1.1\r\n\r\n",
                     b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /" + b"x" * 20000,
                     b"GET / HTTP/1.1\r\n" + b"A: " + b"x" * 20000 + b"\r\n\r\n",
                     b"GET / HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                     b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100):
            self.assertNotIn(b" 200 ", self.speak(junk), junk[:20])

    def test_a_head_that_never_ends_is_not_waited_for(self):
        start = time.monotonic()
        with ws.connect(self.plain) as sock:
            sock.sendall(b"GET / HT")
            for _ in range(40):
                time.sleep(0.2)
                try:
                    sock.sendall(b"x")
                except OSError:
                    break
            else:
                self.fail("still waiting for the head")
        self.assertLess(time.monotonic() - start, 6)

    def test_a_body_that_never_ends_is_not_waited_for(self):
        start = time.monotonic()
        self.speak(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        self.assertLess(time.monotonic() - start, 8)

    def test_an_answer_that_nobody_takes_is_given_up(self):
        before = self.totals()["ended_slow"]
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", self.plain))
        sock.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        self.eventually(lambda: self.totals()["ended_slow"] > before)
        sock.close()

    def test_who_sends_ahead_and_takes_no_answer_costs_no_processor(self):
        before = self.totals()["ended_slow"]
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", self.plain))
        sock.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.2)
        sock.sendall(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        self.eventually(lambda: self.totals()["ended_slow"] > before, 2.5)
        sock.close()

    def test_both_families_are_served(self):
        with ws.connect(self.plain6, host="::1") as sock:
            sock.sendall(b"GET /echo HTTP/1.0\r\n\r\n")
            self.assertIn(b"200", sock.recv(4096))


class Sockets(Server):
    def test_frames_of_every_length_come_back(self):
        socket_ = self.open()
        for n in (0, 1, 125, 126, 999):
            data = os.urandom(n)
            socket_.send(data)
            self.assertEqual(socket_.recv(), data)
        for n in (1001, 65535, 65536, 65537, 131072, 299999, 300000):
            data = os.urandom(n)
            socket_.send(data)
            self.assertEqual(socket_.recv(), data)
        socket_.close()

    def test_fragments_are_put_together(self):
        socket_ = self.open()
        socket_.send(b"one ", fin=False)
        socket_.send(b"two ", 0, fin=False)
        socket_.send(b"", ws.PING)
        socket_.send(b"three", 0)
        self.assertEqual(socket_.recv(), b"one two three")
        socket_.close()

    def test_only_our_path_and_protocol_are_upgraded(self):
        for path, protocol, status in [("/ws", "other", 400), ("/ws", "echo.10", 400),
                                       ("/other", "echo.1", 404), ("/", "echo.1", 404),
                                       ("/ws", "other, echo.1", 101), ("/ws", "echo.1", 101)]:
            socket_ = ws.WebSocket(ws.connect(self.plain), protocol, path)
            self.assertEqual(socket_.status, status, (path, protocol))
            socket_.close()

    def test_what_was_sent_before_closing_arrives(self):
        socket_ = self.open()
        socket_.send(b"close")
        self.assertEqual(socket_.recv(), b"goodbye")
        with self.assertRaises(ws.Closed) as closed:
            socket_.recv()
        self.assertEqual(closed.exception.code, 1000)

    def refused(self, socket_, code):
        with self.assertRaises(ws.Closed) as closed:
            while True:
                socket_.recv()
        self.assertIn(closed.exception.code, code)
        socket_.close()

    def test_text_is_refused(self):
        socket_ = self.open()
        socket_.send(b"hello", ws.TEXT)
        self.refused(socket_, [1003])

    def test_the_first_frame_is_small(self):
        socket_ = self.open()
        socket_.send(b"x" * 1001)
        self.refused(socket_, [1009])

    def test_a_frame_is_refused_by_its_header(self):
        for n in (300001, 1 << 31, 1 << 40, (1 << 63) - 1):
            socket_ = self.open()
            socket_.send(b"hello")
            socket_.recv()
            socket_.send(b"x" * 10, length=n)
            self.refused(socket_, [1009, None])

    def test_fragments_add_up(self):
        socket_ = self.open()
        socket_.send(b"hello")
        socket_.recv()
        socket_.send(b"x" * 200000, fin=False)
        try:
            socket_.send(b"x" * 100001, 0)
        except OSError:
            pass
        self.refused(socket_, [1009, None])

    def test_frames_that_break_the_rules_end_the_connection(self):
        for raw in (b"\xf2\x85aaaahello", b"\x83\x80aaaa", b"\x80\x80aaaa",
                    b"\x09\x80aaaa", b"\x89\xfe\x00\x80aaaa" + b"x" * 128,
                    b"\x82\xff\xff\xff\xff\xff\xff\xff\xff\xffaaaa"):
            socket_ = self.open()
            socket_.sock.sendall(raw)
            with self.assertRaises(ws.Closed, msg=repr(raw)):
                socket_.recv()
            socket_.close()

    def test_who_says_nothing_at_all_is_not_waited_for(self):
        socket_ = self.open()
        start = time.monotonic()
        with self.assertRaises(ws.Closed):
            socket_.recv()
        self.assertLess(time.monotonic() - start, 6)

    def test_a_frame_that_never_ends_is_not_waited_for(self):
        socket_ = self.open()
        socket_.send(b"hello")
        socket_.recv()
        start = time.monotonic()
        socket_.send(b"x", length=1000)
        with self.assertRaises(ws.Closed):
            socket_.recv()
        self.assertLess(time.monotonic() - start, 9)

    def test_the_silent_are_pinged_and_stay_if_they_answer(self):
        socket_ = self.open()
        socket_.send(b"hello")
        socket_.recv()
        for _ in range(3):
            _, opcode, payload = socket_.raw()
            self.assertEqual(opcode, ws.PING)
            socket_.send(payload, ws.PONG)
        socket_.send(b"and still")
        self.assertEqual(socket_.recv(), b"and still")
        socket_.close()

    def test_half_open_connections_end(self):
        socket_ = self.open()
        socket_.send(b"hello")
        socket_.recv()
        with self.assertRaises(ws.Closed):
            while True:
                socket_.recv(pong=False)
        socket_.close()

    def test_who_sends_fast_is_slowed_and_loses_nothing(self):
        socket_ = self.open()
        start = time.monotonic()
        for i in range(100):
            socket_.send(b"%d" % i)
        self.assertEqual([socket_.recv() for _ in range(100)], [b"%d" % i for i in range(100)])
        self.assertGreater(time.monotonic() - start, 1.5)
        socket_.close()

    def test_who_does_not_read_is_ended(self):
        before = self.totals()["ended_queue"]
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect(("127.0.0.1", self.plain))
        socket_ = ws.WebSocket(sock, "echo.1")
        socket_.send(b"flood")
        self.eventually(lambda: self.totals()["ended_queue"] > before)
        socket_.close()

    def test_memory_for_unfinished_frames_is_bounded_in_all(self):
        sockets = [self.open() for _ in range(6)]
        ended = 0
        for socket_ in sockets:
            socket_.send(b"hello")
            socket_.recv()
        for socket_ in sockets:
            try:
                socket_.send(b"x" * 250000, fin=False)
            except OSError:
                pass
            time.sleep(0.3)  # one after the other: the first two fit
        for socket_ in sockets:
            try:
                socket_.send(b"", 0)
                ended += len(socket_.recv()) != 250000
            except (ws.Closed, OSError):
                ended += 1
            socket_.close()
        self.assertGreaterEqual(ended, 2)
        self.assertLess(ended, 6)


class Floods(Server):
    def served(self):
        try:
            return self.ask("GET", "/totals")[0] == 200
        except (http.client.HTTPException, OSError):
            return False

    def test_connections_of_one_address_are_limited(self):
        held = []
        for _ in range(60):
            held.append(ws.connect(self.plain))
        time.sleep(0.3)
        alive = 0
        for sock in held:
            sock.settimeout(0.05)
            try:
                alive += sock.recv(1) != b""
            except TimeoutError:
                alive += 1
            except ConnectionError:
                pass
        self.assertLessEqual(alive, 40)
        self.assertGreaterEqual(alive, 35)
        for sock in held:
            sock.close()
        self.eventually(self.served)

    def test_idle_connections_give_way(self):
        """Nobody keeps a whole address's worth of connections without saying a word."""
        held = [ws.connect(self.plain) for _ in range(40)]
        self.eventually(self.served)
        for sock in held:
            sock.close()

    def test_connecting_and_leaving_leaves_nothing_behind(self):
        for i in range(600):
            sock = ws.connect(self.plain if i % 3 else self.tls)
            if i % 2:
                sock.sendall(b"GET /ws HTTP/1.1\r\nUpgrade: webs")
            sock.close()
            if i % 20 == 0:
                time.sleep(0.02)
        self.eventually(lambda: self.totals()["connections"] <= 2)


class Noise(Server):
    """Requests and frames put together at random, cut and sent in pieces; the same ones each time.
    SERVER_TEST_SESSIONS=100000 makes it a long night."""

    METHODS = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "CONNECT", "PRI", "get", ""]
    PATHS = ["/", "/echo", "/ws", "/slow", "/big", "*", "http://a/", "/%00", "/%", "/%2e%2e/x", "//",
             "/?a=1&b=%26&&c", "/" + "a" * 5000, "/?" + "b&" * 2000, "ws", ""]
    VERSIONS = ["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9", ""]
    HEADERS = ["Host: a", "Host:", "Upgrade: websocket", "Upgrade: h2c", "Upgrade: x", "Upgrade:",
               "Connection: Upgrade", "Connection: close", "Connection: keep-alive",
               "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAAQAAP__",
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: x",
               "Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8",
               "Sec-WebSocket-Protocol: echo.1", "Sec-WebSocket-Protocol: x,, ,echo.1",
               "Sec-WebSocket-Extensions: permessage-deflate", "Content-Length: 0",
               "Content-Length: 5", "Content-Length: 9999", "Content-Length: -5",
               "Transfer-Encoding: chunked", "Expect: 100-continue", "Authorization: Bearer x",
               "Accept-Encoding: gzip", "Range: bytes=0-", "If-Modified-Since: x", "X-Y: z",
               "Cookie: " + "c" * 3000, ": x", "no colon", "\0: \0", "Origin: http://evil"]
    UPGRADE = ("GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Protocol: echo.1\r\n\r\n").encode()

    def request(self, rng):
        lines = [" ".join(rng.choice(part) for part in (self.METHODS, self.PATHS, self.VERSIONS))]
        lines += rng.sample(self.HEADERS, rng.randrange(8))
        data = (rng.choice(["\r\n", "\r\n", "\n"]).join(lines) + "\r\n\r\n").encode("latin-1")
        return data + rng.randbytes(rng.choice([0, 0, 5, 100]))

    def frame(self, rng):
        first = rng.choice([0x82, 0x82, 0x81, 0x02, 0x00, 0x80, 0x88, 0x89, 0x8a, 0xf2, 0x83,
                            rng.randrange(256)])
        body = rng.choice([b"", b"flood", b"close", b"hello", rng.randbytes(rng.randrange(300))])
        n = rng.choice([len(body), len(body), len(body), rng.randrange(128)])
        head = bytes([first, (0x80 if rng.random() < 0.9 else 0) | min(n, 127)])
        if n == 126:
            head += rng.randbytes(2)
        elif n == 127:
            head += rng.randbytes(8)
        return head + b"\0\0\0\0" + body

    def session(self, rng):
        if rng.random() < 0.5:
            data = b"".join(self.request(rng) for _ in range(rng.randrange(1, 4)))
        else:
            data = self.UPGRADE + b"".join(self.frame(rng) for _ in range(rng.randrange(12)))
        if rng.random() < 0.3:
            data = bytearray(data)
            for _ in range(rng.randrange(1, 6)):
                data[rng.randrange(len(data))] = rng.randrange(256)
        tls = rng.random() < 0.2
        try:
            with ws.connect(self.tls if tls else self.plain, tls=ws.anybody() if tls else None,
                            timeout=0.02) as sock:
                while data:
                    n = rng.choice([len(data), rng.randrange(1, 200)])
                    sock.sendall(data[:n])
                    data = data[n:]
                    if rng.random() < 0.3:
                        sock.recv(rng.choice([1, 65536]))
                if rng.random() < 0.5:
                    sock.shutdown(socket.SHUT_WR)
                    sock.recv(65536)
        except OSError:
            pass

    def test_nothing_put_together_at_random_ends_the_server(self):
        sessions = int(os.environ.get("SERVER_TEST_SESSIONS", "600"))
        for seed in range(sessions):
            self.session(random.Random(seed))
            if seed % 100 == 0:
                self.assertIsNone(self.process.poll(), f"ended in session {seed}")
        self.eventually(lambda: self.totals()["connections"] <= 2)


class Tls(Server):
    def handshake(self, **limits):
        context = ws.anybody()
        for name, value in limits.items():
            if name == "ciphers":
                context.set_ciphers(value)
            elif name == "curve":
                context.set_ecdh_curve(value)
            else:
                setattr(context, name, value)
        with ws.connect(self.tls, tls=context) as sock:
            return sock.version(), sock.cipher()[0]

    def test_the_newest_version_is_taken(self):
        self.assertEqual(self.handshake(), ("TLSv1.3", "TLS_AES_256_GCM_SHA384"))

    def test_version_1_2_has_ephemeral_keys_and_aes_256_gcm(self):
        self.assertEqual(self.handshake(maximum_version=ssl.TLSVersion.TLSv1_2),
                         ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384"))

    def test_every_group_we_name_is_taken(self):
        for curve in ("X25519", "prime256v1", "secp384r1"):
            self.assertEqual(self.handshake(curve=curve)[0], "TLSv1.3")

    def test_older_versions_are_refused(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with self.assertRaises(OSError):
                self.handshake(minimum_version=version, maximum_version=version,
                               ciphers="ALL:@SECLEVEL=0")

    def test_other_ciphers_are_refused(self):
        for ciphers in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305",
                        "ECDHE-ECDSA-AES256-SHA384", "AES256-GCM-SHA384"):
            with self.assertRaises(OSError, msg=ciphers):
                self.handshake(maximum_version=ssl.TLSVersion.TLSv1_2, ciphers=ciphers)

    def test_other_ciphers_of_1_3_are_refused(self):
        for ciphers in ("TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"):
            done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{self.tls}",
                                   "-tls1_3", "-ciphersuites", ciphers], input=b"",
                                  capture_output=True, timeout=20, check=False)
            self.assertNotEqual(done.returncode, 0)

    def test_plain_http_is_not_served_where_tls_is(self):
        self.assertNotIn(b"200", self.speak(b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n", self.tls))

    def test_a_handshake_that_never_ends_is_not_waited_for(self):
        start = time.monotonic()
        with ws.connect(self.tls) as sock:
            sock.sendall(b"\x16\x03\x01")
            try:
                sock.recv(100)
            except ConnectionError:
                pass
        self.assertLess(time.monotonic() - start, 8)

    def test_large_frames_and_answers_go_through_tls(self):
        socket_ = ws.WebSocket(ws.connect(self.tls, tls=ws.anybody()), "echo.1")
        socket_.send(b"hello")
        self.assertEqual(socket_.recv(), b"hello")
        data = os.urandom(300000)
        socket_.send(data)
        self.assertEqual(socket_.recv(), data)
        socket_.close()
        connection = http.client.HTTPSConnection("127.0.0.1", self.tls, context=ws.anybody(),
                                                 timeout=10)
        connection.request("GET", "/big")
        answer = connection.getresponse()
        self.assertEqual(answer.read(), bytes(8 << 20))
        self.assertIn("max-age", answer.headers["strict-transport-security"])
        connection.close()


class Descriptors(Server):
    LIMIT = 48  # fewer than the connections there may be

    def test_running_out_of_descriptors_passes(self):
        held = [ws.connect(self.plain) for _ in range(39)]
        held += [ws.connect(self.plain6, host="::1") for _ in range(39)]
        time.sleep(0.5)
        before = self.processor_seconds()
        time.sleep(1)
        self.assertLess(self.processor_seconds() - before, 0.3)  # it does not try without a pause
        for sock in held:
            sock.close()
        self.eventually(lambda: self.totals()["connections"] <= 2)

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="utf-8") as f:
            user, system = f.read().rsplit(")", 1)[1].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


class Settings(unittest.TestCase):
    def test_a_certificate_that_cannot_be_used_is_told(self):
        with tempfile.TemporaryDirectory() as folder:
            chain, key = certificate(folder)
            os.mkdir(os.path.join(folder, "other"))
            _, other = certificate(os.path.join(folder, "other"))
            for pair, word in [((chain, other), "key"), ((key, key), "chain"),
                               ((chain, "/none"), "/none"), (("/none", key), "/none")]:
                done = subprocess.run([PROGRAM, *pair], capture_output=True, text=True, timeout=20,
                                      check=False)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(word, done.stderr)


if __name__ == "__main__":
    PROGRAM = sys.argv.pop(1)
    unittest.main(verbosity=1)
