#!/usr/bin/env python3
r"""Verify a cordon journal without cordon; its format is in docs/reference/journal.md.

usage: verify_journal.py [--key FILE]... [--head FILE]... DIR...

Each DIR is the folder of one stream.  Public keys are read from --key, or else from `journal.pub`
in the folder above.  A --head is a signed head (a checkpoint) that was kept elsewhere.  Prints

    sound <origin> <number of records> <root>
    broken <origin> <file>:<line> <label>

for each stream, and ends with 0 if all are sound.  Only the first fault is named; one in a record
may show a line later.  Labels: chain, checkpoint, clock, end (cut off or not signed), form, gap,
header, root, signature.  Needs Python 3.9 and the package `cryptography`.
"""
import base64
import functools
import getopt
import json
import re
import sys
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HEAD = re.compile(r"((.+)\n(0|[1-9][0-9]*)\n(.+)\n)\n((\u2014 [^ \n]* [^ \n]*\n){1,16})")
HEADER = {"first", "frontier", "journal", "last", "origin"}  # and a head, but for the first
RECORD = {"after", "event", "mono", "run", "seq", "time", "v"}
SLACK_MS = 1000  # a clock may be corrected by this much without a record of it


class Broken(Exception):
    """The first fault of a stream; its text is the label."""


def check(is_good, label):
    if not is_good:
        raise Broken(label)


def whole(number, limit=2**64):
    check(type(number) is int and 0 <= number < limit, "form")
    return number


def from_base64(text, length=None):
    data = base64.b64decode(text, validate=True)
    check(base64.b64encode(data).decode() == text and length in (None, len(data)), "form")
    return data


def read_keys(path):
    """C2SP signed-note, verifier keys: name+hash+base64(algorithm, key)."""
    keys = {}
    for line in path.read_text(encoding="utf-8").split():
        name, _, blob = line.split("+", 2)
        key = from_base64(blob, 33)[1:]
        key_hash = sha256(name.encode() + b"\n\x01" + key).digest()[:4]
        keys[name] = (key_hash, Ed25519PublicKey.from_public_bytes(key))
    return keys


def segments(folder):
    paths = folder.iterdir() if folder.is_dir() else []
    return sorted(path for path in paths if re.fullmatch(r"[0-9]{20}\.jsonl", path.name))


@functools.lru_cache(maxsize=None)
def notes_in(folder, kind):
    """What an evidence stream says of the journal itself: each record, and its note of a kind."""
    notes = []
    for path in segments(folder):
        for line in path.read_bytes().split(b"\n"):
            if line.startswith(b'{"after"') and b'"journal":{' in line:
                record = json.loads(line)
                what = record["event"]["what"]
                if isinstance(what, dict) and kind in what.get("journal", {}):
                    notes.append((record, what["journal"][kind]))
    return notes


