"""The citation report counts what is cited, names what is not, and refuses what cannot be."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tools"))
import citations  # noqa: E402

LIST = """# a list
1.2-1 | MUST | first
1.2-2 | MUST NOT | second
1.2-3 | RULE | third
4-1 | MUST | fourth | n/a: nobody could
"""


def cited(text):
    return [f"{rfc} {ident}" for _, rfc, ident in citations.citations(text)]


class Citations(unittest.TestCase):
    def test_a_numbered_citation_names_a_requirement(self):
        self.assertEqual(cited("/* RFC 9420 7.3-2: why */"), ["9420 7.3-2"])

    def test_the_word_section_may_stand_between(self):
        self.assertEqual(cited("RFC 9420, section 7.3-2."), ["9420 7.3-2"])

    def test_one_citation_may_name_several(self):
        self.assertEqual(cited("RFC 9420 7.3-2, 7.3-4 and 10-1, and 16.7-1"),
                         ["9420 7.3-2", "9420 7.3-4", "9420 10-1", "9420 16.7-1"])

    def test_a_range_names_all_within_it(self):
        self.assertEqual(cited("RFC 9420 12.2-9..11"),
                         ["9420 12.2-9", "9420 12.2-10", "9420 12.2-11"])
        self.assertEqual(cited("RFC 9420 7.3-1..7.3-2"), ["9420 7.3-1", "9420 7.3-2"])

    def test_a_range_that_is_none_is_kept_as_written_so_that_it_is_refused(self):
        self.assertEqual(cited("RFC 9420 7.3-2..7.4-3"), ["9420 7.3-2..7.4-3"])
        self.assertEqual(cited("RFC 9420 7.3-4..2"), ["9420 7.3-4..2"])

    def test_a_citation_runs_on_over_the_end_of_a_comment_line(self):
        for opening in (" * ", "    // ", "# ", "   "):
            self.assertEqual(cited(f"see RFC\n{opening}9420 7.3-2,\n{opening}7.3-4: why"),
                             ["9420 7.3-2", "9420 7.3-4"], opening)

    def test_a_section_alone_is_prose(self):
        self.assertEqual(cited("RFC 9420 7.3 and RFC 9420 section 12.4.2: as there"), [])

    def test_a_section_beside_a_requirement_is_prose_too(self):
        self.assertEqual(cited("RFC 9420 7.3, 7.6-2"), ["9420 7.6-2"])

    def test_sizes_after_a_citation_are_not_read_as_one(self):
        self.assertEqual(cited("RFC 9420 7.3-2, 16-byte keys; RFC 9180 has 32-byte ones"),
                         ["9420 7.3-2"])

    def test_each_rfc_has_its_own_requirements(self):
        self.assertEqual(cited("RFC 9605 4.3-1, RFC 9420 7.3-2"), ["9605 4.3-1", "9420 7.3-2"])


class Report(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("tools/citations/rfc9420.txt", LIST)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run_tool(self, *arguments):
        with contextlib.redirect_stdout(io.StringIO()) as out, \
                contextlib.redirect_stderr(out):
            status = citations.main(["--root", str(self.root), *arguments])
        return status, out.getvalue()

    def test_counts_code_and_tests_apart(self):
        self.write("src/mls/a.c", "/* RFC 9420 1.2-1, 1.2-2 */")
        self.write("include/b.h", "/* RFC 9420 1.2-1 */")
        self.write("tests/unit/a_test.c", "/* RFC 9420 1.2-1 */")
        self.assertIn("RFC 9420: 4 requirements, 2 cited in code, 1 in tests, 1 n/a, 1 nowhere",
                      self.run_tool()[1])

    def test_names_what_is_cited_nowhere_and_check_fails(self):
        self.write("src/a.c", "/* RFC 9420 1.2-1..2 */")
        status, out = self.run_tool("--check")
        self.assertEqual(status, 1)
        self.assertRegex(out, r"Cited nowhere:\n +1\.2-3 +RULE +third\n")
        self.assertNotIn("first", out)

    def test_without_check_the_report_never_fails(self):
        self.assertEqual(self.run_tool()[0], 0)

    def test_check_passes_when_each_is_cited_in_code_or_in_a_test(self):
        self.write("src/a.c", "/* RFC 9420 1.2-1..2 */")
        self.write("tests/a_test.c", "/* RFC 9420 1.2-3 */")
        self.assertEqual(self.run_tool("--check")[0], 0)

    def test_a_rule_without_a_test_is_named_but_does_not_fail(self):
        self.write("src/a.c", "/* RFC 9420 1.2-1..3 */")
        status, out = self.run_tool("--check")
        self.assertEqual(status, 0)
        self.assertRegex(out, r"in no test:\n +1\.2-3 +RULE +third\n")

    def test_check_refuses_an_id_that_does_not_exist(self):
        self.write("src/a.c", "/* RFC 9420 1.2-1..3 */\n\n/* RFC 9420 1.2-4 */")
        status, out = self.run_tool("--check")
        self.assertEqual(status, 1)
        self.assertIn("src/a.c:3: RFC 9420 1.2-4 does not exist", out)

    def test_an_rfc_without_a_list_is_prose(self):
        self.write("src/a.c", "/* RFC 9420 1.2-1..3, RFC 9180 4-1 */")
        self.assertEqual(self.run_tool("--check")[0], 0)

    def test_rfc_9605_is_due_once_its_module_exists(self):
        self.write("tools/citations/rfc9605.txt", "1-1 | MUST | fifth\n")
        self.write("src/a.c", "/* RFC 9420 1.2-1..3 */")
        status, out = self.run_tool("--check")
        self.assertEqual(status, 0)
        self.assertIn("not due before src/sframe exists", out)
        self.write("src/sframe/header.c", "")
        self.assertEqual(self.run_tool("--check")[0], 1)

    def test_what_others_wrote_and_sample_data_do_not_count(self):
        for folder in ("tests/tools", "tests/interop/node_modules/x"):
            self.write(f"{folder}/a.js", "// RFC 9420 1.2-1..4")
        self.assertIn(" 0 cited in code, 0 in tests,", self.run_tool()[1])

    def test_list_shows_a_section_and_where_it_is_cited(self):
        self.write("src/a.c", "\n/* RFC 9420 1.2-2 */")
        self.write("tests/a_test.c", "/* RFC 9420 1.2-2 */")
        out = self.run_tool("--list", "1.2")[1]
        self.assertRegex(out, r"1\.2-2 .*second\n +src/a\.c:2\n +tests/a_test\.c:1\n")
        self.assertNotIn("fourth", out)
        self.assertEqual(out, self.run_tool("--list", "1")[1])
        self.assertEqual(self.run_tool("--list", "1.2-3")[1].count("\n"), 1)

    def test_a_faulty_list_is_refused_with_its_line(self):
        for line in ("1-2 | MUST | gap", "1-1 | SHOULD | level", "1-1 | MUST | ", "x | MUST | id",
                     "1-1 | MUST | why | because", "1-1 | MUST | why | n/a:", "1-1"):
            self.write("tools/citations/rfc9420.txt", "# a list\n" + line)
            status, out = self.run_tool()
            self.assertEqual(status, 2, line)
            self.assertIn("rfc9420.txt:2:", out)


class TheLists(unittest.TestCase):
    def test_are_well_formed(self):
        lists = sorted((PROJECT / citations.LISTS).glob("rfc*.txt"))
        self.assertEqual([path.name for path in lists], ["rfc9420.txt", "rfc9605.txt"])
        for path in lists:
            self.assertGreater(len(citations.parse_list(path)), 10)


if __name__ == "__main__":
    unittest.main()
