"""The meeting protocol (docs/PROTOCOL.md section 5) by hand, to test who does not keep to it."""
import base64
import hashlib
import hmac
import struct

import ws

SUBPROTOCOL = "conclave.1"
HELLO, FOUND, KNOCK, RESUME, REJOIN, PROPOSE, COMMIT, WELCOME, APP = range(1, 10)
CHALLENGE, WAITING, FAULT = 64, 65, 79
NO_SUCH_MEETING, VERSION, MALFORMED, UNEXPECTED, TOO_LARGE = 2, 9, 80, 81, 82


def vec(data):
    """opaque data<V> of RFC 9420 section 2.1.2."""
    n = len(data)
    if n < 1 << 6:
        return struct.pack(">B", n) + data
    if n < 1 << 14:
        return struct.pack(">H", 1 << 14 | n) + data
    return struct.pack(">I", 1 << 31 | n) + data


class Link:
    def __init__(self, text):
        base, fragment = text.split("#1.")
        secret = base64.urlsafe_b64decode(fragment + "=" * (-len(fragment) % 4))
        self.number, self.secret, self.hash = base.split("/m/")[1], secret[:32], secret[32:]

    def access(self):
        return hmac.digest(self.secret, b"Conclave 1.0 access" + self.hash, hashlib.sha256)


def hello(number, access, version=1):
    return struct.pack(">BH", HELLO, version) + vec(number.encode()) + vec(access)


def challenge(card, version=1):
    return struct.pack(">BH", CHALLENGE, version) + bytes(32) + struct.pack(">QB", 0, 0) + vec(card)


def connect(port, timeout=20):
    """A WebSocket to the server, over TLS."""
    return ws.WebSocket(ws.connect(port, tls=ws.anybody(), timeout=timeout), SUBPROTOCOL)


def greet(port, link, timeout=20):
    """The same, and the Challenge that somebody who has the link gets."""
    socket = connect(port, timeout)
    link = Link(link)
    socket.send(hello(link.number, link.access()))
    return socket, socket.recv()


def fault(socket):
    """The reason of the Fault that comes, whatever comes before; None if there is none."""
    try:
        while True:
            frame = socket.recv()
            if frame[0] == FAULT:
                return struct.unpack(">H", frame[1:3])[0]
    except ws.Closed:
        return None
