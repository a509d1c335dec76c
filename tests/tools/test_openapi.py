"""docs/openapi.yaml describes the routes that there are, and no others.

The file is read by its indentation, which this test therefore also fixes: paths by two spaces,
methods by four, what belongs to a method by six.
"""
import pathlib
import re
import unittest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
ROUTE = re.compile(r'^\s*\{"([A-Z]+)", "(/[^"]*)", ([A-Z_ |]+), (\w+)\},$', re.M)


def routes():
    """(method, path) to (whether anybody may ask, the handler's name)."""
    text = (PROJECT / "src/service/route.c").read_text(encoding="utf-8")
    table = text[text.index("routes[] = {"):text.index("\n};")]
    found = {(m, p): (roles == "ROLE_NONE", h) for m, p, roles, h in ROUTE.findall(table)}
    assert len(found) == table.count('{"'), "a route that this test cannot read"
    return found


def operations():
    """(method, path) to the lines that describe it."""
    text = (PROJECT / "docs/openapi.yaml").read_text(encoding="utf-8")
    section = re.search(r"^paths:\n(.*?)^\S", text, re.M | re.S).group(1)
    found, path, lines = {}, None, []
    for line in section.splitlines():
        if match := re.match(r"  (/\S*):$", line):
            path = match.group(1)
        elif match := re.match(r"    (\w+):$", line):
            lines = found.setdefault((match.group(1).upper(), path), [])
        elif line.startswith("      "):
            lines.append(line.strip())
        else:
            assert not line, line
    return text, found


class OpenApi(unittest.TestCase):
    def setUp(self):
        self.routes = routes()
        self.text, self.operations = operations()

    def test_each_route_is_described_and_each_description_has_a_route(self):
        self.assertEqual(sorted(self.routes), sorted(self.operations))
        self.assertGreater(len(self.routes), 20)

    def test_what_anybody_may_ask_needs_no_token_and_all_else_does(self):
        for key, (public, _) in self.routes.items():
            self.assertEqual(public, "security: []" in self.operations[key], key)

    def test_operations_are_named_after_their_handlers(self):
        for key, (_, handler) in self.routes.items():
            first, *rest = handler.split("_")
            name = first + "".join(word.capitalize() for word in rest)
            self.assertIn(f"operationId: {name}", self.operations[key], key)

    def test_each_operation_says_what_it_answers(self):
        for key, lines in self.operations.items():
            self.assertTrue(any(re.match(r'"20[014]":', line) for line in lines), key)
            self.assertIn('default: { $ref: "#/components/responses/Error" }', lines, key)
            self.assertTrue(any(line.startswith("summary: ") for line in lines), key)

    def test_parameters_of_the_path_are_described(self):
        for (method, path), lines in self.operations.items():
            for name in re.findall(r"\{(\w+)\}", path):
                reference = f'- $ref: "#/components/parameters/{name.capitalize()}"'
                self.assertIn(reference, lines, (method, path))

    def test_each_reference_leads_somewhere_and_nothing_is_left_over(self):
        parts = {}
        for line in self.text[self.text.index("\ncomponents:"):].splitlines():
            if match := re.match(r"  (\w+):$", line):
                kind = match.group(1)
            elif match := re.match(r"    (\w+):", line):
                parts[f"#/components/{kind}/{match.group(1)}"] = 0
        for reference in re.findall(r'\$ref: "([^"]*)"', self.text):
            self.assertIn(reference, parts)
            parts[reference] += 1
        unused = [part for part, used in parts.items() if not used and "/securityS" not in part]
        self.assertEqual(unused, [])

    def test_the_prefix_is_that_of_the_service(self):
        header = (PROJECT / "src/service/service.h").read_text(encoding="utf-8")
        prefix = re.search(r'#define SERVICE_PREFIX "([^"]*)"', header).group(1)
        self.assertIn(f"servers:\n  - url: {prefix}\n", self.text)


if __name__ == "__main__":
    unittest.main()
