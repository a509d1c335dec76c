"""Shows that tools/check-includes.py reports each thing it forbids, and nothing else."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

CHECKER = Path(__file__).parents[2] / "tools" / "check-includes.py"


def report(files):
    """The checker's lines about a tree made of these files (path to text)."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            file = Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        run = subprocess.run([sys.executable, CHECKER, folder], capture_output=True, text=True)
        lines = run.stdout.splitlines()[:-1]
        assert run.returncode == (1 if lines else 0), run
        return lines


class CheckIncludes(unittest.TestCase):
    def refused(self, path, text, *words):
        lines = report({path: text})
        self.assertEqual(len(lines), 1, lines)
        for word in (path, *words):
            self.assertIn(word, lines[0])

    def allowed(self, path, text):
        self.assertEqual(report({path: text}), [])

    def test_edges_of_the_law(self):
        self.allowed("src/mls/a.c", '#include "crypto/suite.h"\n#include "base/ct.h"\n')
        self.allowed("src/meeting/a.c", '#include "mls/group.h"\n#include "signal/codec.h"\n')
        self.allowed("src/cmd/main.c", '#include "mls/group.h"\n#include "net/loop.h"\n')
        self.allowed("src/service/a.c", '#include "store/store.h"\n#include "room/room.h"\n')
        self.refused("src/base/a.c", '#include "wire/reader.h"\n', "a.c:1:", "base may not")
        self.refused("src/sframe/a.c", '\n#include "mls/group.h"\n', "a.c:2:", "sframe may not")
        self.refused("src/signal/a.h", '#include "crypto/suite.h"\n')
        self.refused("src/rtc/a.c", '#include "sfu/peer.h"\n')
        self.allowed("src/call/a.c", '#include "rtc/rtp.h"\n#include <conclave/sframe.h>\n')
        self.refused("src/call/a.c", '#include "mls/group.h"\n', "call may not")
        self.refused("src/sfu/a.c", '#include "call/call.h"\n', "sfu may not")
        self.refused("src/net/a.c", '#include "wire/reader.h"\n')
        self.refused("src/store/a.c", '#include "room/room.h"\n')
        self.refused("src/room/a.c", '#include "store/store.h"\n')
        self.refused("src/elsewhere/a.c", '#include "base/ct.h"\n', "not in the include law")

    def test_room_sees_only_the_public_group(self):
        self.allowed("src/room/a.c", '#include "mls/public_group.h"\n')
        self.refused("src/room/a.c", '#include "mls/group.h"\n', "only mls/public_group.h")

    def test_media_sees_payload_formats_and_is_the_place_of_codecs(self):
        self.allowed("src/media/a.c", '#include "rtc/vp8.h"\n#include <vpx/vp8cx.h>\n')
        self.allowed("src/media/a.c", "#include <ogg/ogg.h>\n#include <opus.h>\n#include <math.h>\n")
        self.refused("src/media/a.c", '#include "rtc/rtp.h"\n', "only rtc/opus.h, rtc/vp8.h")
        self.refused("src/rtc/a.c", "#include <opus.h>\n", "belongs into src/media/")
        self.refused("src/cmd/a.c", "#include <vpx/vpx_image.h>\n", "belongs into src/media/")

    def test_public_headers(self):
        self.allowed("src/mls/a.c", "#include <conclave/mls.h>\n#include <conclave/bytes.h>\n")
        self.allowed("include/conclave/mls.h", "#include <conclave/crypto.h>\n")
        self.refused("src/crypto/a.c", "#include <conclave/mls.h>\n")
        self.refused("include/conclave/sframe.h", "#include <conclave/mls.h>\n")
        self.refused("include/conclave/mls.h", '#include "base/ct.h"\n', "public headers only")
        self.refused("include/conclave/mls.h", "#include <stdio.h>\n", "no I/O")

    def test_examples_use_the_public_interface(self):
        self.allowed("examples/a.c", "#include <conclave/mls.h>\n#include <stdio.h>\n")
        self.refused("examples/a.c", '#include "mls/group.h"\n', "public headers only")
        self.refused("examples/a.c", "#include <openssl/evp.h>\n")

    def test_includes_are_written_from_src(self):
        self.refused("src/mls/a.c", '#include "tree.h"\n', "with its folder")

    def test_openssl_and_ipsecmb_have_one_folder(self):
        self.allowed("src/crypto/openssl/a.c", "#include <openssl/evp.h>\n#include <time.h>\n")
        self.allowed("src/crypto/ipsecmb/a.c", "#include <intel-ipsec-mb.h>\n")
        self.refused("src/crypto/a.c", "#include <openssl/evp.h>\n", "src/crypto/openssl/")
        self.refused("src/cmd/a.c", "#include <openssl/ssl.h>\n", "src/crypto/openssl/")
        self.refused("src/rtc/a.c", "#include <intel-ipsec-mb.h>\n", "src/crypto/ipsecmb/")

    def test_no_io_in_protocol_code(self):
        for header in ("stdio.h", "time.h", "sys/socket.h", "sys/random.h", "pthread.h",
                       "unistd.h", "uv.h"):
            self.refused("src/mls/a.c", f"#include <{header}>\n", f"<{header}>", "no I/O")
            self.allowed("src/net/a.c", f"#include <{header}>\n")

    def test_libraries_do_not_abort(self):
        for call in ("abort()", "exit(1)", "assert(x)", "rand()", 'getenv("X")'):
            self.refused("src/mls/a.c", f"void f(void)\n{{\n    {call};\n}}\n", "a.c:3:",
                         "in a library")
            self.allowed("src/cmd/a.c", f"void f(void)\n{{\n    {call};\n}}\n")
        self.allowed("src/mls/a.c", "_Static_assert(1, \"\");\nstatic_assert(1, \"\");\n")

    def test_memcmp(self):
        use = "int f(void)\n{\n    return memcmp(a, b, 4);\n}\n"
        for folder in ("crypto", "crypto/openssl", "mls", "sframe"):
            self.refused(f"src/{folder}/a.c", use, "a.c:3:", "ct_equal")
        self.refused("src/rtc/srtp_open.c", use, "ct_equal")
        self.allowed("src/rtc/stun.c", use)
        self.allowed("src/base/bytes.c", use)

    def test_comments_and_strings_are_not_code(self):
        self.allowed("src/mls/a.c", "/* memcmp(a, b) leaks */ // abort()\n"
                     'static const char *s = "memcmp(abort())";\n'
                     '/*\n#include "net/loop.h"\n*/\n')

    def test_lengths(self):
        body = "    x++;\n"
        self.allowed("src/mls/a.c", f"void f(void)\n{{\n{body * 100}}}\n")
        self.refused("src/mls/a.c", f"void f(void)\n{{\n{body * 101}}}\n", "a.c:2:", "101 lines")
        self.allowed("tests/a.c", "int x;\n" * 800)
        self.refused("tests/a.c", "int x;\n" * 801, "801 lines")
        self.allowed("tests/a.c", "/*" + "é" * 96 + "*/\n")
        self.refused("tests/a.c", "/*" + "é" * 97 + "*/\n", "101 columns")


if __name__ == "__main__":
    unittest.main()
