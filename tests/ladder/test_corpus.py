"""The corpus: real text, split so that nothing is validated on what was trained on."""

import pytest

from lightning_scaling.ladder.corpus import library_files, load_corpus, split


@pytest.fixture(scope="module")
def library():
    return library_files()


def test_the_standard_library_is_enough_for_the_largest_cell(library):
    train, _ = split(library)
    assert sum(len(library[path]) for path in train) > 4.9e6


def test_training_and_validation_share_no_file(library):
    train, validation = split(library)
    assert not set(train) & set(validation)
    assert set(train) | set(validation) == set(library)


def test_validation_takes_about_its_share_of_the_bytes(library):
    _, validation = split(library)
    share = sum(len(library[path]) for path in validation) / sum(map(len, library.values()))
    assert 0.05 < share < 0.12


def test_tests_and_encoding_tables_are_left_out(library):
    assert not any({"test", "tests", "encodings", "site-packages"} & set(path.split("/")) for path in library)


def test_the_split_does_not_depend_on_the_order_of_files(library):
    assert split(library) == split(dict(reversed(library.items())))


def test_a_text_file_is_cut_in_two_parts(tmp_path):
    text = "".join(f"line {i}\n" for i in range(20_000)).encode()
    (tmp_path / "book.txt").write_bytes(text)
    corpus = load_corpus(tmp_path / "book.txt")
    assert corpus.train + corpus.validation == text
    assert corpus.name == "book.txt"


def test_a_folder_is_read_without_its_binary_and_hidden_files(tmp_path):
    for i in range(12):
        (tmp_path / f"{i}.txt").write_text(f"text {i} " * 4_000)
    (tmp_path / "picture.png").write_bytes(bytes(range(256)) * 1000)
    (tmp_path / ".secret").write_text("hidden " * 10_000)
    corpus = load_corpus(tmp_path)
    assert b"hidden" not in corpus.train + corpus.validation
    assert b"\x00" not in corpus.train + corpus.validation
    assert len(corpus.train) + len(corpus.validation) == sum(4_000 * len(f"text {i} ") for i in range(12))


def test_a_folder_of_one_text_is_cut_like_that_text(tmp_path):
    (tmp_path / "only.txt").write_text("all there is\n" * 20_000)
    assert len(load_corpus(tmp_path).validation) == pytest.approx(0.08 * 13 * 20_000, rel=0.01)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "holds no text"), (b"\x00\x01\x02" * 100_000, "is binary"), (b"short", "too small")],
    ids=["empty", "binary", "short"],
)
def test_a_file_that_cannot_be_a_corpus_is_one_clear_line(tmp_path, content, complaint):
    (tmp_path / "corpus").write_bytes(content)
    with pytest.raises(ValueError, match=complaint) as error:
        load_corpus(tmp_path / "corpus")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["nowhere", "folder"], ids=["missing", "folder without text"])
def test_a_place_without_text_is_one_clear_line(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "picture.png").write_bytes(bytes(1000))
    with pytest.raises(ValueError, match=r"no corpus at|holds no text"):
        load_corpus(tmp_path / name)


def test_another_corpus_has_another_digest(tmp_path):
    digests = set()
    for letter in "ab":
        (tmp_path / "text").write_text(f"{letter} line\n" * 20_000)
        digests.add(load_corpus(tmp_path / "text").digest)
    assert len(digests) == 2
