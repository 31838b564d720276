"""What no line of the program does: make code of data, start programs, hash weakly, take HTML."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("aimed", "smart_app", "integrations", "pipelines", "fhir_server", "terminology")
SOURCES = [file for name in PACKAGES for file in sorted((ROOT / name).rglob("*.py"))]
STATIC = ROOT / "smart_app" / "dashboard" / "static"

STARTS_PROGRAMS = {
    "aimed/embedded/child.py",
    "aimed/embedded/orphans.py",
    "aimed/samples/consultation/render.py",
}
"""What starts the stack's own processes on the machine of who called it; no request reaches it."""

WEAK_FOR_A_REASON = {"pipelines/resources/document_reference.py"}
"""FHIR R4 defines Attachment.hash as SHA-1; nothing is trusted because of it."""

READS_OUR_OWN_XML = {"terminology/ucum/table.py"}
"""A file of the package. What comes from outside is read by fhir_server/formats/xml_reader.py."""

NOT_SECRET = {"aimed/bench"}
"""Made-up test data, the same each time by intention."""

FORBIDDEN = {"eval", "exec", "compile", "__import__"}
MODULES = {"pickle", "marshal", "shelve", "dill", "xml.etree", "lxml"}


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    """Every call by the name it is written with: `re.compile`, `eval`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.AST]:
    return {str(one.relative_to(ROOT)): ast.parse(one.read_text("utf-8")) for one in SOURCES}


def test_no_code_is_made_from_data(trees: dict[str, ast.AST]) -> None:
    for name, tree in trees.items():
        assert not [call for call, _ in calls(tree) if call in FORBIDDEN], name
        unsafe = [one for one in imports(tree) if one.startswith(tuple(MODULES))]
        assert not unsafe or name in READS_OUR_OWN_XML, name


def test_no_request_starts_a_program(trees: dict[str, ast.AST]) -> None:
    for name, tree in trees.items():
        assert "subprocess" not in set(imports(tree)) or name in STARTS_PROGRAMS, name
        for call, node in calls(tree):
            assert call not in {"os.system", "os.popen", "asyncio.create_subprocess_shell"}, name
            assert all(one.arg != "shell" for one in node.keywords), name


def test_hashes_are_strong(trees: dict[str, ast.AST]) -> None:
    for name, tree in trees.items():
        weak = [call for call, _ in calls(tree) if re.search(r"hashlib\.(md5|sha1|new)$", call)]
        assert not weak or name in WEAK_FOR_A_REASON, name


def test_secrets_do_not_come_from_a_predictable_source(trees: dict[str, ast.AST]) -> None:
    for name, tree in trees.items():
        assert "random" not in set(imports(tree)) or name.startswith(tuple(NOT_SECRET)), name


def test_pages_put_text_into_the_page_as_text() -> None:
    scripts = {one.name: one.read_text("utf-8") for one in STATIC.rglob("*.js")}
    assert "app.js" in scripts
    for name, text in scripts.items():
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function\b"
            r"|setTimeout\(\s*[\"'`]|__proto__|document\.cookie|indexedDB"
            r"|addEventListener\(\s*[\"']message[\"']",
            text,
        )
        assert found == [], name


def test_pages_load_nothing_from_elsewhere() -> None:
    for page in STATIC.rglob("*.html"):
        text = page.read_text("utf-8")
        loaded = re.findall(r"(?:src|href)=\"([^\"]+)\"", text)
        assert all(one.startswith(("/", "#")) and one[:2] != "//" for one in loaded), page.name
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\son\w+=", text), page.name


@pytest.mark.parametrize("lock", ["requirements.lock", "deploy/requirements.lock"])
def test_every_package_is_pinned_to_its_bytes(lock: str) -> None:
    entries = re.split(r"\n(?=\S)", (ROOT / lock).read_text("utf-8"))
    packages = [one for one in entries if "==" in one.partition("\n")[0]]
    assert len(packages) > 30
    assert [one for one in packages if "--hash=sha256:" not in one] == []
    others = [one for one in entries if one not in packages and not one.startswith("#")]
    assert not "".join(others).strip()


def test_the_image_holds_packages_and_nothing_of_their_making() -> None:
    lines = (ROOT / ".dockerignore").read_text("utf-8").split()
    assert lines[0] == "*"
    let_in = {one[1:] for one in lines if one.startswith("!")}
    assert let_in == {*PACKAGES, "LICENSE", "NOTICE", "deploy/requirements.lock"}
