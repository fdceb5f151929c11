#!/usr/bin/env python3
"""Verify a cordon journal without cordon.

usage: verify_journal.py [--key FILE]... [--head FILE]... DIR...

Each DIR is the folder of one stream (it holds files NNNNNNNNNNNNNNNNNNNN.jsonl).  Public keys are
read from --key, or else from `journal.pub` in the folder above.  A --head file holds a signed head
(a checkpoint) that was kept elsewhere.  Prints one line for each stream:

    sound  <origin> <number of records> <root>
    broken <origin> <file>:<line> <label>

and ends with 0 if all are sound.  Needs Python 3.9 and the package `cryptography`.

What is checked is the format as it is written down, in the simplest way; nothing is skipped:
  * RFC 9162 section 2.1.1: a record's hash is SHA-256(0x00, line), a node's SHA-256(0x01, l, r).
  * C2SP signed-note and tlog-checkpoint: heads are `origin\nsize\nroot\n`, signed with Ed25519.
  * RFC 8785: every line is the canonical JSON of what it says.
"""
import base64
import hashlib
import json
import os
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SEGMENT = re.compile(r"\A[0-9]{20}\.jsonl\Z", re.ASCII)
NUMBER = re.compile(r"\A(0|[1-9][0-9]*)\Z", re.ASCII)
ZERO = bytes(32)
SLACK_MS = 1000  # a clock may be corrected by this much without a record of it


class Broken(Exception):
    def __init__(self, file, line, what):
        super().__init__("%s:%d %s" % (file, line, what))


def label(error, other):
    return "bad-signature" if str(error) == "bad-signature" else other


def leaf_hash(line):
    return hashlib.sha256(b"\x00" + line).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def whole(number, limit=2**64):
    if type(number) is not int or not 0 <= number < limit:
        raise ValueError("not a number")
    return number


def strict_b64(text, length=None):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text or length not in (None, len(data)):
        raise ValueError("not the only base64 of these bytes")
    return data


class Tree:
    """The roots of the complete subtrees over the records so far, the largest first."""

    def __init__(self, size=0, peaks=()):
        self.size, self.peaks = size, list(peaks)
        if len(self.peaks) != bin(size).count("1"):
            raise ValueError("the frontier does not fit the size")

    def add(self, leaf):
        self.peaks.append(leaf)
        self.size += 1
        rest = self.size
        while rest % 2 == 0:  # the last two are subtrees of the same size
            right, left = self.peaks.pop(), self.peaks.pop()
            self.peaks.append(node_hash(left, right))
            rest //= 2

    def root(self):
        if not self.peaks:
            return hashlib.sha256(b"").digest()
        root = self.peaks[-1]
        for left in reversed(self.peaks[:-1]):
            root = node_hash(left, root)
        return root


def read_keys(path):
    """C2SP signed-note, verifier keys: name+hash+base64(algorithm, key)."""
    keys = {}
    with open(path, encoding="utf-8") as file:
        for line in file.read().split():
            name, _, blob = line.split("+", 2)
            blob = strict_b64(blob, 33)
            key_hash = hashlib.sha256(name.encode() + b"\n\x01" + blob[1:]).digest()[:4]
            keys[name] = (key_hash, Ed25519PublicKey.from_public_bytes(blob[1:]))
    return keys


def read_head(text, keys, only_one=False):
    """Returns origin, size and root of a signed head, or raises ValueError."""
    if not text.endswith("\n") or "\r" in text or len(text.encode()) > 8192:
        raise ValueError("not a note")
    body, empty, below = text.rpartition("\n\n")
    lines, body = body.split("\n"), body + "\n"
    if not empty or len(lines) != 3 or not lines[0] or not NUMBER.match(lines[1]):
        raise ValueError("not a head")
    origin, size, root = lines[0], int(lines[1]), strict_b64(lines[2], 32)
    signatures = below[:-1].split("\n")
    if len(signatures) > 16 or only_one and len(signatures) != 1:
        raise ValueError("too many signatures")
    is_signed = False
    for signature in signatures:
        mark, name, blob = signature.split(" ")
        blob = strict_b64(blob)
        if mark != "\u2014":
            raise ValueError("not a signature line")
        if name == origin and origin in keys and blob[:4] == keys[origin][0]:
            try:
                keys[origin][1].verify(blob[4:], body.encode())
                is_signed = True
            except InvalidSignature:
                pass
    if not is_signed:
        raise ValueError("bad-signature")
    return origin, size, root


