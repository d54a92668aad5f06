"""`chatkey.admin.v1.KeyService`: convert, ask the admin desk, convert back."""

from __future__ import annotations

import json

from chatkey.admin.v1 import key_service_pb2 as pb
from gateway.desk.admin.keys import Keys
from gateway.rpc.admin import answers
from gateway.rpc.admin.convert import ask_from
from gateway.rpc.call import Call


class KeyService:
    """Rotates the keys that sign tokens."""

    def __init__(self, keys: Keys) -> None:
        """Ask `keys`."""
        self._keys = keys

    async def ListKeys(self, request: pb.ListKeysRequest, call: Call) -> pb.ListKeysResponse:
        """Return the keys."""
        keys = await self._keys.list(ask_from(request, call))
        return pb.ListKeysResponse(keys=[answers.key_to(*key) for key in keys])

    async def PrepareKey(self, request: pb.PrepareKeyRequest, call: Call) -> pb.PrepareKeyResponse:
        """Make a key."""
        return pb.PrepareKeyResponse(key=answers.key_to(*await self._keys.prepare(ask_from(request, call))))

    async def ActivateKey(self, request: pb.ActivateKeyRequest, call: Call) -> pb.ActivateKeyResponse:
        """Sign with a key."""
        key = await self._keys.activate(ask_from(request, call), request.key_id, at_once=request.at_once)
        return pb.ActivateKeyResponse(key=answers.key_to(*key))

    async def TaintKey(self, request: pb.TaintKeyRequest, call: Call) -> pb.TaintKeyResponse:
        """Sign no more with a key."""
        return pb.TaintKeyResponse(key=answers.key_to(*await self._keys.taint(ask_from(request, call), request.key_id)))

    async def RevokeKey(self, request: pb.RevokeKeyRequest, call: Call) -> pb.RevokeKeyResponse:
        """Refuse every token of a key."""
        key = await self._keys.revoke(ask_from(request, call), request.key_id)
        return pb.RevokeKeyResponse(key=answers.key_to(*key))

    async def GetJwks(self, request: pb.GetJwksRequest, call: Call) -> pb.GetJwksResponse:
        """Return the public keys."""
        return pb.GetJwksResponse(jwks=json.dumps(await self._keys.jwks(ask_from(request, call))))
