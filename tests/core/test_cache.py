"""The store on disk: what is put in comes out whole or not at all, whoever writes, damages or kills."""

import errno
import hashlib
import multiprocessing
import os
import random
import resource
import signal
import time

import filelock
import pytest
from torch2trt import CacheError, CacheWarning
from torch2trt.cache import place, store
from torch2trt.cache.entry import Entry, packed
from torch2trt.cache.store import Store

#: children only write files, so the threads of the parent do not matter
fork = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
GIB = 2**30


def key(text):
    return hashlib.sha256(text.encode()).hexdigest()


def entry(*parts, **about):
    return Entry(about, parts)


@pytest.fixture(autouse=True)
def warn_again():
    store._warn_once.cache_clear()


@pytest.fixture
def kept(tmp_path):
    return Store(tmp_path / "cache", GIB)


def test_what_is_put_in_comes_out_and_nothing_else_is_there(kept):
    assert kept.get("engine", key("a")) is None
    assert list(kept) == []
    assert kept.prune(0) == []
    assert not kept.folder.exists()
    kept.put("engine", key("a"), entry(b"origin\n", b"\x00" * 5, name="a"))
    kept.put("kernels", key("a"), entry(b"", name="b"))
    assert kept.get("engine", key("a")) == entry(b"origin\n", b"\x00" * 5, name="a")
    assert kept.get("kernels", key("a")) == entry(b"", name="b")
    assert kept.get("engine", key("b")) is None
    assert {(stored.kind, stored.about()["name"]) for stored in kept} == {("engine", "a"), ("kernels", "b")}
    assert {path.name for path in kept.folder.iterdir()} == {
        *(f"{key('a')}.engine", f"{key('a')}.kernels"),
        *(path.name for path in kept.folder.glob(".torch2trt.lock")),
    }


def test_a_key_is_no_path(kept):
    for wrong in ("../../etc/passwd", "", "A" * 64, key("a") + "/", key("a")[:-1]):
        with pytest.raises(ValueError, match="no name of an entry"):
            kept.get("engine", wrong)
    with pytest.raises(ValueError, match="no name of an entry"):
        kept.put("pickle", key("a"), entry(b""))


def test_every_damage_is_an_absence_and_is_mended_by_the_next_writer(kept):
    whole = b"".join(packed("engine", key("a"), entry(b"origin", b"engine" * 9, name="a")))
    path = kept.folder / f"{key('a')}.engine"
    path.parent.mkdir()
    flipped = (whole[:i] + bytes([whole[i] ^ bit]) + whole[i + 1 :] for i in range(len(whole)) for bit in (1, 128))
    truncated = (whole[:i] for i in range(len(whole)))
    longer = (whole + b"\0", whole + whole, b"\0" + whole, b"", b"\n" * 99, os.urandom(5000))
    for number, data in enumerate((*flipped, *truncated, *longer)):
        path.write_bytes(data)
        assert kept.get("engine", key("a")) is None, number
    assert [stored.about() for stored in kept] == [None]
    kept.put("engine", key("a"), entry(b"again"))
    assert kept.get("engine", key("a")) == entry(b"again")


def test_a_whole_file_under_another_name_is_foreign(kept):
    kept.put("engine", key("a"), entry(b"1"))
    path = kept.folder / f"{key('a')}.engine"
    for name in (f"{key('b')}.engine", f"{key('a')}.kernels"):
        (kept.folder / name).write_bytes(path.read_bytes())
    assert kept.get("engine", key("b")) is None
    assert kept.get("kernels", key("a")) is None


@pytest.mark.parametrize(
    "header",
    [
        *(b"[]", b"{}", b"null", b"3", b"[" * 100_000, b"\xff", b"x" * 2**21),
        b'{"kind": "engine", "key": "%s", "about": {}, "sizes": [-1]}' % key("a").encode(),
        b'{"kind": "engine", "key": "%s", "about": {}, "sizes": [true]}' % key("a").encode(),
        b'{"kind": "engine", "key": "%s", "about": {}, "sizes": [99999999999999]}' % key("a").encode(),
        b'{"kind": "engine", "key": "%s", "about": [], "sizes": []}' % key("a").encode(),
    ],
    ids=range(11),
)
def test_headers_that_somebody_made_up_are_no_entries(kept, header):
    kept.folder.mkdir()
    text = b"torch2trt-cache 1\n" + header + b"\n"
    (kept.folder / f"{key('a')}.engine").write_bytes(text + hashlib.sha256(text).digest())
    assert kept.get("engine", key("a")) is None
    assert [stored.about() for stored in kept] == [None]


def test_the_least_recently_used_are_evicted_to_the_limit(tmp_path):
    small = Store(tmp_path, 5000)
    for index in range(4):
        small.put("engine", key(str(index)), entry(bytes(1000)))
        os.utime(tmp_path / f"{key(str(index))}.engine", (index, index))
    assert small.get("engine", key("0"))  # which is a use of it
    small.put("kernels", key("4"), entry(bytes(1000)))
    assert {stored.key for stored in small} == {key("0"), key("2"), key("3"), key("4")}
    assert sum(stored.size for stored in small) <= 5000
    small.put("kernels", key("large"), entry(bytes(5001)))
    assert len(list(small)) == 4  # nothing has to go for what is too large anyway
    small.put("kernels", key("large"), entry(bytes(4900)))
    assert [stored.key for stored in small] == [key("large")]


