from __future__ import annotations

import pytest

from gateway.errors import ConfigInvalid
from gateway.rpc.address import require_address

ON_THIS_MACHINE = ["127.0.0.1:50051", "127.0.0.1:0", "127.8.9.10:1", "[::1]:50051", "unix:/run/x.sock", "unix:x.sock"]
FURTHER = ["0.0.0.0:50051", "[::]:0", "192.0.2.1:1", "[2001:db8::1]:1", "localhost:50051", "example.org:443"]
FURTHER += ["127.1:1", "2130706433:1", "0x7f000001:1", "[::ffff:127.0.0.1]:1", "[::1%lo]:1", "[]:1"]
MALFORMED = ["", ":50051", "50051", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1"]
MALFORMED += ["::", "::1:50051", ":::50051", "127.0.0.1:１", "unix:"]


@pytest.mark.parametrize("listen", ON_THIS_MACHINE)
def test_row_32_plaintext_stays_on_this_machine(listen: str) -> None:
    require_address(listen, encrypted=False)


@pytest.mark.parametrize("listen", FURTHER)
def test_row_32_plaintext_is_refused_where_others_could_hear_it(listen: str) -> None:
    with pytest.raises(ConfigInvalid, match="no TLS") as refused:
        require_address(listen, encrypted=False)
    assert "\n" not in str(refused.value)
    require_address(listen, encrypted=True)


@pytest.mark.parametrize("listen", MALFORMED)
@pytest.mark.parametrize("encrypted", [True, False])
def test_a_malformed_address_is_refused(listen: str, encrypted: bool) -> None:
    with pytest.raises(ConfigInvalid):
        require_address(listen, encrypted=encrypted)
