// Prints what people write in the chats that a token may read, a line each, until Ctrl-C: node build/src/receive.js.
//
// Begins with the oldest that the gateway still keeps. On a refusal prints what gRPC says and ends with exit code 1.

import { setTimeout } from "node:timers/promises";

import { status } from "@grpc/grpc-js";

import {
  type StreamUpdatesRequest,
  type StreamUpdatesResponse,
  UpdateKind,
  UpdateServiceClient,
} from "../generated/chatkey/v1/update_service.js";
import { authorization, connection } from "./connection.js";

/** Prints until the stream ends. The request goes on then after what was printed. */
async function follow(updates: UpdateServiceClient, request: StreamUpdatesRequest): Promise<void> {
  const answers: AsyncIterable<StreamUpdatesResponse> = updates.streamUpdates(request, authorization());
  for await (const { update, cursor } of answers) {
    if (update?.message?.text) console.log(`${update.chatId} ${update.message.text}`);
    request.cursor = cursor;
    request.fromOldest = false;
  }
}

async function main(): Promise<number> {
  const updates = new UpdateServiceClient(...connection());
  const kinds = [UpdateKind.UPDATE_KIND_MESSAGE];
  const request: StreamUpdatesRequest = { cursor: "", fromOldest: true, chatIds: [], kinds };
  for (;;) {
    try {
      await follow(updates, request);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === status.UNAVAILABLE)) {
        console.error(String(error));
        return 1;
      }
    }
    await setTimeout(Math.random() * 2_000);
  }
}

process.exitCode = await main();
