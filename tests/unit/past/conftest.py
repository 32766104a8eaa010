from __future__ import annotations

from support.shop_in_ledger import read_in, session, shop

__all__ = ["read_in", "session", "shop"]