class Stream:
    def __init__(self, folder, keys, heads):
        self.folder, self.keys, self.heads = folder, keys, heads
        self.origin, self.place = "?", "checkpoint:1"
        self.size, self.peaks, self.last = None, [], b""  # records so far, subtrees, last hash
        self.time, self.mono, self.run = 0, 0, 0
        self.roots = {int(text.split(b"\n")[1]): None for text in heads}  # filled on the way

    def verify(self):
        paths = segments(self.folder)
        check(paths, "gap")
        for path in paths + [self.folder / "checkpoint"]:
            self.place = path.name + ":1"
            check(path.is_file() and not path.is_symlink(), "form")
            data = path.read_bytes()
            if path.name != "checkpoint":  # the last segment may end in zeros
                self.segment(path.name, data.rstrip(b"\x00") if path == paths[-1] else data)
        self.head(data.decode(), "checkpoint")
        for number, text in enumerate(self.heads, 1):
            self.place = "head %d:1" % number
            if text.decode().split("\n")[0] == self.origin:  # the others are of other streams
                _, size, root = self.read_head(text.decode())
                check(size <= self.size, "end")
                check(self.roots[size] in (None, root), "root")

    def segment(self, name, data):
        check(data.endswith(b"\n"), "end")
        for number, line in enumerate(data[:-1].split(b"\n"), 1):
            self.place = "%s:%d" % (name, number)
            check(len(line) <= 65536, "form")
            value = json.loads(line.decode())
            text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            check(text.encode() == line, "form")  # RFC 8785
            if number == 1:
                self.header(name, value)
            elif set(value) == {"head"}:
                self.head(value["head"], "root")
                check(value["head"].count("\n") == 5, "form")  # here it has one signature only
                check(self.size > self.covered, "chain")  # it is written for records
                self.covered = self.size
            else:
                self.record(line, value)
            if self.size in self.roots:
                self.roots[self.size] = self.root()
        check(self.covered == self.size, "end")

    def header(self, name, value):
        check(set(value) - {"head"} == HEADER and whole(value["journal"]) <= 1, "header")
        peaks = [from_base64(text, 32) for text in value["frontier"]]
        before = (value["origin"], whole(value["first"]), peaks, from_base64(value["last"], 32))
        if self.size is None:  # the first segment that is there
            self.origin, self.size, self.peaks, self.last = before
            check(len(peaks) == bin(self.size).count("1"), "header")
            check(self.origin in self.keys, "signature")
            stream = self.origin.rsplit("/", 1)[-1]
            self.evidence = self.folder if stream == "evidence" else self.folder / ".." / "evidence"
            if self.size > 0 and segments(self.evidence):  # they say that what is missing was due
                due = (n for _, n in notes_in(self.evidence, "expire") if n["stream"] == stream)
                check(any(note["first"] < self.size <= note["last"] + 1 for note in due), "gap")
        check(int(name[:20]) == self.size, "gap")
        check(before == (self.origin, self.size, self.peaks, self.last), "header")
        if self.size > 0:
            self.head(value["head"], "header")
        check(self.size > 0 or (self.last == bytes(32) and "head" not in value), "header")
        self.covered = self.size  # number of records with a head behind them

    def record(self, line, value):
        check(set(value) == RECORD and len(line) <= 16384 and whole(value["v"]) <= 1, "form")
        check(not set(value["event"]) - {"at", "point", "what"}, "form")
        check(whole(value["seq"]) == self.size, "chain")
        check(from_base64(value["after"], 32) == self.last, "chain")
        time, mono, run = whole(value["time"]), whole(value["mono"]), whole(value["run"], 2**32)
        check((run, mono) >= (self.run, self.mono), "clock")
        if self.time - time > SLACK_MS:
            check(self.is_clock_step(self.time - time, mono, run), "clock")
            self.time = time
        self.time, self.mono, self.run = max(self.time, time), mono, run
        self.last = sha256(b"\x00" + line).digest()
        self.peaks.append(self.last)
        self.size += 1
        rest = self.size
        while rest % 2 == 0:  # the last two are subtrees of the same size
            right, left = self.peaks.pop(), self.peaks.pop()
            self.peaks.append(sha256(b"\x01" + left + right).digest())
            rest //= 2

    def root(self):
        """RFC 9162, section 2.1.1: the root, from those of the complete subtrees, largest first."""
        root = self.peaks[-1] if self.peaks else sha256(b"").digest()
        for left in reversed(self.peaks[:-1]):
            root = sha256(b"\x01" + left + root).digest()
        return root

    def head(self, text, label):
        check(self.read_head(text) == (self.origin, self.size, self.root()), label)

    def read_head(self, text):
        """C2SP tlog-checkpoint: lines with origin, size and root, an empty one, and signatures."""
        match = HEAD.fullmatch(text)
        check(match and "\r" not in text and len(text.encode()) <= 8192, "form")
        body, origin, size, root, below, _ = match.groups()
        is_signed = False
        for signature in below[:-1].split("\n"):
            _, name, blob = signature.split(" ")
            blob = from_base64(blob)
            if name == origin and origin in self.keys and blob[:4] == self.keys[origin][0]:
                try:
                    self.keys[origin][1].verify(blob[4:], body.encode())
                    is_signed = True
                except InvalidSignature:
                    pass  # another line may hold
        check(is_signed, "signature")
        return origin, int(size), from_base64(root, 32)

    def is_clock_step(self, back_ms, mono, run):
        """Says whether evidence says that the clock was set back, about then and by about that."""
        now_ms, begin_ms, most_ms = mono // 10**6, 0, float("inf")
        if run == self.run:
            begin_ms = self.mono // 10**6 - SLACK_MS
            most_ms = back_ms + now_ms - begin_ms
        return any(
            record["run"] == run and begin_ms <= record["mono"] // 10**6 <= now_ms + SLACK_MS
            and back_ms - SLACK_MS <= -note["by_ms"] <= most_ms
            for record, note in notes_in(self.evidence, "clock-step"))


def main(arguments):
    options, folders = getopt.gnu_getopt(arguments, "", ["key=", "head="])
    if not folders:
        sys.exit(__doc__)
    heads = [Path(path).read_bytes() for option, path in options if option == "--head"]
    keys, worst = {}, 0
    for path in (path for option, path in options if option == "--key"):
        keys.update(read_keys(Path(path)))
    for folder in map(Path, folders):
        stream = Stream(folder, keys or read_keys(folder / ".." / "journal.pub"), heads)
        try:
            stream.verify()
            print("sound", stream.origin, stream.size, base64.b64encode(stream.root()).decode())
        except (Broken, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            print("broken", stream.origin, stream.place, error if type(error) is Broken else "form")
            worst = 1
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