def lines_of(name, data, is_last):
    """Splits a segment into lines; zero bytes may follow the last line of the last segment."""
    text = data.rstrip(b"\x00") if is_last else data
    if not text or not text.endswith(b"\n"):
        raise Broken(name, text.count(b"\n") + 1, "open-end")
    return text[:-1].split(b"\n")


def note_of(record):
    what = record["event"]["what"]
    return what.get("journal", {}) if isinstance(what, dict) else {}


def notes_in(folder):
    """The records of clock steps and of expired segments in an evidence stream."""
    steps, expired = [], []
    for name in sorted(filter(SEGMENT.match, os.listdir(folder))):
        with open(os.path.join(folder, name), "rb") as file:
            for line in file.read().split(b"\n"):
                if b'"journal":{' not in line or not line.startswith(b'{"after"'):
                    continue
                record = json.loads(line)
                note = note_of(record)
                if "clock-step" in note:
                    steps.append((record["run"], record["mono"], note["clock-step"]["by_ms"]))
                if "expire" in note:
                    expired.append(note["expire"])
    return steps, expired


class Stream:
    def __init__(self, folder, keys, heads):
        self.folder, self.keys, self.heads = folder, keys, heads
        self.sizes = {int(text.split(b"\n")[1]) for text in heads}
        self.origin, self.tree, self.last = "?", None, ZERO
        self.roots = {}  # size -> root, for heads from elsewhere
        self.clock = None  # latest time, mono, run
        self.rollbacks, self.front = [], None

    def verify(self):
        names = sorted(filter(SEGMENT.match, os.listdir(self.folder)))
        if not names:
            raise Broken("checkpoint", 1, "empty")
        for name in names:
            path = os.path.join(self.folder, name)
            if os.path.islink(path) or not os.path.isfile(path):
                raise Broken(name, 1, "unreadable")
            with open(path, "rb") as file:
                lines = lines_of(name, file.read(), name == names[-1])
            for number, line in enumerate(lines, 1):
                try:
                    if len(line) > 65536:
                        raise ValueError("malformed-line")
                    self.line(name, number, line)
                except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                    raise Broken(name, number, label(error, "malformed-line")) from None
            if self.covered != self.tree.size:
                raise Broken(name, len(lines), "open-end")
        self.check_notes()
        self.check_checkpoint(name, len(lines))

    def line(self, name, number, line):
        value = json.loads(line.decode())
        if canonical(value) != line:
            raise ValueError("not canonical")
        if number == 1:
            self.header(name, value)
        elif set(value) == {"head"}:
            self.head(name, number, value["head"])
        else:
            self.record(name, number, line, value)

    def header(self, name, value):
        fields = {"first", "frontier", "journal", "last", "origin"}
        if set(value) - {"head"} != fields or whole(value["journal"]) > 1:
            raise ValueError("not a header")
        tree = Tree(whole(value["first"]), [strict_b64(text, 32) for text in value["frontier"]])
        last = strict_b64(value["last"], 32)
        if self.tree is None:  # the first segment that is there
            self.origin = value["origin"]
            if self.origin not in self.keys:
                raise Broken(name, 1, "unknown-key")
            self.front, self.front_name = tree.size, name
        elif tree.size > self.tree.size:
            raise Broken(name, 1, "missing-segment")
        elif (tree.size, tree.peaks, last) != (self.tree.size, self.tree.peaks, self.last):
            raise Broken(name, 1, "header-mismatch")
        if value["origin"] != self.origin:
            raise Broken(name, 1, "other-origin")
        if int(name[:20]) != tree.size:
            raise Broken(name, 1, "header-mismatch")
        if tree.size == 0 and (last != ZERO or "head" in value):
            raise Broken(name, 1, "header-mismatch")
        if tree.size > 0:
            if read_head(value["head"], self.keys) != (self.origin, tree.size, tree.root()):
                raise Broken(name, 1, "header-mismatch")
        self.tree, self.last, self.covered = tree, last, tree.size
        self.roots[tree.size] = tree.root()

    def head(self, name, number, text):
        origin, size, root = read_head(text, self.keys, only_one=True)
        if origin != self.origin:
            raise Broken(name, number, "other-origin")
        if (size, root) != (self.tree.size, self.tree.root()):
            raise Broken(name, number, "wrong-root")
        if size == self.covered:
            raise Broken(name, number, "duplicated")  # a head is written for records
        self.covered = size

    def record(self, name, number, line, value):
        fields = {"after", "event", "mono", "run", "seq", "time", "v"}
        if set(value) != fields or whole(value["v"]) > 1:
            raise ValueError("not a record")
        if len(line) > 16384 or set(value["event"]) - {"at", "point", "what"}:
            raise ValueError("not a record")
        time, mono, run = whole(value["time"]), whole(value["mono"]), whole(value["run"], 2**32)
        # Which line is to blame is not looked into: it is this one or the one before.
        if whole(value["seq"]) != self.tree.size:
            raise Broken(name, number, "deleted" if value["seq"] > self.tree.size else "inserted")
        if strict_b64(value["after"], 32) != self.last:
            raise Broken(name, number, "edited")
        self.last = leaf_hash(line)
        self.tree.add(self.last)
        if self.tree.size in self.sizes:
            self.roots[self.tree.size] = self.tree.root()
        if self.clock is not None:
            latest, mono_before, run_before = self.clock
            if run < run_before:
                raise Broken(name, number, "run-rollback")
            if run == run_before and mono < mono_before:
                raise Broken(name, number, "mono-rollback")
            if latest - time > SLACK_MS:
                since = mono_before if run == run_before else None
                self.rollbacks.append((name, number, latest - time, run, since, mono))
                latest = time
            self.clock = (max(latest, time), mono, run)
        else:
            self.clock = (time, mono, run)

    def check_notes(self):
        """A clock that went back, and a front that is gone, need a record of it as evidence."""
        if not self.rollbacks and not self.front:
            return
        stream = self.origin.rsplit("/", 1)[-1]
        evidence = os.path.join(self.folder, "..", "evidence")
        evidence = self.folder if stream == "evidence" else evidence
        at_hand = os.path.isdir(evidence) and any(map(SEGMENT.match, os.listdir(evidence)))
        steps, expired = notes_in(evidence) if at_hand else ([], [])
        if self.front and at_hand and not any(
                note["stream"] == stream and note["first"] <= self.front - 1 <= note["last"]
                for note in expired):
            raise Broken(self.front_name, 1, "missing-front")
        for name, number, back_ms, run, since, mono in self.rollbacks:
            begin = 0 if since is None else since // 1000000 - SLACK_MS
            end = mono // 1000000 + SLACK_MS
            most = back_ms + SLACK_MS + (0 if since is None else mono // 10**6 - since // 10**6)
            if not any(step_run == run and by_ms < 0 and begin <= step_mono // 1000000 <= end
                       and -by_ms + SLACK_MS >= back_ms and (since is None or -by_ms <= most)
                       for step_run, step_mono, by_ms in steps):
                raise Broken(name, number, "clock-rollback")

    def check_checkpoint(self, last_name, last_line):
        path = os.path.join(self.folder, "checkpoint")
        if os.path.islink(path) or not os.path.isfile(path):
            raise Broken("checkpoint", 1, "missing-checkpoint")
        with open(path, "rb") as file:
            given = [("checkpoint", file.read())]
        self.roots[self.tree.size] = self.tree.root()
        given += [("head %d" % number, text) for number, text in enumerate(self.heads, 1)]
        for name, text in given:
            try:
                text = text.decode()
                if name != "checkpoint" and text.split("\n", 1)[0] != self.origin:
                    continue  # of another stream
                origin, size, root = read_head(text, self.keys)
            except ValueError as error:
                raise Broken(name, 1, label(error, "malformed-head")) from None
            if origin != self.origin:
                raise Broken(name, 1, "other-origin")
            if size > self.tree.size:
                raise Broken(last_name, last_line, "truncated")
            if self.roots.get(size) not in (None, root):
                raise Broken(name, 1, "fork")
            if name == "checkpoint" and size < self.tree.size:
                raise Broken(name, 1, "stale-checkpoint")


def main(arguments):
    keys, heads, folders = {}, [], []
    arguments = list(arguments)
    while arguments:
        argument = arguments.pop(0)
        if argument == "--key":
            keys.update(read_keys(arguments.pop(0)))
        elif argument == "--head":
            with open(arguments.pop(0), "rb") as file:
                heads.append(file.read())
        else:
            folders.append(argument)
    if not folders:
        sys.exit(__doc__)
    worst = 0
    for folder in folders:
        own = keys or read_keys(os.path.join(folder, "..", "journal.pub"))
        stream = Stream(folder, own, heads)
        try:
            stream.verify()
            root = base64.b64encode(stream.tree.root()).decode()
            print("sound", stream.origin, stream.tree.size, root)
        except Broken as broken:
            print("broken", stream.origin, broken)
            worst = 1
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
