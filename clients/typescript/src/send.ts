// Sends one message to the chat that a token opens: node build/src/send.js CHAT_ID TEXT [REQUEST_ID].
//
// Prints the message's id and state; on a refusal prints code, reason and error id and ends with exit code 1.

import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";

import { type Metadata, status, type ServiceError } from "@grpc/grpc-js";

import { type Message, MessagingGatewayClient, SendMessageRequest, stateToJSON } from "../generated/chatkey/v1/messaging_gateway.js";
import { ErrorInfo, Status } from "../generated/google/rpc/error.js";
import { authorization, connection } from "./connection.js";

const DEADLINE_MS = 30_000;
const DOMAIN = "chatkey.v1";
const ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo";

async function main(): Promise<number> {
  const [chatId, text, requestId = randomUUID(), ...more] = process.argv.slice(2);
  if (chatId === undefined || text === undefined || more.length > 0) {
    console.error("usage: node build/src/send.js CHAT_ID TEXT [REQUEST_ID]");
    return 2;
  }
  const gateway = new MessagingGatewayClient(...connection());
  try {
    // The same requestId in every repeat, so that a repeat is never a second message.
    const request = SendMessageRequest.fromPartial({ chatId: BigInt(chatId), text, requestId });
    const message = await send(gateway, request, authorization());
    console.log(message.id, stateToJSON(message.state).replace(/^STATE_/, ""));
    return 0;
  } catch (error) {
    if (!isServiceError(error)) throw error;
    const [errorId = "-"] = error.metadata.get("chatkey-error-id");
    console.error(status[error.code], reason(error), String(errorId));
    return 1;
  } finally {
    gateway.close();
  }
}

/** Repeats the same request on UNAVAILABLE until the deadline. */
async function send(gateway: MessagingGatewayClient, request: SendMessageRequest, metadata: Metadata): Promise<Message> {
  const deadline = Date.now() + DEADLINE_MS;
  for (let pause = 100; ; pause = Math.min(2 * pause, 2_000)) {
    try {
      return await attempt(gateway, request, metadata, deadline);
    } catch (error) {
      // TELEGRAM_FAILED is UNAVAILABLE too, but that message is final.
      if (!isServiceError(error) || error.code !== status.UNAVAILABLE || reason(error) === "TELEGRAM_FAILED") throw error;
    }
    // Past the deadline the next attempt itself ends in DEADLINE_EXCEEDED.
    await setTimeout(Math.random() * pause);
  }
}

function attempt(
  gateway: MessagingGatewayClient,
  request: SendMessageRequest,
  metadata: Metadata,
  deadline: number,
): Promise<Message> {
  return new Promise((resolve, reject) => {
    gateway.sendMessage(request, metadata, { deadline }, (error, answer) => {
      if (error) reject(error);
      else if (answer.message) resolve(answer.message);
      else reject(new Error("an answer without a message"));
    });
  });
}

/** Reads the reason out of the trailer grpc-status-details-bin; "-" if there is none of Chatkey's. */
function reason(error: ServiceError): string {
  const [trailer] = error.metadata.get("grpc-status-details-bin");
  if (!Buffer.isBuffer(trailer)) return "-";
  for (const detail of Status.decode(trailer).details) {
    if (detail.typeUrl !== ERROR_INFO) continue;
    const info = ErrorInfo.decode(detail.value);
    if (info.domain === DOMAIN) return info.reason;
  }
  return "-";
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "metadata" in error;
}

process.exitCode = await main();
