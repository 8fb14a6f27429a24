"""The Standard Transfer Specification (IEC 62055-41) as pure functions of integers.

Not in here: no I/O, no clock, no randomness, no storage, no EA07 tables (those are licensed).

- `token`: the 20 digits, and the 66 bits behind them
- `block`: the 64-bit data block and its CRC
- `amount`: tenths of a unit in 16 bits
- `credit`: class 0 subclass 0, electricity credit; another kind of token is another such module
- `tid`: token identifiers and base dates
- `serial`: meter numbers, Luhn, PAN
- `keys`: vending keys, and decoder keys by DKGA04
- `misty1`: the cipher of encryption algorithm 11
"""
