"""The tools over a run's files, as cells call them, and as an attacker would."""

import pytest

from rlmlab.engine.errors import ToolFailed
from rlmlab.engine.tools.files import NoFiles, RunFiles, list_tool, read_tool
from tests.engine.conftest import Lab
from tests.engine.fakes.files import ListedFiles
from tests.engine.fakes.files_contract import LARGE, FilesContract
from tests.engine.fakes.provider import turns


class TestListedFiles(FilesContract):
    @pytest.fixture
    def files(self) -> RunFiles:
        return ListedFiles({"a.txt": b"hello", "large.bin": LARGE})


def code(text: str) -> str:
    return f"```repl\n{text}\n```"


async def answer(lab: Lab, cell: str, files: RunFiles) -> object:
    script = turns(code(f"try:\n    FINAL({cell})\nexcept ToolError as error:\n    FINAL(str(error))"))
    return (await lab.run(script, tools=[list_tool(files), read_tool(files)])).outcome.answer


async def test_files_are_listed_with_size_and_kind(lab: Lab) -> None:
    files = ListedFiles({"a.txt": b"hello", "b.png": b"\x89"}, {"b.png": "image/png"})
    assert await answer(lab, "list_files()", files) == [
        {"name": "a.txt", "size": 5},
        {"name": "b.png", "size": 1, "media_type": "image/png"},
    ]
    assert await answer(lab, "['none', list_files()]", NoFiles()) == ["none", []]
    with pytest.raises(ToolFailed, match="there is no file 'x'"):
        await NoFiles().read("x", 0, 1)


async def test_more_files_than_can_be_listed_are_said(lab: Lab) -> None:
    files = ListedFiles({f"{number}": b"" for number in range(1_001)})
    assert "the run has 1,001 files, at most 1,000 can be listed" in str(await answer(lab, "list_files()", files))


async def test_part_says_where_it_lies_and_where_to_go_on(lab: Lab) -> None:
    files = ListedFiles({"a.txt": "Öl und Ärger".encode()})
    parts = await answer(lab, "[read_file('a.txt'), read_file('a.txt', 0, 9), read_file('a.txt', start=99)]", files)
    assert parts == [
        {"text": "Öl und Ärger", "start": 0, "end": 14, "size": 14},
        {"text": "Öl und ", "start": 0, "end": 8, "size": 14},  # the Ä is not torn apart
        {"text": "", "start": 99, "end": 99, "size": 14},
    ]


async def test_file_is_read_whole_in_steps(lab: Lab) -> None:
    text = "aé€😀" * 500
    cell = """
parts, at = [], 0
while True:
    part = read_file("a.txt", at, 7)
    parts.append(part["text"])
    at = part["end"]
    if at >= part["size"]:
        break
FINAL("".join(parts))"""
    script = turns(code(cell.replace("500", "5")))
    files = ListedFiles({"a.txt": text[:40].encode()})
    ran = await lab.run(script, tools=[read_tool(files)])
    assert ran.outcome.answer == text[:40]


async def test_bytes_that_are_no_text_are_shown_as_such(lab: Lab) -> None:
    files = ListedFiles({"b.bin": b"\x80\x80\x80\x80a\xff\xfe"})
    part = await answer(lab, "read_file('b.bin', 0, 6)", files)
    assert part == {"text": "\ufffd\ufffd\ufffd\ufffda", "start": 0, "end": 5, "size": 7}


async def test_file_that_is_no_text_is_refused(lab: Lab) -> None:
    files = ListedFiles({"b.png": b"\x89"}, {"b.png": "image/png"})
    assert await answer(lab, "read_file('b.png')", files) == "read_file: 'b.png' is image/png, not text"
    assert files.reads == []


@pytest.mark.parametrize(
    "name",
    [
        "../a.txt",
        "/etc/passwd",
        "./a.txt",
        "a.txt/../../etc/passwd",
        "A.TXT",
        "a.txt\x00",
        "a.txt ",
        "file:///etc/passwd",
        "\\\\host\\share",
        "..%2fa.txt",
        "",
    ],
)
async def test_name_is_looked_up_and_never_a_path(lab: Lab, name: str) -> None:
    files = ListedFiles({"a.txt": b"hello"})
    told = str(await answer(lab, f"read_file({name!r})", files))
    assert told.startswith("read_file: there is no file ")
    assert "list_files() names those there are" in told
    assert files.reads == []


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ("read_file('a.txt', -1)", "ValueError: read_file(): start: must be at least 0"),
        ("read_file('a.txt', 0, 0)", "ValueError: read_file(): length: must be at least 1"),
        ("read_file('a.txt', length=200_001)", "ValueError: read_file(): length: must be at most 200000"),
        ("read_file(['a.txt'])", "TypeError: read_file(): name: must be of type string"),
    ],
)
async def test_bounds_are_checked(lab: Lab, call: str, error: str) -> None:
    ran = await lab.run(turns(code(call), code("FINAL(1)")), tools=[read_tool(ListedFiles({"a.txt": b""}))])
    assert error in ran.provider.requests[1].messages[-1].content
