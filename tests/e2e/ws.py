"""WebSocket (RFC 6455) by hand, for tests that want to do it wrong."""
import base64
import os
import socket
import ssl
import struct

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class Closed(Exception):
    """The other side is gone. `code` is what its close frame said, or None."""

    def __init__(self, code=None):
        super().__init__(f"closed, code {code}")
        self.code = code


def connect(port, host="127.0.0.1", tls=None, timeout=20):
    sock = socket.create_connection((host, port), timeout)
    return tls.wrap_socket(sock, server_hostname="localhost") if tls else sock


def anybody():
    """A TLS context that trusts every certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class WebSocket:
    def __init__(self, sock, protocol, path="/ws", extra=""):
        self.sock, self.rest = sock, b""
        key = base64.b64encode(os.urandom(16)).decode()
        sock.sendall((f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
                      f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                      f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {protocol}\r\n"
                      f"{extra}\r\n").encode())
        head = b""
        while b"\r\n\r\n" not in head:
            part = sock.recv(4096)
            if not part:
                raise Closed()
            head += part
        self.head, self.rest = head.split(b"\r\n\r\n", 1)
        self.status = int(self.head.split()[1])

    def send(self, data, opcode=BINARY, fin=True, masked=True, length=None):
        """length: what the header claims, if not the truth."""
        n = len(data) if length is None else length
        head = bytes([opcode | (0x80 if fin else 0)])
        mask_bit = 0x80 if masked else 0
        if n < 126:
            head += bytes([mask_bit | n])
        elif n < 65536:
            head += bytes([mask_bit | 126]) + struct.pack(">H", n)
        else:
            head += bytes([mask_bit | 127]) + struct.pack(">Q", n)
        mask = os.urandom(4) if masked else b""
        if masked and data:
            pad = (mask * (len(data) // 4 + 1))[:len(data)]
            data = (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")).to_bytes(len(data),
                                                                                      "big")
        self.sock.sendall(head + mask + data)

    def exactly(self, n):
        parts, have = [self.rest], len(self.rest)
        while have < n:
            try:
                part = self.sock.recv(1 << 16)
            except (ConnectionError, ssl.SSLError):
                raise Closed() from None
            if not part:
                raise Closed()
            parts.append(part)
            have += len(part)
        whole = b"".join(parts)
        self.rest = whole[n:]
        return whole[:n]

    def raw(self):
        """One WebSocket frame as it comes: (fin, opcode, payload)."""
        first, n = self.exactly(2)
        if n & 0x7f == 126:
            n = struct.unpack(">H", self.exactly(2))[0]
        elif n & 0x7f == 127:
            n = struct.unpack(">Q", self.exactly(8))[0]
        return bool(first & 0x80), first & 0x0f, self.exactly(n)

    def recv(self, pong=True):
        """The next whole message; pings are answered on the way."""
        message = b""
        while True:
            fin, opcode, payload = self.raw()
            if opcode == PING:
                if pong:
                    self.send(payload, PONG)
            elif opcode == CLOSE:
                raise Closed(struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else None)
            elif opcode != PONG:
                message += payload
                if fin:
                    return message

    def close(self):
        self.sock.close()