def test_old_entries_and_abandoned_files_are_removed_and_others_are_not_touched(kept):
    for name in ("a", "b"):
        kept.put("engine", key(name), entry(b"1"))
    parts = [kept.folder / f".torch2trt-{digit * 32}.part" for digit in "01"]
    foreign = [kept.folder / name for name in ("model.engine", "x.part", f"{key('a')}.txt")]
    for path in (*parts, *foreign):
        path.write_bytes(b"1")
    for path in (parts[0], *foreign, kept.folder / f"{key('a')}.engine"):
        os.utime(path, (1, 1))
    assert [stored.key for stored in kept.prune(GIB, older_than=3600)] == [key("a")]
    assert [path.exists() for path in (*parts, *foreign)] == [False, True, True, True, True]
    assert [stored.key for stored in kept] == [key("b")]


def test_a_lock_that_is_held_keeps_nobody_from_writing(kept, monkeypatch):
    monkeypatch.setattr(store, "_PATIENCE", 0.05)
    kept.put("engine", key("a"), entry(b"1"))
    started = time.monotonic()
    with filelock.FileLock(kept.folder / ".torch2trt.lock"):
        kept.put("engine", key("b"), entry(b"2"))
        assert kept.prune(0) is None
    assert time.monotonic() - started < 2
    assert kept.get("engine", key("b")) == entry(b"2")
    assert len(kept.prune(0)) == 2


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
def test_a_disk_that_takes_nothing_costs_one_warning(kept, monkeypatch, number):
    def refuse(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.warns(CacheWarning, match=os.strerror(number)):
        kept.put("engine", key("a"), entry(b"1"))
    kept.put("engine", key("b"), entry(b"1"))  # another warning would be an error here
    assert list(kept.folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_costs_one_warning(tmp_path):
    (tmp_path / "file").write_text("")
    blocked = Store(tmp_path / "file" / "cache", GIB)
    with pytest.warns(CacheWarning, match="keeps nothing"):
        blocked.put("engine", key("a"), entry(b"1"))
    assert blocked.get("engine", key("a")) is None
    assert list(blocked) == []


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="permissions do not hold for this user")
def test_a_read_only_folder_is_read(kept):
    kept.put("engine", key("a"), entry(b"1"))
    kept.folder.chmod(0o500)
    try:
        assert kept.get("engine", key("a")) == entry(b"1")
        with pytest.warns(CacheWarning, match="Permission denied"):
            kept.put("engine", key("b"), entry(b"1"))
    finally:
        kept.folder.chmod(0o700)


@pytest.mark.parametrize(
    ("text", "size"), [("0", 0), ("123", 123), ("4G", 2**32), ("1.5 MiB", 3 * 2**19), ("2kb", 2048), ("1T", 2**40)]
)
def test_sizes(text, size):
    assert place.parse_size(text, "x") == size


@pytest.mark.parametrize("text", ["", "-1", "4X", "G", "nan", "1e3"])
def test_what_is_no_size_is_said(text):
    with pytest.raises(CacheError, match="500M"):
        place.parse_size(text, "TORCH2TRT_CACHE_LIMIT")


def test_the_place_comes_from_the_argument_the_environment_or_the_user(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH2TRT_CACHE_LIMIT", "1M")
    monkeypatch.setenv("TORCH2TRT_CACHE", str(tmp_path / "named"))
    assert place.store_of(False) is None
    assert place.store_of(True) == Store(tmp_path / "named", 2**20)
    assert place.store_of(tmp_path) == place.store_of(str(tmp_path)) == Store(tmp_path, 2**20)
    monkeypatch.delenv("TORCH2TRT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    assert place.store_of(True).folder.name == "torch2trt"
    monkeypatch.setattr(place.platformdirs, "user_cache_path", lambda *_, **__: place.Path("~/.cache"))
    assert place.store_of(True) is None
    monkeypatch.setenv("TORCH2TRT_CACHE_LIMIT", "0")
    assert place.store_of(tmp_path) is None


def _write_for_ever(kept, names, seed):
    """Entries of all sizes that tell whether they are whole: their bytes are all the same."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    generator = random.Random(seed)
    while True:
        size = generator.choice((10, 10_000, 3_000_000))
        parts = (b"o" * generator.randrange(99), bytes([generator.randrange(256)]) * size)
        kept.put(generator.choice(store.KINDS), key(generator.choice(names)), Entry({"size": size}, parts))


def _check(kept, names):
    for kind in store.KINDS:
        for name in names:
            found = kept.get(kind, key(name))
            assert found is None or found.parts[1] == found.parts[1][:1] * found.about["size"]


def _started(target, *arguments):
    process = multiprocessing.get_context("fork").Process(target=target, args=arguments, daemon=True)
    process.start()
    return process


@fork
def test_processes_that_write_the_same_keys_leave_whole_entries(tmp_path):
    shared = Store(tmp_path, 8_000_000)  # so that they evict each other's too
    writers = [_started(_write_for_ever, shared, ("a", "b"), seed) for seed in range(3)]
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        _check(shared, ("a", "b"))
        assert all(writer.is_alive() for writer in writers)
    for writer in writers:
        writer.kill()
        writer.join()
    assert any(shared.get(kind, key(name)) for kind in store.KINDS for name in ("a", "b"))


@pytest.mark.slow
@fork
def test_after_processes_were_killed_the_next_one_works(kept):
    generator = random.Random(1)
    for seed in range(20):
        writer = _started(_write_for_ever, kept, ("a", "b", "c"), seed)
        time.sleep(0.02 + generator.random() / 20)
        assert writer.is_alive()
        writer.kill()
        writer.join()
        assert writer.exitcode == -signal.SIGKILL
        _check(kept, ("a", "b", "c"))
        kept.put("engine", key("a"), entry(b"", b"x", size=1))
        assert kept.get("engine", key("a")) == entry(b"", b"x", size=1)
    for path in kept.folder.glob(".*.part"):
        os.utime(path, (1, 1))
    kept.prune(GIB)
    assert list(kept.folder.glob(".*.part")) == []
