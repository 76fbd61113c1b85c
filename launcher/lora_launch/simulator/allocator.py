"""The policy of PyTorch's CUDA caching allocator, without CUDA.

Source: ``c10/cuda/CUDACachingAllocator.cpp`` and "CUDA semantics, memory management" of PyTorch's
documentation, default options. A request is rounded up to 512 bytes. Up to 1 MiB it comes from the
small pool, whose segments are 2 MiB; beyond, from the large pool, whose segments are 20 MiB for
requests under 10 MiB and the request rounded up to 2 MiB from there on. The smallest free block
that is large enough is taken, the lowest address among equals. It is split when what remains is
at least 512 bytes (small pool) or more than 1 MiB (large pool); otherwise the whole block counts as
allocated, which is why ``memory_allocated`` exceeds the bytes of the tensors. A freed block merges
with its free neighbours in the segment. Segments return to the driver only by ``empty_cache``, or
when the driver has no memory left: then every wholly free one, and the request is tried again.

Not modelled: expandable segments, several streams, ``max_split_size_mb``.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass

MIB = 2**20
MIN_BLOCK = 512
SMALL_REQUEST = MIB
SMALL_SEGMENT = 2 * MIB
LARGE_SEGMENT = 20 * MIB
LARGE_REQUEST = 10 * MIB
LARGE_ROUNDING = 2 * MIB
_SEGMENT_GAP = 2**41
"""Segments are never neighbours: their addresses lie further apart than any is long."""


class OutOfMemory(Exception):
    """The driver has no memory for a request, even with the cache emptied."""

    def __init__(self, request: int, allocated: int, reserved: int) -> None:
        super().__init__(f"{request} bytes asked, {allocated} allocated, {reserved} reserved")
        self.request = request
        self.allocated = allocated
        self.reserved = reserved


@dataclass(slots=True)
class _Piece:
    size: int
    small: bool
    segment: int
    before: int | None = None
    after: int | None = None
    free: bool = False


def rounded(size: int) -> int:
    """Bytes of the block that a request of ``size`` bytes needs."""
    return max(MIN_BLOCK, -(-size // MIN_BLOCK) * MIN_BLOCK)


def segment_size(size: int) -> int:
    """Bytes of the segment that is reserved for a rounded request that no free block serves."""
    if size <= SMALL_REQUEST:
        return SMALL_SEGMENT
    if size < LARGE_REQUEST:
        return LARGE_SEGMENT
    return -(-size // LARGE_ROUNDING) * LARGE_ROUNDING


class CachingAllocator:
    """Segments and blocks of one device, addresses made up."""

    def __init__(self, capacity: int | None = None) -> None:
        """Begin empty; ``capacity`` is what the driver has in bytes, None without end."""
        self.capacity = capacity
        self.allocated = 0
        self.reserved = 0
        self._pieces: dict[int, _Piece] = {}
        self._segments: dict[int, int] = {}
        self._pools: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        self._next = 0

    def allocate(self, size: int) -> int:
        """Take a block for ``size`` bytes; return its address."""
        size = rounded(size)
        small = size <= SMALL_REQUEST
        pool = self._pools[small]
        position = bisect_left(pool, (size, -1))
        address = pool.pop(position)[1] if position < len(pool) else self._reserve(size, small)
        piece = self._pieces[address]
        remaining = piece.size - size
        if remaining >= MIN_BLOCK if small else remaining > SMALL_REQUEST:
            self._split(address, piece, size)
        piece.free = False
        self.allocated += piece.size
        return address

    def size_of(self, address: int) -> int:
        """Bytes of the block at ``address``, as ``memory_allocated`` counts them."""
        return self._pieces[address].size

    def free(self, address: int) -> None:
        """Give a block back to the cache and merge it with its free neighbours."""
        piece = self._pieces[address]
        self.allocated -= piece.size
        piece.free = True
        pool = self._pools[piece.small]
        if piece.after is not None and self._pieces[piece.after].free:
            _remove(pool, self._pieces[piece.after].size, piece.after)
            self._absorb(address, piece.after)
        if piece.before is not None and self._pieces[piece.before].free:
            address, absorbed = piece.before, address
            _remove(pool, self._pieces[address].size, address)
            self._absorb(address, absorbed)
        insort(pool, (self._pieces[address].size, address))

    def empty_cache(self) -> None:
        """Give every wholly free segment back to the driver."""
        for pool in self._pools:
            kept = []
            for size, address in pool:
                if self._segments.get(address) == size:
                    self.reserved -= size
                    del self._pieces[address], self._segments[address]
                else:
                    kept.append((size, address))
            pool[:] = kept

    def _reserve(self, size: int, small: bool) -> int:
        wanted = segment_size(size)
        if self.capacity is not None and self.reserved + wanted > self.capacity:
            self.empty_cache()
            if self.reserved + wanted > self.capacity:
                raise OutOfMemory(size, self.allocated, self.reserved)
        address, self._next = self._next, self._next + _SEGMENT_GAP
        self._pieces[address] = _Piece(wanted, small, address)
        self._segments[address] = wanted
        self.reserved += wanted
        return address

    def _split(self, address: int, piece: _Piece, size: int) -> None:
        rest = address + size
        self._pieces[rest] = _Piece(
            piece.size - size, piece.small, piece.segment, address, piece.after, free=True
        )
        if piece.after is not None:
            self._pieces[piece.after].before = rest
        piece.after = rest
        piece.size = size
        insort(self._pools[piece.small], (self._pieces[rest].size, rest))

    def _absorb(self, address: int, neighbour: int) -> None:
        piece, gone = self._pieces[address], self._pieces.pop(neighbour)
        piece.size += gone.size
        piece.after = gone.after
        if gone.after is not None:
            self._pieces[gone.after].before = address


def _remove(pool: list[tuple[int, int]], size: int, address: int) -> None:
    del pool[bisect_left(pool, (size, address))]
