from rlmlab.scoping.pages import DEFAULT_LIMIT, HIGHEST_LIMIT, Page, decode_cursor, encode_cursor

__all__ = ["DEFAULT_LIMIT", "HIGHEST_LIMIT", "Page", "decode_cursor", "encode_cursor"]
