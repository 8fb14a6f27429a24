"""MISTY1, the 64-bit block cipher that STS calls encryption algorithm 11 (EA11).

Source: RFC 2994 (the cipher), IEC 62055-41 edition 3 (its use on tokens). Blocks are integers,
most significant bit first; keys are 16 bytes.

The cipher is a Feistel network of eight rounds with a linear layer (FL) before every second
round and after the last. Everything a round needs of the key is laid out once, when the key
object is made, so that a block costs table look-ups and exclusive-ors only.
"""

from typing import Final

_S7: Final = bytes.fromhex(
    "1b32335a3b1017545b1a72736b2c66491f24136c372e3f4a5d0f405625511c04"
    "0b46200d7b3544422b1e41144b79156f0e550936740c6753280a7e3802076029"
    "1912652f303908685f782a4c6445753d594803577c4f623c1d215e276a704d3a"
    "016d6e6318772305267600312d7a7f61502211064716524e713e6943345c587d"
)

_S9_DIGITS: Final = (
    "1c30cb15319f1e30e90fb0351810b91171eb13300902d0d30c714a03707e0eb1641931d80a311e05502c01d1a2163118"
    "14b1521d200f02b03013a0e511113818e0630e30c81f401b00109d0f81a016d1f301c14607d0d10821ea18312d0f419e"
    "1d30dd1e21281e00ec05909101112f0260dc0b018c10f1f70e716c0b60f90d815110114c1030b815412b1ae01707100c"
    "04705807f1a413412908415d19d1b21a304807c0511ca02313d1a716503b0420da1920ce0c106b09f1f112c1840fa196"
    "1e116917d03118010a0941da18613e11c0601751cf06711906506809915000800717c0b70240190de1270db0e41a9052"
    "10909019c1c10281b313516a1760df1e51880c516e1de1b10c31df0360ee1ee0f009304909a1b606908112500b05e0b4"
    "1491c717403e13b1b708e1c60ae0100951ef04e0f21fd0850fd0f60a016f08308a15609b13c1071670981d01e90031fe"
    "0bd1220890d218f01203306a1420ed17011b0e214f15813114705d1131cd0791611a517909e1b40cc02213201a0e8004"
    "1871ed1970391bf1d702718b0c609c0d014e06c0341f206e0ca0250ba1910fe01310602f1ad1721db0c010b1d60f51ec"
    "10d0761141ab07510c1e415905411f04b0c41be0f70290a400e1f007704d17a08608b0b31710bf10e10409715b160168"
    "0d70bb0661ce0fc0921c506f01604a0a11390af0f119000a1aa14317b05618d1660d41fb14d19419a0871f81230a71b8"
    "14103c1f914002a15511a1a11980d51261af06112e1571dc07218a0aa0961150ef04507b08d14505305f1780b202e020"
    "1d503f1c91e71ac0440380140b116b0ab0b505a1821c81d40181770640cf06d10019913015a0051201bb1bd0e004f0d6"
    "13f1c412a0150060ff19b0a604308805015f1e812107317e0bc0c20c91731891f50741cc1e61a819501f04100d1ba032"
    "03d1d10800a80571b91621480d910506207a0211ff1121081c00a911d1b01a60cd0f305c10205b1d91441f60ad0a503a"
    "1cb13617f0460e101e1dd0e61371fa18508c08f0401b50be0780000ac11015e1240021bc0a20ea0701fc11615c04c1c2"
)
_S9: Final = tuple(int(_S9_DIGITS[at : at + 3], 16) for at in range(0, len(_S9_DIGITS), 3))

_ROUNDS: Final = 8
_LOW_32: Final = 0xFFFFFFFF
_LOW_16: Final = 0xFFFF


def _fi(value: int, subkey: int) -> int:
    """Mix 16 bits under a 16-bit subkey (RFC 2994, section 2.2, function FI)."""
    nine, seven = value >> 7, value & 0x7F
    nine = _S9[nine] ^ seven
    seven = _S7[seven] ^ (nine & 0x7F)
    seven ^= subkey >> 9
    nine ^= subkey & 0x1FF
    nine = _S9[nine] ^ seven
    return (seven << 9) | nine


class Misty1:
    """MISTY1 under one key.

    `key` is 16 bytes. `encrypt` and `decrypt` take and give integers of 64 bits. The object keeps
    the expanded key; neither it nor the key appears in its repr.

    Raises ValueError for a key of another length or a block that does not fit 64 bits.
    """

    __slots__ = ("_fl", "_fo")

    def __init__(self, key: bytes) -> None:
        if len(key) != 16:
            raise ValueError(f"A MISTY1 key has 16 bytes, this one has {len(key)}.")
        plain = [int.from_bytes(key[at : at + 2], "big") for at in range(0, 16, 2)]
        mixed = [_fi(plain[i], plain[(i + 1) % 8]) for i in range(8)]
        self._fo = [
            (
                (plain[i], mixed[(i + 5) % 8]),
                (plain[(i + 2) % 8], mixed[(i + 1) % 8]),
                (plain[(i + 7) % 8], mixed[(i + 3) % 8]),
                plain[(i + 4) % 8],
            )
            for i in range(_ROUNDS)
        ]
        self._fl = [
            (mixed[(i // 2 + 2) % 8], plain[(i // 2 + 4) % 8])
            if i % 2
            else (plain[i // 2], mixed[(i // 2 + 6) % 8])
            for i in range(_ROUNDS + 2)
        ]

    def __repr__(self) -> str:
        return "Misty1(key hidden)"

    def encrypt(self, block: int) -> int:
        """Encrypt a 64-bit block."""
        left, right = _halves(block)
        for turn in range(0, _ROUNDS, 2):
            left = self._layer(left, turn)
            right = self._layer(right, turn + 1)
            right ^= self._round(left, turn)
            left ^= self._round(right, turn + 1)
        left = self._layer(left, _ROUNDS)
        right = self._layer(right, _ROUNDS + 1)
        return (right << 32) | left

    def decrypt(self, block: int) -> int:
        """Decrypt a 64-bit block: `encrypt` with every step undone in reverse order."""
        right, left = _halves(block)
        left = self._unlayer(left, _ROUNDS)
        right = self._unlayer(right, _ROUNDS + 1)
        for turn in range(_ROUNDS - 2, -1, -2):
            left ^= self._round(right, turn + 1)
            right ^= self._round(left, turn)
            left = self._unlayer(left, turn)
            right = self._unlayer(right, turn + 1)
        return (left << 32) | right

    def _round(self, half: int, turn: int) -> int:
        """FO: three FI steps over the two 16-bit halves, each feeding the other."""
        *steps, last = self._fo[turn]
        a, b = half >> 16, half & _LOW_16
        for whitening, subkey in steps:
            a, b = b, _fi(a ^ whitening, subkey) ^ b
        return ((a ^ last) << 16) | b

    def _layer(self, half: int, turn: int) -> int:
        """FL: one AND and one OR with the key, linear for a given key."""
        under_and, under_or = self._fl[turn]
        high, low = half >> 16, half & _LOW_16
        low ^= high & under_and
        high ^= low | under_or
        return (high << 16) | low

    def _unlayer(self, half: int, turn: int) -> int:
        """FL backwards."""
        under_and, under_or = self._fl[turn]
        high, low = half >> 16, half & _LOW_16
        high ^= low | under_or
        low ^= high & under_and
        return (high << 16) | low


def _halves(block: int) -> tuple[int, int]:
    if block < 0 or block >> 64:
        raise ValueError("A MISTY1 block is an integer of 64 bits; this one does not fit.")
    return block >> 32, block & _LOW_32
