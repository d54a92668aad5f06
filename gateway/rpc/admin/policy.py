"""Which function of the admin desk each RPC is. An RPC that is not in this table does not exist.

What a function asks of its operator, and whether it is critical, stands in `gateway.desk.admin.functions`.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.desk.admin.functions import Function
from gateway.rpc.policy import Access

_CREDENTIALS = "/chatkey.admin.v1.CredentialService/"
_KEYS = "/chatkey.admin.v1.KeyService/"
_CLIENTS = "/chatkey.admin.v1.ClientService/"
_CHATS = "/chatkey.admin.v1.ChatRegistryService/"
_APPROVALS = "/chatkey.admin.v1.ApprovalService/"
_AUDIT = "/chatkey.admin.v1.AuditService/"

POLICY: Mapping[str, Function | Access] = {
    f"{_CREDENTIALS}IssueCredential": Function.ISSUE_CREDENTIAL,
    f"{_CREDENTIALS}GetCredential": Function.GET_CREDENTIAL,
    f"{_CREDENTIALS}ListCredentials": Function.LIST_CREDENTIALS,
    f"{_CREDENTIALS}RevokeCredential": Function.REVOKE_CREDENTIAL,
    f"{_CREDENTIALS}MarkCanary": Function.MARK_CANARY,
    f"{_CREDENTIALS}RevokeAllCredentials": Function.REVOKE_ALL_CREDENTIALS,
    f"{_KEYS}ListKeys": Function.LIST_KEYS,
    f"{_KEYS}PrepareKey": Function.PREPARE_KEY,
    f"{_KEYS}ActivateKey": Function.ACTIVATE_KEY,
    f"{_KEYS}TaintKey": Function.TAINT_KEY,
    f"{_KEYS}RevokeKey": Function.REVOKE_KEY,
    f"{_KEYS}GetJwks": Function.GET_JWKS,
    f"{_CLIENTS}AddClient": Function.ADD_CLIENT,
    f"{_CLIENTS}GetClient": Function.GET_CLIENT,
    f"{_CLIENTS}ListClients": Function.LIST_CLIENTS,
    f"{_CLIENTS}UpdateClient": Function.UPDATE_CLIENT,
    f"{_CLIENTS}DisableClient": Function.DISABLE_CLIENT,
    f"{_CLIENTS}EnableClient": Function.ENABLE_CLIENT,
    f"{_CHATS}AuthorizeChat": Function.AUTHORIZE_CHAT,
    f"{_CHATS}SuspendChat": Function.SUSPEND_CHAT,
    f"{_CHATS}ResumeChat": Function.RESUME_CHAT,
    f"{_CHATS}ListChats": Function.LIST_CHATS,
    f"{_CHATS}ListDiscoveredChats": Function.DISCOVER_CHATS,
    f"{_CHATS}ListMigrations": Function.LIST_MIGRATIONS,
    f"{_CHATS}ListClosedChats": Function.LIST_CLOSED_CHATS,
    f"{_CHATS}ReopenChat": Function.REOPEN_CHAT,
    f"{_CHATS}ApproveMigration": Function.APPROVE_MIGRATION,
    f"{_APPROVALS}ListApprovals": Function.LIST_APPROVALS,
    f"{_APPROVALS}GiveApproval": Function.GIVE_APPROVAL,
    f"{_AUDIT}SearchRecords": Function.SEARCH_RECORDS,
    f"{_AUDIT}VerifyLog": Function.VERIFY_LOG,
    f"{_AUDIT}TailRecords": Function.TAIL_RECORDS,
    "/grpc.health.v1.Health/Check": Access.PUBLIC,
    "/grpc.health.v1.Health/List": Access.PUBLIC,
    "/grpc.health.v1.Health/Watch": Access.PUBLIC,
}
