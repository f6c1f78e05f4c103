"""Content and not the name decides what a file is; hostile and damaged files end in one clear line."""

import gzip
import io
import pickle
import zipfile
import zlib

import numpy as np
import pytest
from importers_truth import HEADER, ROWS, same_losses

from lightning_scaling.importers import read_run, source
from lightning_scaling.importers.source import Source

PLAIN = ("\n".join([HEADER, *ROWS]) + "\n").encode()


class Harm:
    """A pickle that would leave a trace if it were opened."""

    def __reduce__(self):
        return (open, ("opened", "w"))


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("../../etc/run.csv", PLAIN)
    return out.getvalue()


@pytest.mark.parametrize("protocol", range(2, 6))
def test_a_pickle_is_refused_and_not_opened(file, tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="a pickle, which could run code when opened"):
        read_run(file("run.csv", pickle.dumps(Harm(), protocol)))
    assert not (tmp_path / "opened").exists()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (zipped(), "zip archive"),
        (b"\x93NUMPY\x01\x00", "NumPy array"),
        (b"SQLite format 3\x00", "--store"),
        (b"<!DOCTYPE html><table><tr><td>1</td></tr></table>", "an HTML page: .* save it as CSV"),
        (b"\x89PNG\r\n", "picture"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"x" * 257 + b"ustar", "tar archive: unpack it and give its folder"),
    ],
)
def test_a_file_of_another_purpose_is_refused_with_the_remedy(file, content, why):
    with pytest.raises(ValueError, match=why):
        read_run(file("run.csv", content))


def test_a_bomb_is_stopped_before_it_fills_the_memory(file, monkeypatch):
    monkeypatch.setattr(source, "FLOOR", 4 * 2**20)
    bomb = zlib.compressobj(9, zlib.DEFLATED, 31)
    content = b"".join([bomb.compress(b"step,loss\n"), *(bomb.compress(b"1,2.0\n" * 100_000) for _ in range(20)), bomb.flush()])
    with pytest.raises(ValueError, match="as zip bombs do"):
        read_run(file("run.csv.gz", content))


def test_a_line_without_an_end_is_refused(file, monkeypatch):
    monkeypatch.setattr(source, "LONGEST", 2**20)
    with pytest.raises(ValueError, match="no log of losses"):
        list(Source(file("run.csv", b"step,loss\n1,2\n" + b"9" * 2**22)).blocks())


def test_a_compressed_log_that_is_still_written_is_read_as_far_as_it_goes(file):
    noise = np.random.default_rng(0).random(200_000)
    text = "step,loss\n" + "".join(f"{i},{x}\n" for i, x in enumerate(noise.tolist(), 1))
    reading = read_run(file("run.csv.gz", gzip.compress(text.encode())[:-500_000]))
    assert 100_000 < len(reading.curve) < 200_000
    np.testing.assert_array_equal(reading.curve.loss[:1000], noise[:1000])


def test_damaged_compression_is_one_clear_line(file):
    content = bytearray(gzip.compress(PLAIN))
    content[30:60] = b"\xff" * 30
    with pytest.raises(ValueError, match="compressed data is damaged"):
        read_run(file("run.csv.gz", bytes(content)))


def test_standard_input_is_read(monkeypatch):
    monkeypatch.setattr("sys.stdin", type("Stdin", (), {"buffer": io.BytesIO(PLAIN)})())
    assert same_losses("-").name == "standard input"


@pytest.mark.parametrize("size", [1, 7, 64, 10**6])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le"])
def test_blocks_of_any_size_are_the_same_lines(file, monkeypatch, size, ending, encoding):
    monkeypatch.setattr(source, "BLOCK", size)
    lines = ["step,löss €", "1,2", "", "3,4"]
    read = Source(file("run.csv", ending.join(lines).encode(encoding)))
    assert [line.lstrip("\ufeff") for _, line in read.lines()] == lines


def test_a_formula_is_text_like_any_other(file):
    lines = [HEADER, *ROWS[:-1], '"=HYPERLINK(""http://x"")",2.9,1e-5']
    reading = read_run(file("run.csv", lines))
    assert (len(reading.curve), reading.skipped[0]["first_row"]) == (49, 51)
