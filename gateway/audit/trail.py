"""Follows the chain of the audit log through its archive files, and says where they are not what was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from gateway.audit import archive, chain
from gateway.audit.archive import Line, Place
from gateway.store.seals import Checkpoint


class Trail:
    """The chain as far as it was followed.

    Attributes:
        place: Where it stands.
        problems: What is wrong, a line each.
        true: The links of the records that are expected, of what they say now, and of those where it was stood.
        records: How many there were.
        checkpoints: How many there were, all of them looked at.
    """

    def __init__(
        self,
        name: str,
        expected: Mapping[int, bytes],
        is_signed: Callable[[Checkpoint], bool],
        place: Place | None = None,
    ) -> None:
        """Stand at a place of a chain, or at its beginning.

        Args:
            name: The chain's name.
            expected: Links that were kept elsewhere, by number: the files may begin behind one of these, when those
                before are not kept any more.
            is_signed: Whether a checkpoint's signature holds.
            place: Where to stand.
        """
        self.problems: list[str] = []
        self.true: dict[int, bytes] = {}
        self.records = 0
        self.checkpoints = 0
        self._expected = expected
        self._is_signed = is_signed
        self.stand(place or Place(name, 0, chain.beginning(name), 0))

    def stand(self, place: Place) -> None:
        """Stand at a place, whatever was before."""
        self.place = place
        self.true[place.seq] = place.link

    def follow(self, number: int, path: Path) -> None:
        """Follow the file of checkpoint `number`."""
        try:
            before, entries = archive.read(path)
        except OSError as error:
            self.problems.append(f"{path.name} can't be read: {error.strerror}")
            return
        except ValueError as error:
            self.problems.append(f"{path.name} {error}")
            return
        if before.chain != self.place.chain:
            self.problems.append(f"{path.name} is of another log")
            return
        self.go_on(before, path.name)
        for entry in entries:
            if isinstance(entry, Line):
                self._record(entry, path.name)
            else:
                self._checkpoint(entry, path.name)
        if not entries or not isinstance(entries[-1], Checkpoint) or entries[-1].number != number:
            self.problems.append(f"{path.name} does not end with the checkpoint that it is named after")

    def go_on(self, place: Place, where: str) -> None:
        """Go on at a place, which is a problem unless the chain stands there, or may begin there."""
        may_begin = not self.place.checkpoint and self._expected.get(place.seq) == place.link
        if place != self.place and not may_begin:
            first, last = self.place.checkpoint + 1, place.checkpoint
            self.problems.append(
                f"no archive file has what is before {where}, from checkpoint {first} to {last}"
                if last >= first
                else f"{where} does not go on where the archive before it ends"
            )
        self.stand(place)

    def _record(self, line: Line, where: str) -> None:
        if line.seq != self.place.seq + 1:
            self.problems.append(f"{where} has record {line.seq} in the place of record {self.place.seq + 1}")
        self.place = replace(self.place, seq=line.seq, link=chain.link_of_line(self.place.link, line.text))
        self.records += 1
        if line.seq in self._expected:
            self.true[line.seq] = self.place.link

    def _checkpoint(self, checkpoint: Checkpoint, where: str) -> None:
        what = f"{where}: checkpoint {checkpoint.number}"
        self.checkpoints += 1
        if checkpoint.number != self.place.checkpoint + 1:
            self.problems.append(f"{what} stands in the place of checkpoint {self.place.checkpoint + 1}")
        if not self._is_signed(checkpoint):
            self.problems.append(f"{what} is not signed by a known key")
        elif (checkpoint.seq, checkpoint.link) != (self.place.seq, self.place.link):
            self.problems.append(f"{what} says that the records before it were others")
        self.place = replace(self.place, seq=checkpoint.seq, link=checkpoint.link, checkpoint=checkpoint.number)
